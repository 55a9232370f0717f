"""What a label format is, and which one a file name means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from ncenet.labels.records import Known, Labels, Record


class Format(ABC):
    """A way to write answers to files and to read them back.

    What is written and read back is the same: ids, hashes, answers, and who, when and in which cycle. Labels
    that somebody changed in the files in between come back changed.

    Attributes:
        suffix: of the one file that it is, with the dot; "" for a folder.
        tasks: the tasks whose labels it can hold.
        copies_images: whether image files are written beside the labels, or links to them.
        writes_csv: whether it is, or holds, a table in CSV.
    """

    suffix: str = ""
    tasks: frozenset[str] = frozenset({"classification", "detection"})
    copies_images: bool = False
    writes_csv: bool = False

    def recognises(self, source: Path) -> bool:
        """Whether a file or folder, which exists, looks like this format, as by the end of its name."""
        return bool(self.suffix) and source.is_file() and source.suffix.lower() == self.suffix

    @abstractmethod
    def write(self, labels: Labels, target: Path) -> None:
        """Write answers.

        Args:
            labels: what to write.
            target: the file or folder; nothing is there yet.

        Raises:
            DataError: the format can't hold one of these answers; says which.
        """

    @abstractmethod
    def read(self, source: Path, known: Known) -> Iterable[Record]:
        """Read answers, of this project's making or of another tool's.

        Args:
            source: the file or folder.
            known: the run that takes them.

        Raises:
            DataError: not of this format; says where.
        """

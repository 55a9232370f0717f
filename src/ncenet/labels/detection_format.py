"""What the formats of boxes have in common: sizes of images, checks, and which numbers are the same."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ncenet.box_gate import fit_boxes
from ncenet.boxes import Boxes
from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.pools import size_of
from ncenet.data.readers import form_of
from ncenet.errors import DataError
from ncenet.labels.folder_format import FolderFormat, FoundLabels
from ncenet.labels.records import Known, Labels, Record
from ncenet.types import Label, Pool

SAME = 1e-3
"""Pixels by which an edge may move in writing and reading and still be the same (ours); tools move more."""
_SHOWN = 20


class Sized(NamedTuple):
    """The objects of one image, and its size.

    Attributes:
        path: of the image in the folder.
        boxes: its objects.
        width: in pixels, upright.
        height: in pixels, upright.
    """

    path: str
    boxes: Boxes
    width: int
    height: int


class DetectionFormat(FolderFormat):
    """Base of formats that write images with boxes.

    Attributes:
        forms: names of the data readers (:mod:`ncenet.data.readers`) that know such files.
        keeps_difficult: whether it tells difficult objects from others.
    """

    forms: tuple[str, ...] = ()

    tasks = frozenset({"detection"})
    keeps_difficult: bool = True

    def recognises(self, source: Path) -> bool:
        """Whatever the data reader of this form knows."""
        return form_of(source, "detection") in self.forms

    @abstractmethod
    def write_boxes(self, images: list[Sized], labels: Labels, target: Path) -> None:
        """Write the annotations."""

    @abstractmethod
    def datasets(self, source: Path) -> Iterator[Dataset]:
        """What the folder holds, split by split."""

    def annotate(self, placed: Mapping[str, Record], labels: Labels, pool: Pool, target: Path) -> None:
        """See :class:`~ncenet.labels.folder_format.FolderFormat`.

        Raises:
            DataError: a box is none of its image.
        """
        self.write_boxes([_sized(pool, path, record) for path, record in placed.items()], labels, target)

    def found(self, source: Path, known: Known) -> list[FoundLabels]:
        """See :class:`~ncenet.labels.folder_format.FolderFormat`.

        Raises:
            DataError: there are mistakes in the annotations.
        """
        found = []
        for dataset in self.datasets(source):
            if dataset.problems:
                shown = "\n".join(f"  {problem}" for problem in dataset.problems[:_SHOWN])
                raise DataError(
                    f"{source}: {count_of(len(dataset.problems), 'mistake')} in the annotations:\n{shown}"
                )
            labels = dataset.required_oracle().answer(list(dataset.pool.ids()))
            found.append(FoundLabels(dataset.pool, labels, dataset.unsaid))
        return found

    def as_written(self, boxes: Boxes) -> Boxes:
        """What is left of boxes in this form, besides rounding."""
        return boxes

    def same(self, exact: Label, found: Label) -> bool:
        """Whether the objects are the same in the same order, but for rounding."""
        one, other = self.as_written(Boxes.from_label(exact)), Boxes.from_label(found)
        edges = zip(
            (edge for box in one.boxes for edge in box),
            (edge for box in other.boxes for edge in box),
            strict=False,
        )
        return (
            one.labels == other.labels
            and (one.difficult == other.difficult or not self.keeps_difficult)
            and all(abs(a - b) <= SAME for a, b in edges)
        )


def splits(has_test_images: bool) -> tuple[Split, ...]:
    """The splits to look at: a folder without test images is opened as a whole."""
    return ("train", "test") if has_test_images else ("train",)


def _sized(pool: Pool, path: str, record: Record) -> Sized:
    size = size_of(pool, record.id)
    try:
        boxes, _ = fit_boxes(Boxes.from_label(record.label or ""), size)
    except DataError as error:
        raise DataError(
            f"{record.id!r}: {error}: answer anew, with ncenet tell or on the page of ncenet label"
        ) from error
    return Sized(path, boxes, *size)

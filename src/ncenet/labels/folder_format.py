"""Formats that are a folder of images, with what the folder itself can't say in a table beside it.

The table ``labels.csv`` has a row for each answer, and the path of its image. Reading follows the images and
their annotations, which somebody may have moved or edited; the table adds id, hash, who, when and cycle, the
exact numbers where the format rounds, and the answers that are no label.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ncenet.data.folders import SUFFIXES
from ncenet.errors import DataError
from ncenet.labels.format import Format
from ncenet.labels.images import paths_of, write_image
from ncenet.labels.records import Known, Labels, Record
from ncenet.labels.table import read_answers, write_answers
from ncenet.types import Label, Pool

TABLE = "labels.csv"


class FoundLabels(NamedTuple):
    """Images of a folder, and what it says of them.

    Attributes:
        pool: the images, under their paths.
        labels: the label of each image by its path.
        unsaid: images that are merely listed, so that nobody may have looked at them.
    """

    pool: Pool
    labels: Mapping[str, Label]
    unsaid: Collection[str] = frozenset()


class FolderFormat(Format):
    """Base of formats that write image files."""

    copies_images = True
    writes_csv = True

    @abstractmethod
    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """Where in the folder the image of each answer goes; ``paths`` holds the path of each id."""

    @abstractmethod
    def annotate(self, placed: Mapping[str, Record], labels: Labels, pool: Pool, target: Path) -> None:
        """Write the annotations of the images; ``placed`` holds the answers by path of the image."""

    @abstractmethod
    def found(self, source: Path, known: Known) -> list[FoundLabels]:
        """What the folder says now."""

    def name_of(self, path: str) -> str:
        """What stays of the path of an image, in the table or in the folder, when its label changes."""
        return path

    def same(self, exact: Label, found: Label) -> bool:
        """Whether ``found`` is what is read when ``exact`` was written."""
        return exact == found

    def write(self, labels: Labels, target: Path) -> None:
        """See :class:`~ncenet.labels.format.Format`."""
        pool = labels.pool()
        answers = [record for record in labels.records if record.kind == "answer"]
        paths = paths_of(pool, answers)
        placed = dict(zip(self.place(paths, answers, labels), answers, strict=True))
        target.mkdir(parents=True)
        for path, record in placed.items():
            write_image(pool, record, target / path, link=labels.link)
        self.annotate(placed, labels, pool, target)
        path_of = {record.id: path for path, record in placed.items()}
        write_answers(target / TABLE, labels.records, path_of, raw=labels.raw)

    def read(self, source: Path, known: Known) -> Iterator[Record]:
        """See :class:`~ncenet.labels.format.Format`."""
        if not source.is_dir():
            raise DataError(f"{source}: is no folder")
        by_name: dict[str, Record] = {}
        for record, path in read_answers(source / TABLE, known) if (source / TABLE).exists() else ():
            if record.kind != "answer":
                yield record
            else:
                by_name[self.name_of(path)] = record
        if (
            not any(path.suffix.lower() in SUFFIXES for path in source.rglob("*"))
            and (source / TABLE).exists()
        ):
            return  # every answer was skip or unsure
        for pool, labels, unsaid in self.found(source, known):
            for path, label in labels.items():
                written = by_name.get(self.name_of(path))
                if written is None:
                    record = _stranger(pool, path, self.name_of(path), label, known)
                    yield replace(record, unsaid=path in unsaid)
                else:
                    exact = written.label or ""
                    yield replace(written, label=exact if self.same(exact, label) else label)


def _stranger(pool: Pool, path: str, name: str, label: Label, known: Known) -> Record:
    """An image that the table doesn't know: it is recognised by its bytes, and of several by its name.

    Raises:
        DataError: several images of the run have these bytes, and no name tells which is meant.
    """
    digest = pool.content_hash(path)
    ids = known.by_hash.get(digest, [])
    if len(ids) > 1:
        named = [id for id in ids if PurePosixPath(id).name == PurePosixPath(path).name]
        if len(named) != 1:
            raise DataError(f"{path}: {len(ids)} images of the run have these bytes, such as {ids[0]!r}")
        ids = named
    return Record(ids[0] if ids else name, label, hash=digest)

"""CSV manifests: a list of image files, with or without their classes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ncenet.data.pools import Channels, EncodedPool, file_of
from ncenet.data.scan_cache import stamp_of
from ncenet.data.set_apart import Columns
from ncenet.errors import DataError
from ncenet.tables import read_rows
from ncenet.text_files import open_text


class Manifest(NamedTuple):
    """What a manifest lists.

    Attributes:
        ids: paths as they are written, with ``/``, in the order of the file.
        labels: class of each id, or None when there is no column ``label``.
        places: where the file of each id is, by the folder of the manifest; None when there is no column
            ``moved_to``, and a path is both.
    """

    ids: tuple[str, ...]
    labels: dict[str, str] | None
    places: dict[str, str] | None = None


def read_manifest(file: Path) -> Manifest:
    """Read a CSV file with a header, a column ``path`` (relative to the file) and perhaps a column ``label``.

    With a column ``moved_to``, that says where the files are, and ``path`` is the id alone. Other columns are
    passed over. Whether the images exist is found out when they are read.

    Raises:
        DataError: with file and line: no CSV by the rules of :mod:`ncenet.tables`, no column ``path``, a path
            that is missing or occurs twice, a label that is missing. Or a column sets rows apart for testing.
    """
    paths: list[str] = []
    lines: dict[str, str] = {}
    labels: dict[str, str] = {}
    places: dict[str, str] = {}
    labelled = placed = False
    columns = Columns(("path", "label", "moved_to"))
    with open_text(file) as text:
        for where, row in read_rows(text, file, needs=("path",)):
            columns.see(row)
            labelled, placed = "label" in row, "moved_to" in row
            # Beside a place of its own a path is an id, and none of its characters may change.
            path = row["path"] if placed else row["path"].strip().replace("\\", "/")
            if not path:
                raise DataError(f"{where} the path is missing")
            place = path if placed else posixpath.normpath(path)  # of two spellings each had a label
            if place in lines:
                raise DataError(f"{where} {path!r} stands in line {lines[place]} already")
            lines[place] = where.rpartition(":")[2]
            paths.append(path)
            if placed:
                places[path] = row["moved_to"].strip()
                if not places[path]:
                    raise DataError(f"{where} where {path!r} is now is missing")
            if labelled:
                labels[path] = row["label"].strip()
                if not labels[path]:
                    raise DataError(
                        f"{where} the label of {path!r} is missing: "
                        "fill it in, or leave the column 'label' out to use the images without labels"
                    )
    if not lines:
        raise DataError(f"{file}: lists no images")
    columns.refuse_splits(file)
    return Manifest(tuple(paths), labels if labelled else None, places if placed else None)


class PlacedFiles(EncodedPool):
    """Image files whose ids are no paths of theirs any more: they were moved since.

    Args:
        root: the folder from which relative places count.
        places: file of each id.
        channels: 1, 3 or "auto".
    """

    def __init__(self, root: Path, places: Mapping[str, str], *, channels: Channels = "auto") -> None:
        self._root, self._places = Path(root).absolute(), dict(places)
        self.channels = self._choose(channels)

    def ids(self) -> tuple[str, ...]:
        """All ids, in the order in which they were given."""
        return tuple(self._places)

    def read(self, id: str) -> bytes:
        """The bytes of the file.

        Raises:
            DataError: there is no such id.
            UnreadableImage: the file cannot be read.
        """
        return file_of(id, self._place(id))

    def stamp(self, id: str) -> str | None:
        """That of the file."""
        return stamp_of(self._place(id))

    def _place(self, id: str) -> Path:
        if id not in self._places:
            raise DataError(f"{id!r}: no image of this pool has such an id")
        return self._root / self._places[id]

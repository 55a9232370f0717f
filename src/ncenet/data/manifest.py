"""CSV manifests: a list of image files, with or without their classes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ncenet.errors import DataError
from ncenet.tables import read_rows
from ncenet.text_files import open_text


class Manifest(NamedTuple):
    """What a manifest lists.

    Attributes:
        ids: paths as they are written, with ``/``, in the order of the file.
        labels: class of each id, or None when there is no column ``label``.
    """

    ids: tuple[str, ...]
    labels: dict[str, str] | None


def read_manifest(file: Path) -> Manifest:
    """Read a CSV file with a header, a column ``path`` (relative to the file) and perhaps a column ``label``.

    Other columns are passed over. Whether the images exist is found out when they are read.

    Raises:
        DataError: with file and line: no CSV by the rules of :mod:`ncenet.tables`, no column ``path``, a path
            that is missing or occurs twice, a label that is missing.
    """
    lines: dict[str, str] = {}
    labels: dict[str, str] = {}
    labelled = False
    with open_text(file) as text:
        for where, row in read_rows(text, file, needs=("path",)):
            labelled = "label" in row
            path = row["path"].strip().replace("\\", "/")
            if not path:
                raise DataError(f"{where} the path is missing")
            if path in lines:
                raise DataError(f"{where} {path!r} stands in line {lines[path]} already")
            lines[path] = where.rpartition(":")[2]
            if labelled:
                labels[path] = row["label"].strip()
                if not labels[path]:
                    raise DataError(
                        f"{where} the label of {path!r} is missing: "
                        "fill it in, or leave the column 'label' out to use the images without labels"
                    )
    if not lines:
        raise DataError(f"{file}: lists no images")
    return Manifest(tuple(lines), labels if labelled else None)

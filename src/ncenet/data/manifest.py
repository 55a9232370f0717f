"""CSV manifests: a list of image files, with or without their classes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from ncenet.errors import DataError


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
        DataError: with file and line: not CSV, no column ``path``, a path that is missing or occurs twice, a
            label that is missing.
    """
    lines: dict[str, int] = {}
    labels: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text, strict=True)
            columns = [column.strip() for column in rows.fieldnames or []]
            if "path" not in columns:
                raise DataError(
                    f"{file}:1 needs a header with a column 'path' (and 'label', if there are labels), got: "
                    f"{','.join(columns) or 'nothing'}"
                )
            rows.fieldnames = columns
            labelled = "label" in columns
            for row in rows:
                line = rows.line_num
                path = (row["path"] or "").strip().replace("\\", "/")
                if not path:
                    raise DataError(f"{file}:{line} the path is missing")
                if None in row:
                    raise DataError(
                        f"{file}:{line} has more fields than the header: quote fields that hold commas"
                    )
                if path in lines:
                    raise DataError(f"{file}:{line} {path!r} stands in line {lines[path]} already")
                lines[path] = line
                if labelled:
                    labels[path] = (row["label"] or "").strip()
                    if not labels[path]:
                        raise DataError(
                            f"{file}:{line} the label of {path!r} is missing: "
                            "fill it in, or leave the column 'label' out to use the images without labels"
                        )
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise DataError(f"{file}:{rows.line_num + 1} not CSV: {error}") from error
    if not lines:
        raise DataError(f"{file}: lists no images")
    return Manifest(tuple(lines), labels if labelled else None)

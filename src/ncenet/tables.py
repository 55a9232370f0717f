"""Tables: in CSV, so that whatever characters an id or a label has come back, and the door to Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ncenet.errors import DataError, MissingExtra


def write_rows(file: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table with a header; None becomes an empty field."""
    with file.open("w", encoding="utf-8", newline="") as text:
        # All is quoted: some versions of the module leave a lone carriage return bare, which ends a line.
        writer = csv.DictWriter(text, columns, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(rows)


def read_rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of a table with its file and line, for messages; an empty field is None.

    Raises:
        DataError: not CSV in UTF-8, no columns ``id`` and ``label``, a row of another length, a cycle that is
            no number.
    """
    line = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text, strict=True)
            columns = rows.fieldnames or ()
            if not {"id", "label"} <= set(columns):
                raise DataError(f"{file}:1 needs columns id and label, found {', '.join(columns) or 'none'}")
            for row in rows:
                line = rows.line_num
                if None in row or None in row.values():
                    raise DataError(f"{file}:{line} has another number of fields than the header")
                values: dict[str, Any] = {column: value or None for column, value in row.items()}
                if values.get("cycle") is not None:
                    values["cycle"] = _whole_number(values["cycle"], f"{file}:{line}")
                yield f"{file}:{line}", values
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not text in UTF-8: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise DataError(f"{file}:{line + 1} not CSV: {error}") from error


def pyarrow(purpose: str) -> Any:
    """The library, with its part for Parquet.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(purpose, "parquet", "50 MB") from None
    return pyarrow


def _whole_number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{where} cycle is {text!r}, not a whole number") from None

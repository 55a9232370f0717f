"""Answers as rows of CSV, alone in a file or beside the images of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ncenet.errors import DataError
from ncenet.labels.records import WRITTEN, Known, Record
from ncenet.tables import read_rows, write_csv
from ncenet.text_files import open_text

PATH = "path"
"""Column that says where the image of an answer is."""


def write_answers(
    file: Path, records: Iterable[Record], paths: Mapping[str, str] | None = None, *, raw: bool = False
) -> None:
    """Write answers, one a line.

    Args:
        file: where to.
        records: the answers.
        paths: of the images by id, which are the last column; None for a table without it.
        raw: leave cells alone that a spreadsheet would take for formulas.
    """
    rows = (record.row() for record in records)
    if paths is None:
        write_csv(file, WRITTEN, (tuple(row.values()) for row in rows), raw=raw)
    else:
        placed = ((*row.values(), paths.get(str(row["id"]))) for row in rows)
        write_csv(file, (*WRITTEN, PATH), placed, raw=raw)


def read_answers(file: Path, known: Known) -> Iterator[tuple[Record, str]]:
    """The answers in a table, each with the path of its image, "" when it names none.

    Raises:
        DataError: the table is no CSV with columns ``id`` and ``label``, or a value is not what its column
            holds.
    """
    with open_text(file) as lines:
        yield from answers_in(lines, file, known)


def answers_in(lines: Iterable[str], name: object, known: Known) -> Iterator[tuple[Record, str]]:
    """The same of a text that is open already.

    Args:
        lines: of the text, their ends as they stand there.
        name: of the file, for messages.
        known: the run that takes them.

    Raises:
        DataError: as in :func:`read_answers`.
    """
    for where, row in read_rows(lines, name, needs=("id", "label"), ids=known.by_id):
        values: dict[str, Any] = {column: value or None for column, value in row.items()}
        if values.get("cycle") is not None:
            values["cycle"] = _whole_number(values["cycle"], where)
        record = known.record(values, where)
        if record is not None:
            yield record, row.get(PATH, "")


def _whole_number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{where} cycle is {text!r}, not a whole number") from None

"""Tables: one writer and one strict reader of CSV, so that every field comes back; the door to Parquet.

Strict means: nothing is guessed, dropped or filled in. A row has as many fields as the header, a quote that
opens closes, a column stands there once. What breaks a rule is named by file and line.

Spreadsheets run a cell that begins like a formula. An apostrophe before it, by which they know text, keeps
them from it; the reader takes it off again, so nothing is lost.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ncenet.counts import first_of
from ncenet.errors import DataError, MissingExtra
from ncenet.files import whole
from ncenet.text_files import LONGEST_LINE, open_text, read_head

LONGEST_FIELD = LONGEST_LINE
"""Characters of a field; the boxes of one image may be more than the 131,072 that the csv module allows."""
FORMULA = "'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""How a cell begins that a spreadsheet runs (the last four are wide forms of the first), or that has such a
cell behind apostrophes, which must stay apart from one that was escaped."""
_FORMULA = re.compile(FORMULA)
_ENDS = re.compile("\r\n|\r|\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, raw: bool = False) -> Iterator[str]:
    """A table as lines of CSV, their ends included.

    Args:
        columns: the header.
        rows: their fields; None is an empty one.
        raw: leave cells alone that a spreadsheet would take for formulas.

    >>> print(*csv_lines(("id", "n"), [("a, b", 1), ("=1+1", None)]), sep="", end="")
    id,n
    "a, b",1
    '=1+1,
    """
    yield csv_line(columns, raw=raw)
    for row in rows:
        yield csv_line(row, raw=raw)


def csv_line(row: Sequence[Any], *, raw: bool = False) -> str:
    """One of them, its end included."""
    line = ",".join(_field(value, raw) for value in row)
    return f"{line}\n" if line else '""\n'  # a line with nothing on it would be no row


def write_csv(
    file: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, raw: bool = False
) -> None:
    """Write a table as CSV, whole or not at all; see :func:`csv_lines`.

    Raises:
        DataError: a field holds the character NUL: with that no reader takes the file for text.
    """
    with whole(file) as partial, partial.open("w", encoding="utf-8", newline="") as text:
        for line in csv_lines(columns, rows, raw=raw):
            if "\0" in line:
                raise DataError(
                    f"{file}: {line[:40]!a} holds the character NUL, and CSV can't: JSONL and Parquet can"
                )
            text.write(line)


def read_csv(file: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table that :func:`write_csv` wrote.

    Raises:
        DataError: it cannot be read, there is no header, or it is no CSV by the rules above.
    """
    with open_text(file) as lines:
        rows = [row for _, row in parse_csv(lines, file)]
    if not rows:
        raise DataError(f"{file}: is empty; the first line names the columns")
    return rows[0], rows[1:]


def read_rows(
    lines: Iterable[str], name: object, *, needs: Sequence[str], ids: Container[str] | None = None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a table of somebody's making, by column, each with its file and line for messages.

    Args:
        lines: of the text, from a file that was opened with ``newline=""``.
        name: of the file, for messages.
        needs: columns that must be there; the first names an image.
        ids: the images that there may be; None when that is not known. A field that holds a whole row about
            one of them was opened by a stray quote.

    Raises:
        DataError: not CSV by the rules above, a column is missing, or a row stands within a field.
    """
    columns: list[str] = []
    for line, row in parse_csv(lines, name):
        if not columns:
            columns = _header([column.strip() for column in row], needs, f"{name}:{line}")
            continue
        _refuse_swallowed(row, columns, columns.index(needs[0]), ids, f"{name}:{line}")
        yield f"{name}:{line}", dict(zip(columns, row, strict=True))
    if not columns:
        _header([], needs, f"{name}:1")


def parse_csv(lines: Iterable[str], name: object) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its fields; the header is the first. Blank lines are none.

    Args:
        lines: of the text, from a file that was opened with ``newline=""``.
        name: of the file, for messages.

    Raises:
        DataError: it is not CSV, or a row has not as many fields as the first.
    """
    if csv.field_size_limit() < LONGEST_FIELD:  # the module knows no limit of one reader
        csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(lines, strict=True)
    width, line = 0, 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise DataError(
                f"{name}:{line} not CSV: {error}. A field with quotes, commas or ends of lines stands in "
                "quotes, its own quotes doubled"
            ) from error
        if row is None:
            return
        if row:
            width = width or len(row)
            if len(row) != width:
                more, hint = ("more", ": quote those that hold commas") if len(row) > width else ("fewer", "")
                raise DataError(
                    f"{name}:{line} has {more} fields than the header, {len(row)} of {width}{hint}"
                )
            yield line, [_unescaped(text) for text in row]
        line = rows.line_num + 1


def pyarrow(purpose: str) -> Any:
    """The library, with its parts for files.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.fs
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(purpose, "parquet", "50 MB") from None
    return pyarrow


def type_word(kind: Any) -> str:
    """What a column of pyarrow's holds, in words; types that hold the same are one.

    >>> import pyarrow as pa
    >>> type_word(pa.large_string()), type_word(pa.list_(pa.float32(), 3)), type_word(pa.binary())
    ('text', '3 x float', 'bytes')
    """
    pa = pyarrow("reading Parquet files")
    types = pa.types
    if isinstance(kind, pa.ExtensionType):
        kind = kind.storage_type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "bytes"
    if types.is_struct(kind):
        return "{" + ", ".join(f"{field.name}: {type_word(field.type)}" for field in kind) + "}"
    if types.is_fixed_size_list(kind):
        return f"{kind.list_size} x {type_word(kind.value_type)}"
    if types.is_list(kind) or types.is_large_list(kind):
        return f"lists of {type_word(kind.value_type)}"
    return str(kind)


@contextmanager
def reading_parquet(file: object) -> Iterator[None]:
    """Have what is wrong with a Parquet file told as that, wherever in it the damage is.

    Args:
        file: its name, for messages.

    Raises:
        DataError: it can't be read.
    """
    arrow = pyarrow("reading Parquet files")
    try:
        if isinstance(file, Path):
            read_head(file, 1)  # which waits for no pipe and reads no device
        yield
    except FileNotFoundError as error:
        raise DataError(f"{file}: there is no such file") from error
    except (OSError, arrow.ArrowException, UnicodeDecodeError) as error:
        # What is wrong stands in the first line; of a file it may say so in words of its own.
        why = getattr(error, "strerror", None) or " ".join(str(error).partition("\n")[0].split())
        raise DataError(f"{file}: not a Parquet file that can be read: {why}") from error


def _field(value: Any, raw: bool) -> str:
    text = "" if value is None else str(value)
    if isinstance(value, str) and _FORMULA.match(text) and (text[0] == "'" or not raw):
        text = text if _NUMBER.match(text) else f"'{text}"
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _header(columns: list[str], needs: Sequence[str], where: str) -> list[str]:
    missing = [column for column in needs if column not in columns]
    if missing:
        found = first_of(list(filter(None, columns))) or "none"
        hint = "; fields are separated by commas" if len(columns) == 1 and re.search("[;\t]", found) else ""
        if tuple(needs) == ("path",) and not hint:
            hint = "; that names an image; vectors are read from .npz (X, y) and .parquet (vector, label)"
        *most, last = needs
        wanted = f"columns {', '.join(most)} and {last}" if most else f"a column {last}"
        raise DataError(f"{where} needs {wanted}, found {found}{hint}")
    twice = [column for n, column in enumerate(columns) if column and column in columns[:n]]
    if twice:
        raise DataError(f"{where} names the column {twice[0]!r} twice: which one counts?")
    return columns


def _refuse_swallowed(
    row: list[str], columns: list[str], place: int, ids: Container[str] | None, where: str
) -> None:
    """Refuse a field in which another row stands, because a stray quote opened before it."""
    for n, text in enumerate(row):
        lines = _ENDS.split("," * n + text)
        for k, inner in enumerate(lines if len(lines) > 1 else (), start=1):
            fields = inner.split(",")
            # Where the quote closed, the rest of the row that it swallowed became that of this one.
            if (
                len(fields) < 2
                or len(fields) != (n + 1 if k == len(lines) else len(columns))
                or place >= len(fields)
            ):
                continue
            named = fields[place].strip('"')
            if named and (ids is None or named in ids):
                raise DataError(
                    f"{where} holds the row of {named!r} within its column {columns[n]!r}: "
                    "a stray quote opens there"
                )

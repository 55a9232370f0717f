"""Rows of Parquet files from whomever: as many at a time as fit into memory, whatever they unpack to.

A column names each value once where that is shorter, or says what it has in common with the one before, so a
file of a megabyte may hold a terabyte of text. How long a value can be stands in the file before it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ncenet.arrays import check_memory
from ncenet.errors import DataError
from ncenet.tables import pyarrow

WANTED_BYTES = 64 * 2**20
"""Bytes that a batch has as a rule (ours): images of megabytes come in batches of fewer rows."""
MOST_BYTES = 2**30
"""Bytes that it has at most, should each of its values be the longest (ours)."""
_NAMED_ONCE = frozenset({"RLE_DICTIONARY", "PLAIN_DICTIONARY"})
_LIKE_THE_ONE_BEFORE = "DELTA_BYTE_ARRAY"
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 8, "FLOAT": 4, "DOUBLE": 8}
_HEAD = 32
"""Bytes of the head of a page in which its size stands."""


def batches(
    file: Any,
    source: Any,
    columns: Sequence[str],
    *,
    groups: Sequence[int] | None = None,
    rows: int = 2**16,
) -> Iterator[Any]:
    """Record batches of some columns, in the order of the file.

    Args:
        file: open, of pyarrow.
        source: what it was opened from, a path or a file that seeks.
        columns: which ones.
        groups: of these row groups. Default: of all.
        rows: of a batch, at most.
    """
    for group in range(file.metadata.num_row_groups) if groups is None else groups:
        few = rows_at_once(file.metadata, source, columns, group, rows)
        yield from file.iter_batches(few, row_groups=[group], columns=list(columns))


def read_fitting(
    file: Any, source: Any, columns: Sequence[str], name: object, groups: Sequence[int] | None = None
) -> Any:
    """Some columns as a table, when they fit into memory.

    Args:
        file: open, of pyarrow.
        source: see :func:`batches`.
        columns: which ones.
        name: of the file, for messages.
        groups: of these row groups. Default: of all.

    Raises:
        DataError: unpacked they don't.
    """
    pa = pyarrow("reading Parquet files")
    tables: list[Any] = []
    waiting: list[Any] = []
    for batch in fitting(batches(file, source, columns, groups=groups), name):
        waiting.append(batch)
        if sum(each.nbytes for each in waiting) >= WANTED_BYTES:  # one piece of many: a row is found sooner
            tables.append(pa.Table.from_batches(waiting).combine_chunks())
            waiting = []
    if waiting:
        tables.append(pa.Table.from_batches(waiting).combine_chunks())
    if not tables:
        return file.schema_arrow.empty_table().select(list(columns))
    return pa.concat_tables(tables)


def fitting(parts: Iterator[Any], name: object) -> Iterator[Any]:
    """The same batches or tables, which somebody will have in memory together.

    Args:
        parts: of one file.
        name: of it, for messages.

    Raises:
        DataError: they don't fit.
    """
    size = 0
    for part in parts:
        size += part.nbytes
        _check(size, name)
        yield part


def spelt_out(column: Any, name: object) -> Any:
    """A column with each value in full; one that names each value once may be far longer then.

    Args:
        column: of pyarrow.
        name: of its file, for messages.

    Raises:
        DataError: spelt out it doesn't fit into memory.
    """
    pa = pyarrow("reading tables")
    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
            lengths = pa.compute.binary_length(chunk.dictionary).take(chunk.indices)
            _check(pa.compute.sum(lengths.cast(pa.int64())).as_py() or 0, name)
    return column.cast(kind)


def rows_at_once(metadata: Any, source: Any, columns: Sequence[str], group: int, rows: int) -> int:
    """Rows of a row group that a batch may have, at most ``rows``."""
    about, size, longest = metadata.row_group(group), 0, 0
    for place in range(about.num_columns):
        chunk = about.column(place)
        if chunk.path_in_schema.split(".")[0] not in columns:
            continue
        in_a_row = math.ceil(chunk.num_values / max(1, about.num_rows))
        width = _WIDTHS.get(chunk.physical_type, metadata.schema.column(place).length)
        if chunk.physical_type == "BYTE_ARRAY":
            size += chunk.total_uncompressed_size
            longest += in_a_row * longest_value(chunk, source)
        else:
            size += max(chunk.total_uncompressed_size, chunk.num_values * width)
            longest += in_a_row * width
    average = size / max(1, about.num_rows)
    return int(max(1, min(rows, WANTED_BYTES // max(1, average), MOST_BYTES // max(1, longest))))


def longest_value(chunk: Any, source: Any) -> int:
    """Bytes that a text can have that stands there more shortly than it is; 0 where none does."""
    if _LIKE_THE_ONE_BEFORE in chunk.encodings:
        return int(chunk.total_uncompressed_size)
    if not _NAMED_ONCE & set(chunk.encodings):
        return 0
    if not chunk.has_dictionary_page:
        return int(chunk.total_uncompressed_size)
    return _size_of_page(_peek(source, chunk.dictionary_page_offset)) or int(chunk.total_uncompressed_size)


def _peek(source: Any, at: int) -> bytes:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            file.seek(at)
            return file.read(_HEAD)
    source.seek(at)
    return bytes(source.read(_HEAD))


def _size_of_page(head: bytes) -> int:
    """Bytes of a page unpacked, as its head says in Thrift's compact protocol; 0 if it doesn't.

    A head begins with two numbers, each behind a byte that says so: of the kind of page, and this one.

    >>> _size_of_page(bytes([0x15, 0x04, 0x15, 0x80, 0x89, 0x7A, 0x15]))
    1000000
    """
    at, number = 0, 0
    for _ in range(2):
        if head[at : at + 1] != b"\x15":
            return 0
        at, number, shift = at + 1, 0, 0
        while at < len(head):
            number |= (head[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if head[at - 1] < 0x80:
                break
    return number >> 1


def _check(size: int, name: object) -> None:
    try:
        check_memory(size)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error

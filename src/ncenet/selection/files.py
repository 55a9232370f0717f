"""Files of scores: what they hold, chunk by chunk, and whether they belong together.

A file is Parquet or CSV, a row an image; files of other forms become a table in memory (``forms``). Files
that contradict each other are refused before a row is ranked.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from ncenet import addresses, stores
from ncenet.errors import DataError, UsageError
from ncenet.parquet_rows import rows_at_once
from ncenet.score_columns import METADATA
from ncenet.tables import FORMULA, pyarrow, type_word
from ncenet.text_files import load_json

ENDINGS = (".parquet", ".csv")
IDS = r"text|bytes|u?int\d+"
"""Types of ids, in words."""
EMPTY = "null"
"""That of a column in which nothing stands: it goes with any other, for whoever wrote it knew none."""
CHUNK_ROWS = 1_000_000
"""Most rows of a chunk (ours)."""


class Chunk(NamedTuple):
    """Rows of a file, one after the other.

    Attributes:
        file: its number.
        start: number of the first row in its file.
        table: the columns that were asked for, of pyarrow.
    """

    file: int
    start: int
    table: Any


class ScoreFile(ABC):
    """One file.

    Attributes:
        name: its address.
        types: the type of each column, in words that are compared and shown.
        about: what made it, when it says so.
    """

    name: str
    types: Mapping[str, str]
    about: Mapping[str, Any]
    count: int | None = None
    """Rows, where that is known without reading them."""

    @abstractmethod
    def chunks(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """First row and table of each chunk."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two files that may hold the same rows."""

    def rows(self, wanted: Sequence[int], columns: Sequence[str]) -> Any:
        """Some rows, by their numbers in ascending order."""
        return _taken(self.chunks(columns), wanted)

    @property
    def kind(self) -> str:
        """Files of one kind have to have columns of the same types."""
        return type(self).__name__


def _taken(chunks: Iterator[tuple[int, Any]], wanted: Sequence[int]) -> Any:
    """A table of some rows, by their numbers in ascending order, of chunks that hold them."""
    pa, parts, at = pyarrow("reading scores"), [], 0
    for start, table in chunks:
        first = at
        while at < len(wanted) and wanted[at] < start + len(table):
            at += 1
        if at > first:
            parts.append(table.take(pa.array([row - start for row in wanted[first:at]])))
        if at == len(wanted):
            break
    return pa.concat_tables(parts)


class ParquetFile(ScoreFile):
    """A Parquet file, read by row group."""

    def __init__(self, address: str) -> None:
        pa, self.name = pyarrow("reading scores"), address
        with addresses.reading(address, handle=True) as file:
            if not address.lower().endswith(ENDINGS) and file.read(4) != b"PAR1":
                raise DataError(
                    f"{address}: scores are read from Parquet and CSV files, and this is neither; "
                    "`ncenet.select` in Python takes arrays"
                )
            file.seek(0)
            self._metadata = pa.parquet.read_metadata(file)
        self.count = self._metadata.num_rows
        groups = map(self._metadata.row_group, range(self._metadata.num_row_groups))
        self._starts = [0, *accumulate(group.num_rows for group in groups)]
        schema = self._metadata.schema.to_arrow_schema()
        self.types = {field.name: type_word(field.type) for field in schema}
        try:
            self.about = dict(load_json((schema.metadata or {}).get(METADATA, b"{}").decode()))
        except (ValueError, TypeError) as error:
            raise DataError(f"{address}: what it says of its model cannot be read: {error}") from error

    def chunks(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """See :class:`ScoreFile`; a row group, or a part of a large one."""
        return self._groups(range(self._metadata.num_row_groups), columns)

    def rows(self, wanted: Sequence[int], columns: Sequence[str]) -> Any:
        """See :class:`ScoreFile`; row groups without one of them are not read."""
        numbers = {bisect_right(self._starts, row) - 1 for row in wanted}
        return _taken(self._groups(sorted(numbers), columns), wanted)

    def _groups(self, numbers: Iterable[int], columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """First row and table of some row groups, or of the parts of a large one."""
        pa = pyarrow("reading scores")
        with self._opened() as (file, source):
            for number in numbers:
                start = self._starts[number]
                rows = rows_at_once(self._metadata, source, columns, number, CHUNK_ROWS)
                if rows >= self._starts[number + 1] - start:
                    yield start, file.read_row_group(number, columns=list(columns))
                    continue
                for batch in file.iter_batches(rows, row_groups=[number], columns=list(columns)):
                    yield start, pa.Table.from_batches([batch])
                    start += len(batch)

    def fingerprint(self) -> str:
        """By the sizes and bounds of all column chunks, which stand at the end of the file."""
        digest = hashlib.blake2b(digest_size=16)
        for number in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(number)
            for place in range(group.num_columns):
                column = group.column(place)
                bounds = column.statistics and (column.statistics.min, column.statistics.max)
                digest.update(repr((column.path_in_schema, column.total_compressed_size, bounds)).encode())
        return f"{self._metadata.num_rows} {digest.hexdigest()}"

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """The file, and what it is read from."""
        pa = pyarrow("reading scores")
        with (
            addresses.reading(self.name) as source,
            stores.reasons(self.name),
            pa.parquet.ParquetFile(source, memory_map=isinstance(source, str)) as file,
        ):
            yield file, source


class CsvFile(ScoreFile):
    """A CSV file, read in blocks; every column is text until somebody takes it for numbers."""

    def __init__(self, address: str) -> None:
        self.name, self.about = address, {}
        names = [] if self._empty() else self._names()
        if not names:
            raise DataError(f"{address}: is empty; the first line names the columns")
        self.types = dict.fromkeys(names, "text")

    def chunks(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """See :class:`ScoreFile`."""
        if self.count == 0:
            return
        pa, start = pyarrow("reading scores"), 0
        import pyarrow.csv as csv

        with addresses.reading(self.name) as source, stores.reasons(self.name):
            convert = csv.ConvertOptions(
                column_types=dict.fromkeys(self.types, pa.string()), include_columns=list(columns)
            )
            options = csv.ReadOptions(block_size=16 * 2**20)
            parse = csv.ParseOptions(newlines_in_values=True)
            with csv.open_csv(source, options, parse, convert) as reader:
                for batch in reader:
                    yield start, pa.table([_bare(column) for column in batch.columns], batch.schema.names)
                    start += len(batch)

    def _empty(self) -> bool:
        return addresses.bytes_of(self.name) == 0

    def _names(self) -> list[str]:
        import csv

        with addresses.reading(self.name, handle=True) as source:
            line, end, _ = source.read(2**20).partition(b"\n")
        self.count = None if end else 0  # the header alone, which nothing ends
        try:
            text = line.decode("utf-8-sig").strip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{self.name}: no text in UTF-8: {error}") from error
        names = next(csv.reader([text]), [])
        if len(names) == 1 and (other := next((mark for mark in ";\t|" if mark in text), None)):
            raise DataError(f"{self.name}: its first line has {other!r} between columns; commas are expected")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{self.name}: names the column {twice!r} twice: which one counts?")
        return names

    def fingerprint(self) -> str:
        """By size and beginning."""
        with addresses.reading(self.name, handle=True) as source:
            begin = source.read(2**20)
        digest = hashlib.blake2b(begin, digest_size=16).hexdigest()
        return f"{addresses.bytes_of(self.name)} {digest}"


def _bare(column: Any) -> Any:
    """Texts without the apostrophe that keeps a spreadsheet from running them."""
    compute = pyarrow("reading scores").compute
    if not compute.any(compute.starts_with(column, "'")).as_py():
        return column
    return compute.replace_substring_regex(column, pattern=f"^'({FORMULA})", replacement=r"\1")


class TableFile(ScoreFile):
    """A table in memory, made of a file of another form."""

    def __init__(self, name: str, table: Any) -> None:
        self.name, self.about, self.table = name, {}, table
        self.count = len(table)
        self.types = {field.name: type_word(field.type) for field in table.schema}

    def chunks(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """See :class:`ScoreFile`; all of it."""
        yield 0, self.table.select(list(columns))

    def fingerprint(self) -> str:
        """By its rows."""
        return hashlib.blake2b(repr(self.table.slice(0, 1000).to_pylist()).encode()).hexdigest()


class ScoreFiles:
    """Files that hold the scores of one pool.

    Args:
        files: one or more.
        id: the column of the ids.

    Raises:
        UsageError: there is no file, or no column of that name.
        DataError: a file is there twice, was made by another model, or has other columns than the rest.
    """

    def __init__(self, files: Sequence[ScoreFile], id: str = "id") -> None:
        if not files:
            raise UsageError("no file of scores was named")
        self.files, self.id = list(files), id
        for file in files:
            if id not in file.types:
                raise UsageError(
                    f"{file.name}: has no column {id!r}, only {', '.join(file.types) or 'none'}; name the "
                    "one that holds ids as `id_column`"
                )
            if not re.fullmatch(IDS, file.types[id]):
                raise DataError(
                    f"{file.name}: the column {id!r} holds {file.types[id]}: ids are text or whole numbers"
                )
        self._of_one_model()
        self._of_the_same_columns()
        self._once_each()

    @property
    def names(self) -> list[str]:
        """Addresses of the files."""
        return [file.name for file in self.files]

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The type of each column; that of a file in which something stands."""
        held = dict(self.files[0].types)
        for file in self.files:
            held |= {name: kind for name, kind in file.types.items() if held.get(name) == EMPTY}
        return held

    @property
    def about(self) -> Mapping[str, Any]:
        """What made the files, as far as they say so."""
        return self.files[0].about

    @cached_property
    def text(self) -> bool:
        """Whether numbers stand there as text."""
        return isinstance(self.files[0], CsvFile)

    @property
    def count(self) -> int | None:
        """Rows in all; None when that takes reading them."""
        counts = [file.count for file in self.files]
        return None if None in counts else sum(count or 0 for count in counts)

    def named(self, column: Any) -> list[str]:
        """Ids of a column, as text.

        Raises:
            DataError: one is missing.
        """
        pa = pyarrow("reading scores")
        try:
            ids: list[str | None] = column.cast(pa.string()).to_pylist()
        except pa.ArrowInvalid as error:
            raise DataError(f"{self.files[0].name}: an id is no text in UTF-8: {error}") from error
        if not all(ids):
            raise DataError(f"{self.files[0].name}: an id is missing; every row needs one")
        return [str(id) for id in ids]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """All rows, file by file."""
        for number, file in enumerate(self.files):
            for start, table in file.chunks(list(dict.fromkeys(columns))):
                yield Chunk(number, start, table)

    def rows(self, places: Sequence[tuple[int, int]], columns: Sequence[str]) -> Any:
        """A table of some rows in the order of ``places``, each the number of a file and of a row in it."""
        pa = pyarrow("reading scores")
        order = sorted(range(len(places)), key=places.__getitem__)
        parts = [
            self.files[number].rows([places[each][1] for each in group], list(dict.fromkeys(columns)))
            for number, group in groupby(order, key=lambda each: places[each][0])
        ]
        back = [0] * len(order)
        for row, each in enumerate(order):
            back[each] = row
        return pa.concat_tables(parts, promote_options="default").take(pa.array(back))

    def _of_one_model(self) -> None:
        first = self.files[0]
        for file in self.files[1:]:
            for what in ("model", "class_names"):
                if file.about.get(what) != first.about.get(what):
                    raise DataError(
                        f"{first.name} and {file.name} were made by two models, and their scores do not "
                        "compare: choose by one of them"
                    )

    def _of_the_same_columns(self) -> None:
        first = self.files[0]
        for file in self.files[1:]:
            if file.kind != first.kind:
                raise DataError(
                    f"{first.name} and {file.name} are of two forms: write the scores of one pool alike"
                )
            for name in first.types.keys() | file.types.keys():
                has, other = first.types.get(name), file.types.get(name)
                if has is None or other is None:
                    there, lacking = (file, first) if has is None else (first, file)
                    raise DataError(
                        f"{there.name} has a column {name!r} and {lacking.name} has none: "
                        "are both of one model?"
                    )
                if has != other and EMPTY not in (has, other):
                    raise DataError(
                        f"the column {name!r} is {has} in {first.name} and {other} in "
                        f"{file.name}: write it alike"
                    )

    def _once_each(self) -> None:
        seen: dict[str, ScoreFile] = {}
        for file in self.files:
            before = seen.setdefault(file.fingerprint(), file)
            if before is file:
                continue
            ids = [next(iter(each.chunks([self.id])), (0, None))[1] for each in (before, file)]
            if before.name == file.name or ids[0] is None or ids[0].equals(ids[1]):
                raise DataError(
                    f"{before.name} and {file.name} hold the same rows: a shard is there twice"
                    if before.name != file.name
                    else f"{file.name}: is named twice"
                )

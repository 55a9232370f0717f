"""Parquet shards: a row an image, read by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

from ncenet import addresses, stores
from ncenet.data.class_labels import class_names_in
from ncenet.data.parquet import column_names, extremes
from ncenet.data.readers import readers
from ncenet.data.shard_files import IMAGE, ShardFile
from ncenet.data.shard_reader import ShardReader
from ncenet.parquet_rows import read_fitting, rows_at_once
from ncenet.tables import pyarrow, type_word

_BUFFER = 64 * 1024
"""Bytes that are read at a time where not all of a column is wanted."""


class ParquetShard(ShardFile):
    """A Parquet file; its blocks are its row groups."""

    def __init__(self, address: str) -> None:
        pa, self.address = pyarrow("reading Parquet files"), address
        with addresses.reading(address) as file, stores.reasons(address):
            self._metadata = pa.parquet.read_metadata(file)
        schema = self._metadata.schema.to_arrow_schema()
        self.types = {field.name: type_word(field.type) for field in schema}
        self.count = self._metadata.num_rows
        self.class_names = class_names_in(schema, address)
        self._groups = range(self._metadata.num_row_groups)

    @property
    def ends(self) -> Sequence[int]:
        """See :class:`ShardFile`."""
        return list(accumulate(self._metadata.row_group(number).num_rows for number in self._groups))

    def some_values(self) -> Iterator[dict[str, Any]]:
        """See :class:`ShardFile`; those are the least and the largest values."""
        return extremes(self._metadata)

    def read(self, block: int, columns: Sequence[str]) -> Any:
        """See :class:`ShardFile`."""
        with self._opened() as (file, source):
            return read_fitting(file, source, columns, self.address, [block])

    def first(self, block: int, columns: Sequence[str]) -> Any:
        """See :class:`ShardFile`; reads no more than the first pages."""
        pa = pyarrow("reading Parquet files")
        with self._opened(buffered=True) as (file, _):
            batch = next(file.iter_batches(1, row_groups=[block], columns=list(columns)), None)
        return self.read(block, columns) if batch is None else pa.Table.from_batches([batch])

    def stream(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """See :class:`ShardFile`."""
        pa = pyarrow("reading Parquet files")
        waiting: list[Any] = []
        with self._opened() as (file, source):
            # Group by group: read at once, what was read of earlier groups would stay in memory.
            for number in self._groups:
                few = rows_at_once(self._metadata, source, columns, number, rows)
                for batch in file.iter_batches(few, row_groups=[number], columns=list(columns)):
                    table = pa.Table.from_batches([*waiting, batch])
                    while len(table) >= few:
                        yield table.slice(0, few)
                        table = table.slice(few)
                    waiting = table.to_batches()
        if waiting:
            yield pa.Table.from_batches(waiting)

    def fingerprint(self) -> str:
        """By the sizes of its row groups, which stand at the end of the file."""
        sizes = [self._metadata.row_group(number).total_byte_size for number in self._groups]
        return f"{self.count} {addresses.bytes_of(self.address)} {sizes}"

    @contextmanager
    def _opened(self, *, buffered: bool = False) -> Iterator[tuple[Any, Any]]:
        """The file, and what it is read from."""
        pa = pyarrow("reading Parquet files")
        with (
            addresses.reading(self.address) as source,
            stores.reasons(self.address),
            pa.parquet.ParquetFile(source, buffer_size=_BUFFER if buffered else 0) as file,
        ):
            yield file, source


@readers.register("parquet-shards", order=650)
class ParquetShards(ShardReader):
    """Files of one pool, with or without classes."""

    form = f"a folder of .parquet files with a column {IMAGE!r}"
    ending = ".parquet"

    def reads(self, path: Path) -> bool:
        """Folders with such a file that has a column of images."""
        first = self.first_in(path) if path.is_dir() else None
        return first is not None and IMAGE in column_names(first)

    def file(self, address: str) -> ShardFile:
        """See :class:`ShardReader`."""
        return ParquetShard(address)

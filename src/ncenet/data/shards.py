"""Pools in Parquet shards, here or in a store, read by row group: memory does not grow with the files."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, overload

from ncenet import addresses
from ncenet.data.pools import Channels, EncodedPool
from ncenet.data.rows import RowIds
from ncenet.errors import DataError, UnreadableImage
from ncenet.tables import pyarrow

KEPT_BYTES = 256 * 2**20
"""Encoded images that are kept, beside the row group that is read (ours)."""


class ShardIds(Sequence[str]):
    """Ids of the rows of several shards, computed: a million cost no memory.

    Args:
        parts: of each shard.

    >>> ids = ShardIds([RowIds("day/", 2), RowIds("night/", 1)])
    >>> list(ids), "night/00000" in ids, ids.index("night/00000")
    (['day/00000', 'day/00001', 'night/00000'], True, 2)
    """

    def __init__(self, parts: Sequence[RowIds]) -> None:
        self.parts = parts
        self._ends = list(accumulate(len(part) for part in parts))
        self._numbers = {part[0].rpartition("/")[0]: number for number, part in enumerate(parts) if len(part)}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(self[each] for each in range(len(self))[row])
        row = range(len(self))[row]
        part = bisect_right(self._ends, row)
        return self.parts[part][row - (self._ends[part - 1] if part else 0)]

    def __iter__(self) -> Iterator[str]:
        return (id for part in self.parts for id in part)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.place(id) is not None

    def place(self, id: str) -> tuple[int, int] | None:
        """Number of the shard and of the row in it; None when there is no such id."""
        part = self._numbers.get(id.rpartition("/")[0])
        row = None if part is None else self.parts[part].row(id)
        return None if part is None or row is None else (part, row)

    def index(self, id: str, start: int = 0, stop: int | None = None) -> int:
        """Row of an id among all.

        Raises:
            ValueError: there is no such id in that range of rows.
        """
        place = self.place(id)
        if place is not None:
            row = place[1] + (self._ends[place[0] - 1] if place[0] else 0)
            if row in range(len(self))[start:stop]:
                return row
        raise ValueError(f"{id!r} is not among the ids")


class ShardedPool(EncodedPool):
    """Images in the column ``image`` of Parquet files; an id is ``<shard>/<row number>``.

    A shard's name is its path below the pool's folder, without ``.parquet``. The column holds encoded bytes,
    or a struct with a field ``bytes``. Row groups are read when one of their images is asked for.

    Args:
        source: a file, a folder or a glob, on this machine or in a store.
        channels: 1, 3 or "auto".

    Raises:
        MissingExtra: pyarrow is not installed.
        UsageError: there is no such file.
        DataError: a file is no Parquet file, or has no column of images; or there are no rows.
    """

    def __init__(self, source: str, *, channels: Channels = "auto") -> None:
        pa = pyarrow("reading Parquet files")
        self.source = source
        self.files = addresses.files_at(source, (".parquet",))
        self.names = addresses.names_below(source, self.files)
        self._ends: list[list[int]] = []
        self._stamps: list[str] = []
        for file in self.files:
            with addresses.reading(file) as opened, addresses.reasons(file):
                metadata = pa.parquet.read_metadata(opened)
            schema = metadata.schema.to_arrow_schema()
            if "image" not in schema.names:
                raise DataError(f"{file}: has no column 'image', only {', '.join(schema.names)}")
            if not _holds_bytes(pa, schema.field("image").type):
                raise DataError(
                    f"{file}: column 'image' holds {schema.field('image').type}, not encoded bytes"
                )
            counts = (metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
            self._ends.append(list(accumulate(counts)))
            self._stamps.append(addresses.stamp_of(file))
        parts = [
            RowIds(f"{name}/", ends[-1] if ends else 0)
            for name, ends in zip(self.names, self._ends, strict=True)
        ]
        self._ids = ShardIds(parts)
        if not len(self._ids):
            raise DataError(f"{source}: has no rows")
        self._kept: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._reading = threading.Lock()
        self.channels = self._choose(channels)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.source, self.channels)

    def ids(self) -> ShardIds:
        """All ids, in the order of files and rows."""
        return self._ids

    def read(self, id: str) -> bytes:
        """The encoded bytes.

        Raises:
            DataError: there is no such id, or its file cannot be read any more.
            UnreadableImage: the row holds no bytes.
        """
        place = self._ids.place(id)
        if place is None:
            raise DataError(f"there is no image {id!r} in {self.source}")
        file, row = place
        group = bisect_right(self._ends[file], row)
        column = self._group(file, group)
        data: bytes | None = column[row - (self._ends[file][group - 1] if group else 0)].as_py()
        if data is None:
            raise UnreadableImage(id, "no bytes in this row")
        return data

    def stamp(self, id: str) -> str | None:
        """That of its file."""
        place = self._ids.place(id)
        return None if place is None else self._stamps[place[0]]

    def _group(self, file: int, group: int) -> Any:
        """The encoded images of a row group."""
        with self._reading:
            if (file, group) in self._kept:
                self._kept.move_to_end((file, group))
                return self._kept[file, group]
            pa = pyarrow("reading Parquet files")
            address = self.files[file]
            with (
                addresses.reading(address) as opened,
                addresses.reasons(address),
                pa.parquet.ParquetFile(opened) as parquet,
            ):
                column = parquet.read_row_group(group, columns=["image"])["image"]
            if pa.types.is_struct(column.type):
                column = pa.compute.struct_field(column, "bytes")
            self._kept[file, group] = column
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
            return column


def _holds_bytes(pa: Any, kind: Any) -> bool:
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_bytes(pa, kind.field(place).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _reopen(source: str, channels: int) -> ShardedPool:
    return ShardedPool(source, channels=channels)

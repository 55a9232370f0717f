"""Pools in shards, here or in a store, read block by block: memory does not grow with the files."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ncenet import addresses, stores
from ncenet.data.class_labels import classes_in
from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.images import Undecodable, stored_gray
from ncenet.data.pools import LOOKED_AT, Channels, EncodedPool
from ncenet.data.scan_cache import stamp_of
from ncenet.data.shard_files import ShardFile, cells, fetched, id_texts
from ncenet.data.shard_ids import ColumnIds, PoolIds, ShardIds
from ncenet.data.shard_reader import shard_files
from ncenet.errors import DataError, Unreachable, UnreadableImage
from ncenet.parquet_rows import fitting
from ncenet.tables import pyarrow

LARGEST_COPIED = 1_000_000
"""Images of a pool that are copied into a ledger, at most (ours): of more, labels are not read either."""
KEPT_BYTES = 256 * 2**20
"""Encoded images that are kept, beside the block that is read (ours)."""
LEAST_BLOCKS = 64
"""Blocks that random images come from (ours)."""
TURNS = 16
"""Blocks that are read at once, at most (ours)."""
LABEL = "label"
_ID_ROWS = 65536


class ShardedPool(EncodedPool):
    """Images in shards of any form that :class:`ncenet.data.shard_reader.ShardReader` knows.

    An id is ``<shard>/<row number>``, in a WebDataset ``<shard>/<key>``, or what a column says. The name of a
    shard is its path below the pool's folder, without its ending. The column of images holds encoded bytes,
    structs with ``bytes``, or addresses of files. Blocks are read when one of their images is asked for.

    Args:
        source: a file, a folder or a glob, on this machine or in a store.
        split: of a form that has several.
        channels: 1, 3 or "auto".
        id: column of the ids.

    Raises:
        MissingExtra: pyarrow is not installed.
        UsageError: there is no such file.
        DataError: a file is broken, or has no such column; an id stands there twice; or there are no rows.
    """

    def __init__(
        self, source: str, *, split: Split = "train", channels: Channels = "auto", id: str | None = None
    ) -> None:
        self.source, self.split, self.id = source, split, id
        columns = [] if id is None else [id]
        self.files, self.names, self._image = shard_files(source, split=split, columns=columns)
        self._stamps = [_stamp(file.address) for file in self.files]
        self._kept: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._keeping, self._turns = threading.Lock(), tuple(threading.Lock() for _ in range(TURNS))
        self._ids: PoolIds
        if id is None:
            named = zip(self.names, self.files, strict=True)
            self._ids = ShardIds({name: file.row_ids(name) for name, file in named})
        else:
            self._ids = ColumnIds(
                [file.address for file in self.files], [_rows(file.ends) for file in self.files], self._named
            )
        if not len(self._ids):
            raise DataError(f"{source}: has no rows")
        self.channels = self._choose(channels)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.source, self.split, self.channels, self.id)

    @property
    def kept(self) -> int:
        """Blocks whose images are in memory at the moment."""
        return len(self._kept)

    def ids(self) -> PoolIds:
        """All ids, in the order of files and rows."""
        return self._ids

    def read(self, id: str) -> bytes:
        """The encoded bytes.

        Raises:
            DataError: there is no such id, its file cannot be read any more, or a store does not answer.
            UnreadableImage: the row holds no bytes, or the file that it names cannot be read.
        """
        place = self._ids.place(id)
        if place is None:
            raise DataError(f"there is no image {id!r} in {self.source}")
        try:
            data = fetched(self._cell(*place))
        except Unreachable as error:
            if error.silent:
                raise
            raise UnreadableImage(id, str(error)) from error
        except DataError as error:
            raise UnreadableImage(id, str(error)) from error
        if data is None:
            raise UnreadableImage(id, "no bytes in this row")
        return data

    def stamp(self, id: str) -> str | None:
        """That of its file; None where the image is a file of its own."""
        place = self._ids.place(id)
        return None if place is None or self._elsewhere else self._stamps[place[0]]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        """Ids of random images, each as likely as any other; fewer when there are fewer."""
        rows = rng.choice(len(self._ids), min(count, len(self._ids)), replace=False, shuffle=False)
        return [self._ids.at(*self._ids.of_row(int(row))) for row in sorted(rows)]

    def some(self, count: int, rng: np.random.Generator) -> list[str]:
        """Ids of random images in random blocks, which read faster than images from everywhere.

        Each gives the same number, so that there are :data:`LEAST_BLOCKS`, if there are so many.
        """
        blocks = [
            (number, start, end)
            for number, file in enumerate(self.files)
            for start, end in zip([0, *file.ends], file.ends, strict=False)
        ]
        found: list[str] = []
        for place in rng.permutation(len(blocks)).tolist():
            if len(found) >= count:
                break
            number, start, end = blocks[place]
            most = min(end - start, max(1, count // LEAST_BLOCKS), count - len(found))
            rows = sorted((start + rng.choice(end - start, most, replace=False)).tolist())
            found += self._ids.several(number, rows)
        return found

    def _cell(self, number: int, row: int) -> bytes | str | None:
        """What stands in the column of images, of one row."""
        ends = self.files[number].ends
        if row >= _rows(ends):
            raise DataError(f"{self.files[number].address}: has fewer rows than before")
        block = bisect_right(ends, row)
        column = self._column(number, block)
        at = row - (ends[block - 1] if block else 0)
        return cells(column.slice(at, 1), self.files[number].address)[0]

    def _column(self, number: int, block: int) -> Any:
        """The column of images of a block, kept for a while; of several threads that want it one reads it."""
        with self._turns[(number + block) % TURNS]:
            with self._keeping:
                if (number, block) in self._kept:
                    self._kept.move_to_end((number, block))
                    return self._kept[number, block]
            column = self.files[number].read(block, [self._image])[self._image]
            with self._keeping:
                self._kept[number, block] = column
                while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES:
                    self._kept.popitem(last=False)
        return column

    def _named(self, number: int) -> Iterator[list[str]]:
        """Ids of a shard from their column."""
        assert self.id is not None
        file, start = self.files[number], 0
        for table in file.stream([self.id], _ID_ROWS):
            yield id_texts(table[self.id], self.id, file.address, start)
            start += len(table)

    def _choose(self, channels: Channels) -> int:
        """As in other pools; and find out now, not image by image, that nothing can be had of a store.

        Raises:
            Unreachable: of a few images that are spread over the pool, none.
        """
        refused: list[Unreachable] = []
        gray: list[bool] = []
        some = list(self._spread()) if channels == "auto" or self._elsewhere else []
        for look in some:
            try:
                gray.append(stored_gray(fetched(look()) or b""))
            except Unreachable as error:
                refused.append(error)
            except (Undecodable, DataError):
                continue  # a scan names it
        if refused and len(refused) == len(some):
            raise refused[0]
        return super()._choose((1 if gray and all(gray) else 3) if channels == "auto" else channels)

    def _spread(self) -> Iterator[Callable[[], bytes | str | None]]:
        """Read a few cells that are spread over the pool: the first of as many blocks, if there are."""
        blocks = [(file, block) for file in self.files for block in range(len(file.ends))]
        if len(blocks) >= LOOKED_AT:
            for file, block in blocks[:: len(blocks) // LOOKED_AT][:LOOKED_AT]:
                yield partial(_first_cell, file, block, self._image)
            return
        for row in range(0, len(self._ids), max(1, len(self._ids) // LOOKED_AT))[:LOOKED_AT]:
            yield partial(self._cell, *self._ids.of_row(row))

    @property
    def _elsewhere(self) -> bool:
        """Whether the column holds addresses."""
        return self.files[0].types[self._image] == "text"


def labelled(name: str, pool: ShardedPool) -> Dataset:
    """The pool with the labels in its column ``label``, if it has one.

    Raises:
        DataError: some shards have one and others have not, or a label is none.
    """
    pa = pyarrow("reading labels")
    with_labels = [LABEL in file.types for file in pool.files]
    if not any(with_labels):
        return Dataset(name, pool)
    if len(pool.ids()) > LARGEST_COPIED:
        note = f"{len(pool.ids()):,} images: their labels are not read; name the classes"
        return Dataset(name, pool, notes=(note,))
    if not all(with_labels):
        lacking, other = with_labels.index(False), with_labels.index(True)
        raise DataError(
            f"{pool.files[lacking].address}: has no column 'label', and {pool.files[other].address} has one"
        )
    labels: dict[str, str] = {}
    names: dict[str, None] = {}
    ids = iter(pool.ids())
    for file in pool.files:
        tables = list(fitting(file.stream([LABEL], _ID_ROWS), file.address))
        if tables:
            column = pa.concat_tables(tables)[LABEL]
            found, of_file = classes_in(column, file.class_names, file.address)
            labels |= {next(ids): label for label in found}
            names |= dict.fromkeys(of_file)
    return Dataset(name, pool, Oracle(labels), tuple(names))


def _first_cell(file: ShardFile, block: int, column: str) -> bytes | str | None:
    return cells(file.first(block, [column])[column], file.address)[0]


def _rows(ends: Any) -> int:
    return int(ends[-1]) if ends else 0


def _stamp(address: str) -> str | None:
    from pathlib import Path

    return addresses.version_of(address) if stores.is_remote(address) else stamp_of(Path(address))


def _reopen(source: str, split: Split, channels: int, id: str | None) -> ShardedPool:
    return ShardedPool(source, split=split, channels=channels, id=id)

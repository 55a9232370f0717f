"""One file can't be an image to learn from and one to measure with; copies of it are counted elsewhere."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ncenet.counts import count_of
from ncenet.data.dataset import Dataset
from ncenet.data.parquet import ParquetPool
from ncenet.data.pools import FolderPool
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError
from ncenet.stores import is_remote
from ncenet.types import Pool

Resolve: TypeAlias = Callable[[Path], str]


def refuse_shared(train: Dataset, test: Dataset | None) -> None:
    """Refuse image files, or tables of images, that are named for training and for testing.

    Args:
        train: the images that may be asked for.
        test: those that measure; None when there are none of their own.

    Raises:
        DataError: some are; names the first.
    """
    shared = [] if test is None else _shared(train.pool, test.pool)
    if test is not None and shared:
        raise DataError(
            f"{count_of(len(shared), 'file stands', 'files stand')} both in {train.name} and in "
            f"{test.name}, whose images are for "
            f"testing, such as {shared[0]!r}: leave them out of one of the two"
        )


def _shared(train: Pool, test: Pool) -> list[str]:
    if isinstance(train, FolderPool) and isinstance(test, FolderPool):
        real = functools.cache(os.path.realpath)  # of folders, of which there are few
        names = {_name(id) for id in test.ids()}
        near = [id for id in train.ids() if _name(id) in names]
        files = {_file(test.root / id, real) for id in test.ids()} if near else set()
        return [id for id in near if _file(train.root / id, real) in files]
    return sorted(_tables(train) & _tables(test))


def _name(id: str) -> str:
    return id.rpartition("/")[2]


def _file(path: Path, real: Resolve) -> str:
    """The file that a path leads to."""
    place = Path(real(path.parent), path.name)
    return os.path.realpath(place) if place.is_symlink() else str(place)


def _tables(pool: Pool) -> set[str]:
    """The tables that the images of a pool are rows of."""
    if isinstance(pool, ParquetPool):
        return {os.path.realpath(pool.file)}
    if isinstance(pool, ShardedPool):
        addresses = [file.address for file in pool.files]
        return {each if is_remote(each) else os.path.realpath(each) for each in addresses}
    return set()

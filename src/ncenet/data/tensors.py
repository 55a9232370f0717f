"""Images as tensors: the test transform, and a cache of decoded images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ncenet.counts import count_of
from ncenet.data.pools import ArrayPool, VectorRows, channels_of, load_square
from ncenet.data.rows import RowOf
from ncenet.errors import DataError, UnreadableImage

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.types import Pool

CHUNK = 64
"""Images in a chunk: of 300 pixels a side they take 140 MB in float64 (ours)."""


class ImageTensors:
    """Images of a pool under the test transform: resized to a square, nothing else.

    The resizing is antialiased, cuts nothing off and does not keep the aspect ratio (see
    :func:`ncenet.data.images.resize`). Feature vectors are handed on as they are.

    Decoded images are kept in one array when all of them fit, each decoded when it is first asked for. Rows
    of an :class:`ArrayPool` that already have the right shape are read in place. Several threads may ask at
    once.

    Args:
        pool: where the images are.
        ids: the ids that will be asked for; N of them.
        size: side of the square. Feature vectors have none.
        channels: what the pool has, 1 or 3 (0 for feature vectors). Default: ask the pool.
        cache_gb: keep decoded images when all N take at most so many 1e9 bytes.
        workers: threads that decode.

    Attributes:
        shape: shape of one image, (channels, size, size), or of one vector, (D,).
        cached: whether decoded images are kept.

    Raises:
        DataError: images without a size, or feature vectors with one; other channels than the pool's.
    """

    def __init__(
        self,
        pool: Pool,
        ids: Sequence[str],
        *,
        size: int | None,
        channels: int | None = None,
        cache_gb: float = 4.0,
        workers: int = 1,
    ) -> None:
        found = channels_of(pool)
        if channels is not None and channels != found:
            raise DataError(f"the pool has {count_of(found, 'channel')}, not {channels}")
        if (size is None) != (found == 0):
            raise DataError("images need a size" if found else "feature vectors have no size in pixels")
        self._pool, self._size, self._workers = pool, size, workers
        row: tuple[int, ...] = (size, size, found) if size is not None else _vector_shape(pool, ids)
        self.shape = (found, *row[:2]) if found else row
        self._dtype = np.dtype(np.uint8 if found else np.float32)
        if isinstance(pool, ArrayPool) and pool.array.shape[1:] == row:
            self._rows: npt.NDArray[Any] | None = pool.array
            self._filled: npt.NDArray[np.bool_] | None = None
            self._row_of = RowOf(pool.ids())
            self.cached = True
            return
        self._row_of = RowOf(ids)
        self.cached = len(ids) * int(np.prod(row)) * self._dtype.itemsize <= cache_gb * 1e9
        self._rows = np.empty((len(ids), *row), self._dtype) if self.cached else None
        self._filled = np.zeros(len(ids), dtype=bool) if self.cached else None

    def batch(self, ids: Sequence[str]) -> Tensor:
        """Images in the order of ``ids``, which may repeat.

        Returns:
            uint8 (B, channels, size, size) in channels-last memory, or float32 (B, D).

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: an id is not among those that were announced.
        """
        wanted = np.fromiter(map(self._row_of, ids), dtype=np.int64, count=len(ids))
        if self._rows is None:
            rows = np.stack(self._decoded(ids))
        else:
            self._fill(ids, wanted)
            rows = self._rows.take(wanted, axis=0)
        tensor = torch.from_numpy(rows)
        return tensor if self._size is None else tensor.permute(0, 3, 1, 2)

    def chunks(self, ids: Sequence[str]) -> Iterator[Tensor]:
        """Images in the order of ``ids``, a few at a time: for what needs all, but not at once."""
        return (self.batch(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK))

    def _fill(self, ids: Sequence[str], wanted: npt.NDArray[np.int64]) -> None:
        """Decode what is wanted and not there yet."""
        if self._rows is None or self._filled is None or self._filled[wanted].all():
            return
        missing = {int(row): id for row, id in zip(wanted, ids, strict=True) if not self._filled[row]}
        # Two threads may decode the same image; both write the same bytes, and the mark comes after them.
        for row, pixels in zip(missing, self._decoded(list(missing.values())), strict=True):
            self._rows[row] = pixels
            self._filled[row] = True

    def _decoded(self, ids: Sequence[str]) -> list[npt.NDArray[Any]]:
        if isinstance(self._pool, VectorRows):
            return list(self._pool.rows(ids))
        if self._workers == 1 or len(ids) == 1:
            return [self._load(id) for id in ids]
        with ThreadPoolExecutor(self._workers) as threads:
            return list(threads.map(self._load, ids))

    def _load(self, id: str) -> npt.NDArray[Any]:
        return self._pool.load(id) if self._size is None else load_square(self._pool, id, self._size)


def _vector_shape(pool: Pool, ids: Sequence[str]) -> tuple[int, ...]:
    """(D,), by a vector that can be read."""
    if isinstance(pool, VectorRows):
        return (pool.dim,)
    for id in ids:
        with suppress(UnreadableImage):
            return pool.load(id).shape
    raise DataError(f"none of {count_of(len(ids), 'vector')} can be read")

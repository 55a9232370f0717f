"""Embedding: from images to vectors in the store; decoding goes on beside the network."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ncenet.data.builtin import cache_folder
from ncenet.errors import UnreadableImage
from ncenet.features.backends import fastest
from ncenet.features.extractor import Extractor
from ncenet.features.framing import square_of
from ncenet.features.store import Store
from ncenet.types import Pool

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.features.backends import Run

    Ready: TypeAlias = tuple[str, npt.NDArray[np.uint8] | None]
    """Content hash of an image, and its square unless it has a vector already."""

BATCH = 16
"""Images that the network is given at once (ours); see ``benchmarks/results/embed.md``."""
GPU_BATCH = 256
CHUNK_SECONDS = 5.0
"""Vectors are written at least so often: a killed process loses no more (ours)."""
CHUNK_ROWS = 4096

Progress: TypeAlias = Callable[[int, int], None]


def store_folder() -> Path:
    """Where vectors are kept for all runs of a user: ``features`` in the cache folder of ncenet."""
    return cache_folder() / "features"


class Embedder:
    """An extractor, what runs it, and the store of its vectors. Nothing is loaded before it is needed.

    Args:
        extractor: what turns images into vectors.
        root: folder of the stores. Default: :func:`store_folder`.
        workers: threads that decode.
        threads: of the network. Default: all cores.
    """

    def __init__(
        self,
        extractor: Extractor,
        *,
        root: Path | None = None,
        workers: int = 2,
        threads: int | None = None,
    ) -> None:
        self.extractor, self.workers, self.threads = extractor, workers, threads
        self.root = root or store_folder()
        self.store = Store(self.root, extractor.name, extractor.fingerprint)

    @cached_property
    def dim(self) -> int:
        """D."""
        return self.extractor.dim

    @property
    def fingerprint(self) -> str:
        """That of the extractor."""
        return self.store.fingerprint

    @cached_property
    def backend(self) -> tuple[str, Run]:
        """What runs the network, and its name."""
        return fastest(self.extractor, self.root.parent / "graphs", threads=self.threads)

    def missing(self, hashes: Mapping[str, str], ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` whose image has no vector yet; of several with the same bytes the first."""
        there = self.store.has([hashes[id] for id in ids])
        first = {
            hashes[id]: id for id, found in zip(reversed(ids), reversed(there), strict=True) if not found
        }
        return [id for id in ids if first.get(hashes[id]) == id]

    def embed(
        self,
        pool: Pool,
        ids: Sequence[str],
        *,
        progress: Progress = lambda done, total: None,
        bad: Callable[[UnreadableImage], None] | None = None,
    ) -> int:
        """Put the vectors of images into the store; how many were computed.

        What another process puts there meanwhile is not computed again.

        Args:
            pool: where the images are.
            ids: which of them.
            progress: called with the number of images done and of all.
            bad: told of each image that cannot be decoded, which is left out then.

        Raises:
            UnreadableImage: an image cannot be decoded, and nobody is to be told.
            DataError: the network says nan or inf of an image, or the disk is full.
        """
        computed, done = 0, 0
        waiting: list[tuple[str, npt.NDArray[np.float32]]] = []
        written = time.perf_counter()
        decoded = self._decoded(pool, ids, bad)
        while batch := list(islice(decoded, BATCH if computed == 0 else self._batch_size)):
            fresh = self._fresh([one for one in batch if one is not None], {hash for hash, _ in waiting})
            if fresh:
                vectors = self.backend[1](np.stack(list(fresh.values())))
                waiting += zip(fresh, vectors, strict=True)
                computed += len(fresh)
            done += len(batch)
            if len(waiting) >= CHUNK_ROWS or time.perf_counter() - written >= CHUNK_SECONDS:
                self._write(waiting)
                written = time.perf_counter()
            progress(done, len(ids))
        self._write(waiting)
        self.store.merge()
        return computed

    def vectors(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) of squares (N, S, S, 3), past the store."""
        size = self._batch_size
        parts = [self.backend[1](squares[start : start + size]) for start in range(0, len(squares), size)]
        return np.concatenate(parts)

    @property
    def _batch_size(self) -> int:
        return GPU_BATCH if "GPU" in self.backend[0] else BATCH

    def _fresh(self, ready: Sequence[Ready], waiting: set[str]) -> dict[str, npt.NDArray[np.uint8]]:
        """The square of each content hash that has no vector and gets none yet."""
        self.store.refresh()
        new = {hash: square for hash, square in ready if square is not None and hash not in waiting}
        there = self.store.has(list(new))
        return {hash: square for (hash, square), found in zip(new.items(), there, strict=True) if not found}

    def _decoded(
        self, pool: Pool, ids: Sequence[str], bad: Callable[[UnreadableImage], None] | None
    ) -> Iterator[Ready | None]:
        """Squares in the order of ``ids``, decoded ahead; None for an image that cannot be."""
        how, ahead, rest = self.extractor.preprocessing, 4 * BATCH, iter(ids)

        def ready(id: str) -> Ready:
            return square_of(pool, id, how, wanted=lambda content: not self.store.has([content])[0])

        with ThreadPoolExecutor(max(1, min(self.workers, os.cpu_count() or 1))) as threads:
            queue: deque[Future[Ready]] = deque()
            queue.extend(threads.submit(ready, id) for id in islice(rest, ahead))
            try:
                while queue:
                    future = queue.popleft()
                    queue.extend(threads.submit(ready, id) for id in islice(rest, 1))
                    try:
                        yield future.result()
                    except UnreadableImage as problem:
                        if bad is None:
                            raise
                        bad(problem)
                        yield None
            finally:
                for future in queue:
                    future.cancel()

    def _write(self, waiting: list[tuple[str, npt.NDArray[np.float32]]]) -> None:
        if waiting:
            self.store.put([hash for hash, _ in waiting], np.stack([vector for _, vector in waiting]))
            waiting.clear()

"""Embedding: from images to vectors in the store.

Each thread decodes a few images and has the network look at them, while the others are at other images: so no
core waits, neither for decoded images nor for another core.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from ncenet.data.builtin import cache_folder
from ncenet.errors import UnreadableImage
from ncenet.features.backends import BATCH, Backend, fastest, lanes_here
from ncenet.features.extractor import Extractor
from ncenet.features.framing import square_of
from ncenet.features.store import Store
from ncenet.types import Pool

if TYPE_CHECKING:
    import numpy.typing as npt

CHUNK_SECONDS = 5.0
"""Vectors are written at least so often: a killed process loses no more (ours)."""
CHUNK_ROWS = 4096
TIMED = 64
"""Images that tell how fast an extractor is (ours)."""

Progress: TypeAlias = Callable[[int, int], None]


class Embedded(NamedTuple):
    """What became of a few images.

    Attributes:
        images: how many they were.
        hashes: of those that got a vector.
        vectors: (N, D), theirs; None without any.
        bad: those that cannot be decoded.
    """

    images: int
    hashes: tuple[str, ...]
    vectors: npt.NDArray[np.float32] | None
    bad: tuple[UnreadableImage, ...]


def store_folder() -> Path:
    """Where vectors are kept for all runs of a user: ``features`` in the cache folder of ncenet."""
    return cache_folder() / "features"


class Embedder:
    """An extractor, what runs it, and the store of its vectors. Nothing is loaded before it is needed.

    Args:
        extractor: what turns images into vectors.
        root: folder of the stores. Default: :func:`store_folder`.
        workers: threads that decode; never fewer than the network has lanes.
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
        self._backend: Backend | None = None
        self._one_at_a_time = threading.RLock()

    @cached_property
    def dim(self) -> int:
        """D."""
        return self.extractor.dim

    @property
    def fingerprint(self) -> str:
        """That of the extractor."""
        return self.store.fingerprint

    @property
    def backend(self) -> Backend:
        """What runs the network; loaded when first asked for, by whichever thread."""
        with self._one_at_a_time:
            if self._backend is None:
                self._backend = fastest(self.extractor, self.root.parent / "graphs", threads=self.threads)
            return self._backend

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
        waiting: dict[str, npt.NDArray[np.float32]] = {}
        claimed: set[str] = set()
        written = time.perf_counter()
        for part in self._parts(pool, ids, claimed):
            for problem in part.bad:
                if bad is None:
                    raise problem
                bad(problem)
            if part.vectors is not None:
                waiting.update(zip(part.hashes, part.vectors, strict=True))
            computed, done = computed + len(part.hashes), done + part.images
            if len(waiting) >= CHUNK_ROWS or time.perf_counter() - written >= CHUNK_SECONDS:
                self._write(waiting, claimed)
                written = time.perf_counter()
            progress(done, len(ids))
        self._write(waiting, claimed)
        self.store.merge()
        return computed

    def speed(self, pool: Pool, ids: Sequence[str]) -> float:
        """Images a second, by embedding the first of some that have no vector; theirs are not kept.

        Args:
            pool: where the images are.
            ids: which of them, at least one.
        """
        side = self.extractor.preprocessing.side
        self.backend.run(np.zeros((1, side, side, 3), np.uint8))  # the first call is slower
        few = ids[: max(TIMED, 2 * self.backend.lanes * self.backend.batch)]
        start = time.perf_counter()
        for _ in self._parts(pool, few, set()):
            pass
        return len(few) / (time.perf_counter() - start)

    def vectors(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) of squares (N, S, S, 3), past the store."""
        _, lanes, size, run = self.backend
        parts = [squares[start : start + size] for start in range(0, len(squares), size)]
        with ThreadPoolExecutor(lanes) as threads:
            return np.concatenate(list(threads.map(run, parts)))

    def _parts(self, pool: Pool, ids: Sequence[str], claimed: set[str]) -> Iterator[Embedded]:
        """A few images at a time, in the order of ``ids``; several such parts are being worked at."""
        number = max(self.workers, lanes_here(self.threads))
        with ThreadPoolExecutor(number) as threads:
            parts = iter(self._split(ids))
            queue: deque[Future[Embedded]] = deque()
            queue.extend(
                threads.submit(self._part, pool, part, claimed) for part in islice(parts, 2 * number)
            )
            try:
                while queue:
                    yield queue.popleft().result()
                    queue.extend(threads.submit(self._part, pool, part, claimed) for part in islice(parts, 1))
            finally:
                for future in queue:
                    future.cancel()

    def _split(self, ids: Sequence[str]) -> Iterator[Sequence[str]]:
        """Parts of the size that the network likes best, once it is known: the first is there soon."""
        start = 0
        while start < len(ids):
            size = BATCH if self._backend is None else self._backend.batch
            yield ids[start : start + size]
            start += size

    def _part(self, pool: Pool, ids: Sequence[str], claimed: set[str]) -> Embedded:
        """Decode images and have the network look at them, those that have a vector or get one left out.

        Args:
            pool: where they are.
            ids: which of them.
            claimed: content hashes of what is being worked at; those of these images are added.
        """
        squares: dict[str, npt.NDArray[np.uint8]] = {}
        bad, mine = [], [""]

        def claim(content: str) -> bool:
            with self._one_at_a_time:
                if content in claimed or self.store.has([content])[0]:
                    return False
                claimed.add(content)
                mine.append(content)
                return True

        with self._one_at_a_time:
            self.store.refresh()  # what another process has put there meanwhile is not computed again
        for id in ids:
            try:
                content, square = square_of(pool, id, self.extractor.preprocessing, wanted=claim)
            except UnreadableImage as problem:
                bad.append(problem)
                if mine[-1] not in squares:  # a copy of it is to be named too
                    claimed.discard(mine[-1])
                continue
            if square is not None:
                squares[content] = square
        vectors = self.backend.run(np.stack(list(squares.values()))) if squares else None
        return Embedded(len(ids), tuple(squares), vectors, tuple(bad))

    def _write(self, waiting: dict[str, npt.NDArray[np.float32]], claimed: set[str]) -> None:
        if waiting:
            with self._one_at_a_time:
                self.store.add(list(waiting), np.stack(list(waiting.values())))
                claimed.difference_update(waiting)
            waiting.clear()

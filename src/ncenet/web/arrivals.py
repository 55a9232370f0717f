"""Photographs that appear in the folder of a run while people label it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ncenet.data.folders import find_images
from ncenet.data.pools import FolderPool
from ncenet.data.scan_cache import stamp_of
from ncenet.errors import DataError, UnreadableImage

PAUSE = 3.0
"""Seconds between two looks at least (ours)."""
SHARE = 0.05
"""Of the time at most this much goes into looking, however large the folder is (ours)."""


@dataclass
class Arrived:
    """What came since the last look.

    Attributes:
        hashes: content hash by id, of images that can be read.
        problems: the others.
    """

    hashes: dict[str, str] = field(default_factory=dict)
    problems: list[UnreadableImage] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.hashes or self.problems)


class Arrivals:
    """Looks at a folder now and then, in a thread of its own.

    A file counts when it has been left alone for two seconds. One that can't be read then, as a download that
    halts, is told of, and tried again when it has changed.

    Args:
        pool: the images that are known.
        take_in: told of what came; called in that thread.
    """

    def __init__(self, pool: FolderPool, take_in: Callable[[Arrived], None]) -> None:
        self._root, self._take_in = pool.root, take_in
        self._known = set(pool.ids())
        self._broken: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="arrivals", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; returns when the last look is over."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> Arrived:
        """What came since the last look."""
        arrived = Arrived()
        try:
            fresh = [id for id in find_images(self._root) if id not in self._known]
        except DataError:  # the folder is away for a while, as a network drive is
            return arrived
        settled = [(id, stamp) for id in fresh if (stamp := stamp_of(self._root / id)) is not None]
        if not settled:
            return arrived
        pool = FolderPool(self._root, [id for id, _ in settled], channels=3)
        for id, stamp in settled:
            if self._broken.get(id) == stamp:
                continue
            try:
                pool.probe(id)
                arrived.hashes[id] = pool.content_hash(id)
                self._known.add(id)
            except UnreadableImage as problem:
                self._broken[id] = stamp
                arrived.problems.append(problem)
        return arrived

    def _watch(self) -> None:
        pause = PAUSE
        while not self._over.wait(pause):
            start = time.perf_counter()
            if arrived := self.look():
                self._take_in(arrived)
            pause = max(PAUSE, (time.perf_counter() - start) / SHARE)


def watched(source: str, pool: object) -> FolderPool | None:
    """The pool, where it is a whole folder in which more may appear; None of lists, tables and other forms.

    Args:
        source: what the recipe names.
        pool: what that was opened as.
    """
    folder = Path(source).expanduser()
    whole = isinstance(pool, FolderPool) and folder.is_dir() and pool.root == folder.absolute()
    return pool if whole and isinstance(pool, FolderPool) else None

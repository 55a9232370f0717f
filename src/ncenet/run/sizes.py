"""Sizes of the images of a run, and the gate that boxes pass by them on their way into its ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

from ncenet.box_gate import BoxGate, Size
from ncenet.data.pools import size_of
from ncenet.data.scan_cache import Look, read_looks
from ncenet.errors import DataError, NcenetError
from ncenet.ledger.ledger import Ledger
from ncenet.types import Pool

KEPT_SIZES = 4096
"""Images whose size is remembered."""


class SizeOf:
    """Sizes of original images by id; None for one that is unknown, gone from the pool, or no image any more.

    Args:
        ledger: knows which bytes an image had when it was looked at.
        pool: opens the images.
        looks: file of what looks at them found, so that few have to be opened; None when there is none.
    """

    def __init__(self, ledger: Ledger, pool: Callable[[], Pool], looks: Path | None = None) -> None:
        self._ledger, self._pool, self._file = ledger, pool, looks
        self._remembered = lru_cache(KEPT_SIZES)(self._find)

    def __call__(self, id: str) -> Size | None:
        """(width, height) of one image, in pixels, upright."""
        item = self._ledger.review.items([id]).get(id)
        try:
            return None if item is None else self._remembered(id, item.hash)
        except NcenetError:
            return None

    def gate(self) -> BoxGate:
        """The gate for boxes around objects in these images, with the classes of the run.

        Images that the ledger itself refuses answers for, it lets pass.
        """
        return BoxGate(self._needed, self._ledger.class_names())

    def _needed(self, id: str) -> Size | None:
        item = self._ledger.review.items([id]).get(id)
        if item is None or item.problem is not None:
            return None
        try:
            return self._remembered(id, item.hash)
        except NcenetError as error:
            raise DataError(f"without the image its boxes can't be checked: {error}") from error

    def _find(self, id: str, hash: str) -> Size:
        look = self._looks.get(id)
        if look is not None and look.hash == hash:
            return look.what.width, look.what.height
        return size_of(self._pool(), id)

    @cached_property
    def _looks(self) -> dict[str, Look]:
        return {} if self._file is None else read_looks(self._file)

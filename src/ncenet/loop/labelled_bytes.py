"""What is learned from has the bytes that were labelled: looked at before each fit, whoever trains.

A run that is open for hours, behind the page or in a notebook, has looked at its images when it was opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.data.pools import stamp
from ncenet.features.pool import images_of

if TYPE_CHECKING:
    from ncenet.ledger.ledger import Ledger
    from ncenet.types import Pool


class LabelledBytes:
    """The labelled images of a run; those whose files stayed as they were are not read again.

    Args:
        ledger: knows the hash of what was labelled.
        pool: the images, or vectors of them.
    """

    def __init__(self, ledger: Ledger, pool: Pool) -> None:
        self._ledger, self._images = ledger, images_of(pool)
        self._stamps: dict[str, tuple[str, str]] = {}

    def check(self) -> None:
        """Look at them.

        Raises:
            LedgerError: some have other bytes by now than those that were labelled; names them.
            UnreadableImage: one is gone.
        """
        changed: list[tuple[str, str, None]] = []
        for id, item in self._ledger.review.items(id for id, _ in self._ledger.labeled()).items():
            before = stamp(self._images, id)  # what changes while it is read is noticed the next time
            if before is not None and self._stamps.get(id) == (before, item.hash):
                continue
            if (now := self._images.content_hash(id)) != item.hash:
                changed.append((id, now, None))
            elif before is not None:
                self._stamps[id] = before, item.hash
        if changed:
            self._ledger.add_items(changed)  # which refuses other bytes under an answer, and says which

"""Images drawn at random: for people who would have to wait for a model, and to tell if choosing pays."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil

from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import MEANWHILE, Kind
from ncenet.rng import Streams
from ncenet.types import Query
from ncenet.web.assignments import Desk, Turn, latest_query
from ncenet.web.insight import Insight


class Chance:
    """Draws images. Callers take care that one thread at a time is in here.

    Args:
        seed: of the run.
        ledger: where images and answers are.
        desk: where they are put.
        insight: says which are near copies of which.
    """

    def __init__(self, seed: int, ledger: Ledger, desk: Desk, insight: Insight) -> None:
        self._seed, self._ledger, self._desk, self._insight = seed, ledger, desk, insight
        self._drawn = 0

    def draw(self, count: int, apart: Collection[str]) -> int:
        """Put random images on the desk that nobody has answered, near copies last; how many there were.

        Args:
            count: how many are wanted.
            apart: held-out images and their copies.
        """
        review = self._ledger.review
        highest = review.highest_row()
        random = Streams(self._seed).numpy("subset", self._ledger.last_seq(), self._drawn)
        self._drawn += 1
        found: dict[str, str] = {}
        copies: dict[str, str] = {}
        for number in random.integers(1, highest + 1, 50 * count).tolist() if highest else ():
            item = review.row(number)
            if item is None or item.problem is not None or item.id in self._desk or item.id in found:
                continue
            if item.id not in apart and not review.answers(item.id):
                (copies if self._is_copy(item.id, found) else found)[item.id] = item.hash
                if len(found) == count:
                    break
        found = found or dict(list(copies.items())[:count])
        cycles = self._ledger.cycles()
        cycle = cycles[-1].number if cycles else 0
        if found:
            self._ledger.record_query(cycle, MEANWHILE, Query(tuple(found), (0.0,) * len(found)))
            self._desk.add(Turn(id, hash, MEANWHILE, cycle) for id, hash in found.items())
        return len(found)

    def control(self, apart: Collection[str]) -> None:
        """Draw what a control share wants beside the latest query of a strategy.

        Args:
            apart: held-out images and their copies.
        """
        asked = latest_query(self._ledger)
        if self._desk.control and asked is not None and asked.asked.kind is Kind.STRATEGY:
            self._desk.reload()  # what is asked for is drawn by nobody
            self.draw(ceil(self._desk.control * len(asked.query.ids)), apart)

    def _is_copy(self, id: str, others: Collection[str]) -> bool:
        """Whether an image is a near copy of one that is asked for, drawn or answered."""
        return any(
            other in others or other in self._desk or self._ledger.review.answers(other)
            for other in self._insight.copies(id)
        )

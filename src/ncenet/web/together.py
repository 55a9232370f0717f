"""Alike images at once: who gets which group, and which of their answers are checked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ncenet.ledger.ledger import Ledger
from ncenet.ledger.records import Item
from ncenet.run.advice import wilson
from ncenet.run.alike import LEAST
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import set_apart
from ncenet.run.record_files import read_groups
from ncenet.web.assignments import LEASE_SECONDS

CHECKED = 20
"""Of so many answers that were given in groups one is asked for again by itself (ours)."""


class Parties:
    """Hands out groups. Callers take care that one thread at a time is in here.

    Args:
        run: where the groups are.
        ledger: what was answered.
        clock: seconds that only rise.
    """

    def __init__(
        self, run: RunFolder, ledger: Ledger, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run, self._ledger, self._clock = run, ledger, clock
        self._apart = set_apart(ledger)
        self._leases: dict[str, tuple[float, frozenset[str]]] = {}  # window -> end, images

    def give(self, window: str, taken: Collection[str]) -> dict[str, Any] | None:
        """The next group as JSON; None when there is none.

        Args:
            window: of an annotator; what it had before goes back.
            taken: images that lie in front of somebody.
        """
        now = self._clock()
        self._leases.pop(window, None)
        self._leases = {w: lease for w, lease in self._leases.items() if lease[0] > now}
        busy = set(taken).union(*(ids for _, ids in self._leases.values()))
        closed = self._ledger.closed_ids() | self._apart
        called = self._ledger.classes.renamed()
        for cycle in reversed(self._run.cycles()):
            if not cycle.opinions.exists():
                continue
            for group in read_groups(cycle):
                ids = [id for id in group.ids if id not in busy and id not in closed]
                items = self._ledger.review.items(ids)
                ids = [id for id in ids if id in items and items[id].problem is None]
                if len(ids) >= LEAST and called.get(group.label, group.label) in self._ledger.class_names():
                    self._leases[window] = now + LEASE_SECONDS, frozenset(ids)
                    return {
                        "party": secrets.token_hex(8),
                        "cycle": cycle.number,
                        "label": called.get(group.label, group.label),
                        "purity": group.purity,
                        "images": [_named(items[id]) for id in ids],
                    }
            return None  # those of earlier models are less pure
        return None

    def keep(self, window: str) -> None:
        """A window is still at its group."""
        if window in self._leases:
            self._leases[window] = self._clock() + LEASE_SECONDS, self._leases[window][1]

    def check(self) -> None:
        """Ask again for a sample of what was answered in groups, by the number of answers so far."""
        together = self._ledger.again.together()
        due = -(-len(together) // CHECKED) - len(self._ledger.again.asked("check"))
        if due > 0:
            fresh = sorted(together - self._ledger.again.asked("check"))
            chosen = [fresh[secrets.randbelow(len(fresh))] for _ in range(min(due, len(fresh)))]
            self._ledger.again.ask(sorted(set(chosen)), "check")


def told(ledger: Ledger) -> dict[str, Any] | None:
    """How many labels were given in groups, and how many of them are wrong; None when none was."""
    together = len(ledger.again.together())
    if not together:
        return None
    outcomes: Sequence[Any] = ledger.again.outcomes("check")
    wrong = sum(twice.after is not None and twice.after != twice.before for twice in outcomes)
    interval = wilson(wrong, len(outcomes)) if outcomes else None
    return {"labels": together, "checked": len(outcomes), "wrong": wrong, "interval": interval}


def _named(item: Item) -> dict[str, str]:
    return {"id": item.id, "hash": item.hash}

"""Alike images at once: who gets which group, and which of their answers are checked."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ncenet.ledger.ledger import Ledger
from ncenet.ledger.records import Item
from ncenet.run.advice import wilson
from ncenet.run.alike import Alike, alike_to, checks_due, kept_ratio
from ncenet.run.held_out import set_apart
from ncenet.run.opinions import Opinions
from ncenet.web.assignments import LEASE_SECONDS, latest_query
from ncenet.web.insight import Insight

EARLY = 20
"""Up to so many labels a class a model learns more from images one by one than from groups that it did not
ask for (ours, measured by ``benchmarks/person.py``)."""


class Parties:
    """Hands out groups. Callers take care that one thread at a time is in here.

    Args:
        insight: what the last model says.
        ledger: what was answered.
        clock: seconds that only rise.
    """

    def __init__(
        self, insight: Insight, ledger: Ledger, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._insight, self._ledger, self._clock = insight, ledger, clock
        self._apart = set_apart(ledger)
        self._leases: dict[str, tuple[float, frozenset[str]]] = {}  # window -> end, images

    def give(self, window: str, taken: Collection[str], of: str | None = None) -> dict[str, Any] | None:
        """The next group as JSON; None when there is none.

        Args:
            window: of an annotator; what it had before goes back.
            taken: images that lie in front of somebody.
            of: an image whose near copies are wanted, and nothing else.
        """
        now = self._clock()
        self._leases.pop(window, None)
        self._leases = {w: lease for w, lease in self._leases.items() if lease[0] > now}
        said = self._insight.opinions()
        if said is None:
            return None
        away = set(taken).union(self._apart, *(ids for _, ids in self._leases.values()))
        if not said.cycle:  # a first guess: nothing has measured how sure it may be
            return None
        group = self._copies(said, away, of) or (self._of_a_class(said, away) if of is None else None)
        if group is not None:
            ids = [image["id"] for image in group["images"]]
            self._leases[window] = now + LEASE_SECONDS, frozenset(ids)
        return group

    def refresh(self) -> None:
        """Images have come: copies of held-out ones may be among them."""
        self._apart = set_apart(self._ledger)

    def keep(self, window: str) -> None:
        """A window is still at its group."""
        if window in self._leases:
            self._leases[window] = self._clock() + LEASE_SECONDS, self._leases[window][1]

    def cross(self, ids: Sequence[str], labels: Iterable[str], who: str) -> None:
        """Take note that images were crossed out of groups of these classes."""
        for label in labels:
            self._ledger.again.cross(ids, label, who)

    def check(self) -> None:
        """Ask again for a sample of what was answered in groups, by the number of answers so far."""
        together, asked = self._ledger.again.together(), self._ledger.again.asked("check")
        due = checks_due(len(together)) - len(asked)
        if due > 0:
            fresh = sorted(together - asked)
            chosen = secrets.SystemRandom().sample(fresh, min(due, len(fresh)))
            self._ledger.again.ask(sorted(chosen), "check")

    def _crossed(self) -> dict[str, set[str]]:
        """What images are not, as the classes are called now."""
        now = self._ledger.classes.renamed()
        return {id: {now.get(n, n) for n in names} for id, names in self._ledger.again.crossed().items()}

    def _copies(self, said: Opinions, away: Collection[str], of: str | None) -> dict[str, Any] | None:
        """Near copies of an image that has a label, or of the one that is named."""
        sets = list(said.sets.values()) if of is None else [(of, *said.copies_of(of))]
        inside = [id for ids in sets for id in ids]
        labels = dict(self._ledger.labeled(among=inside)) if inside else {}
        if not inside or (of in self._apart):
            return None
        crossed = self._crossed()
        for ids in sets:
            model = of or next((id for id in ids if id in labels and id not in self._apart), None)
            if model is None:
                continue
            label = labels.get(model)
            others = [
                id for id in ids if id != model and id not in away and not self._ledger.review.answers(id)
            ]
            others = [id for id in others if label not in crossed.get(id, ())]
            images = self._sound(others)
            if images:
                known = self._ledger.review.items([model])[model]
                return _message(said.cycle, "copies", label, 1.0, images, _named(known))
        return None

    def _of_a_class(self, said: Opinions, away: Collection[str]) -> dict[str, Any] | None:
        """Images that the model takes for one class."""
        closed, now = self._ledger.closed_ids(), self._ledger.classes.renamed()
        crossed = self._ledger.again.crossed()
        names = self._ledger.class_names()
        column = {name: n for n, name in enumerate(names)}
        places = [column.get(now.get(name, name), len(names)) for name in said.class_names]
        # What was crossed out comes up by itself.
        left_out = closed.union(away, crossed)
        open_rows = [n for n, id in enumerate(said.ids) if id not in left_out]
        # Of near copies one is shown; its label is offered to the others.
        first: dict[int, int] = {}
        for n in open_rows:
            first.setdefault(int(said.copies[n]), n)
        rows = sorted(first.values())
        shares = np.zeros((len(rows), len(names) + 1))
        for c, place in enumerate(places):
            shares[:, place] += said.shares[rows, c]
        ids = [said.ids[n] for n in rows]
        counts = Counter(label for _, label in self._ledger.labeled())
        query = latest_query(self._ledger)
        group = alike_to(
            ids,
            shares[:, :-1],
            names,
            labeled=[counts[name] for name in names],
            ratio=kept_ratio(self._ledger.again.groups()),
            asked=() if query is None else query.query.ids,
        )
        early = group is not None and not group.asked and counts.total() < EARLY * len(names)
        return None if group is None else self._shown(said, group, early)

    def _shown(self, said: Opinions, group: Alike, early: bool) -> dict[str, Any] | None:
        images = self._sound(group.ids)
        found = _message(said.cycle, "class", group.label, group.purity, images)
        return found | {"early": early} if images else None

    def _sound(self, ids: Sequence[str]) -> list[dict[str, str]]:
        items = self._ledger.review.items(ids)
        return [_named(items[id]) for id in ids if id in items and items[id].problem is None]


def told(ledger: Ledger) -> dict[str, Any] | None:
    """How many labels were given in groups, and how many of them are wrong; None when none was."""
    together = len(ledger.again.together())
    if not together:
        return None
    outcomes: Sequence[Any] = ledger.again.outcomes("check")
    wrong = sum(twice.after is not None and twice.after != twice.before for twice in outcomes)
    interval = wilson(wrong, len(outcomes)) if outcomes else None
    return {"labels": together, "checked": len(outcomes), "wrong": wrong, "interval": interval}


def _message(
    cycle: int,
    kind: str,
    label: str | None,
    purity: float,
    images: list[dict[str, str]],
    of: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "party": secrets.token_hex(8),
        "cycle": cycle,
        "kind": kind,
        "label": label,
        "purity": purity,
        "images": images,
        "of": of,
    }


def _named(item: Item) -> dict[str, str]:
    return {"id": item.id, "hash": item.hash}

"""Budgets that count boxes: images are asked for one after the other until their boxes reach the budget.

Drawing boxes is what costs a person time, and images differ in how many they have. An image without objects
counts as one box: somebody had to look at it, and a budget must come to its end.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ncenet.loop.box_learner import BoxLearner
from ncenet.types import Boxes, Detections, Label, Pool, Query

BoxCount: TypeAlias = Callable[[str], float]
"""How many boxes an image has, or is expected to have, by its id; at least 1."""


def boxes_of(label: Label) -> int:
    """What an answer takes of a budget.

    >>> boxes_of('[{"box":[0,0,1,1],"label":"cat"},{"box":[0,0,2,2],"label":"cat"}]'), boxes_of("[]")
    (2, 1)
    """
    return max(1, len(Boxes.from_label(label)))


def spent(labels: Iterable[Label]) -> int:
    """What answers have taken of a budget together."""
    return sum(map(boxes_of, labels))


def asked_for(files: Path, query: Query) -> int | None:
    """The size for which a query was made; None when the cycle's files tell of another query.

    Args:
        files: folder of the cycle.
        query: as the ledger has it.
    """
    record, table = files / "query.json", files / "query.csv"
    if not record.exists() or not table.exists():
        return None
    with table.open(encoding="utf-8", newline="") as lines:
        ids = tuple(row["id"] for row in csv.DictReader(lines))
    return json.loads(record.read_text(encoding="utf-8"))["asked"] if ids == query.ids else None


def cut(query: Query, budget: int, count: BoxCount) -> Query:
    """The first images of a query, until their boxes reach the budget; at least one.

    Args:
        query: most informative first. ``budget`` images are always enough, because each counts at least 1.
        budget: boxes, at least 1.
        count: asked for one image after the other, and for none that is not in the result.

    >>> query = Query(("a", "b", "c"), (0.9, 0.8, 0.7))
    >>> cut(query, 5, {"a": 3, "b": 4, "c": 1}.__getitem__).ids
    ('a', 'b')
    """
    total = 0.0
    for n, id in enumerate(query.ids, start=1):
        total += count(id)
        if total >= budget:
            return Query(query.ids[:n], query.scores[:n])
    return query


class ExpectedBoxes:
    """How many boxes an image will have, before anybody has drawn them (ours).

    The likelihoods of what the detector finds in it, added up, times a factor by which the same sum agrees
    with the boxes that people drew on the labelled images. A detector that finds nothing there, or no
    detector, leaves the mean of the labelled images; without any of those an image counts as one box.

    Args:
        labels: standing answers by id.
        pool: where the images are.
        learner: a fitted detector; None before the first fit.
        found: by id, what the detector is known to find; it looks at all other images itself.
    """

    def __init__(
        self,
        labels: Mapping[str, Label],
        pool: Pool,
        learner: BoxLearner | None,
        *,
        found: Mapping[str, Detections] | None = None,
    ) -> None:
        self._pool, self._learner, self._factor = pool, learner, 0.0
        self._found = found or {}
        drawn = spent(labels.values())
        self._mean = drawn / len(labels) if labels else 1.0
        if learner is not None and labels:
            total = self._likelihood(learner, list(labels))
            self._factor = drawn / total if total else 0.0

    def __call__(self, id: str) -> float:
        """Of one image, at least 1."""
        if self._learner is None or self._factor == 0:
            return max(1.0, self._mean)
        return max(1.0, self._factor * self._likelihood(self._learner, [id]))

    def _likelihood(self, learner: BoxLearner, ids: Sequence[str]) -> float:
        """Of everything that is found in some images, added up."""
        unseen = [id for id in ids if id not in self._found]
        seen = [self._found[id] for id in ids if id in self._found]
        return sum(sum(found.scores) for found in (*seen, *learner.detect(self._pool, unseen)))

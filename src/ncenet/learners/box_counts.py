"""Counts of boxes: those of answers, those that an image will have, and the finds that make them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ncenet.boxes import Boxes, Detections, box_problem
from ncenet.types import BoxLearner, Label, Pool

LEAST_SCORE = 0.05
"""Objects below this likelihood are listed and suggested nowhere (ours)."""
MOST_SUGGESTED = 100
"""Boxes of an image that are suggested, the likeliest first (ours)."""


def boxes_of(label: Label) -> int:
    """What an answer takes of a budget.

    >>> boxes_of('[{"box":[0,0,1,1],"label":"cat"},{"box":[0,0,2,2],"label":"cat"}]'), boxes_of("[]")
    (2, 1)
    """
    return max(1, len(Boxes.from_label(label)))


def spent(labels: Iterable[Label]) -> int:
    """What answers have taken of a budget together."""
    return sum(map(boxes_of, labels))


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
            total = sum(sum(found.scores) for found in self._objects(learner, list(labels)))
            self._factor = drawn / total if total else 0.0

    def __call__(self, id: str) -> float:
        """Of one image, at least 1."""
        if self._learner is None or self._factor == 0:
            return max(1.0, self._mean)
        (found,) = self._objects(self._learner, [id])
        return self._count(found)

    def suggest(self, found: Detections) -> Detections:
        """The objects that seem to be there: the likeliest, as many as are expected.

        A threshold instead would leave none of one head and a clutter of another. Boxes lie at whole pixels,
        as people draw them; what is narrower than one is none.
        """
        objects = [
            (edges, label, score)
            for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True)
            if score >= LEAST_SCORE and box_problem(edges := tuple(round(edge) for edge in box)) is None
        ][: min(round(self._count(found)), MOST_SUGGESTED)]
        boxes, labels, scores = zip(*objects, strict=True) if objects else ((), (), ())
        return Detections(found.id, boxes, labels, scores)

    def _count(self, found: Detections) -> float:
        return max(1.0, self._factor * sum(found.scores) if self._factor else self._mean)

    def _objects(self, learner: BoxLearner, ids: Sequence[str]) -> list[Detections]:
        unseen = [id for id in ids if id not in self._found]
        seen = [self._found[id] for id in ids if id in self._found]
        return [*seen, *learner.detect(self._pool, unseen)]

"""Boxes that look wrong: what a detector finds, held against what people drew on the same images.

Three things go wrong when boxes are drawn: an object is **missing**, a box is **loose**, or two classes are
**swapped**. A find without a box is a missing object if the detector is as sure of it as it is of objects
that have one; a box is loose if a find of its class lies over a part of it alone, and finds of that class fit
their boxes better as a rule; it is swapped if another class is found there with more assurance than its own.
How sure is sure differs from class to class, so likelihoods are told by their rank among those of the finds
that agree with a box of their class (the classes' own rates, as in confident learning: Northcutt et al., JAIR
2021).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from ncenet.boxes import Box, Boxes, Detections

if TYPE_CHECKING:
    import numpy.typing as npt

Slip: TypeAlias = Literal["missing", "loose", "swapped"]

AGREES = 0.5
"""Least overlap of a find and a box that mean the same object (VOC's)."""
TOUCHES = 0.2
"""What overlaps less has nothing to do with each other (ours)."""
LEAST = 0.05
"""Finds below this likelihood say nothing (ours)."""
SURE = 0.25
"""Rank below which a find contradicts nobody (ours)."""
FEW = 5
"""A class with fewer finds that agree with a box has no rates of its own: those of all classes stand in."""


class BoxDoubt(NamedTuple):
    """Something about the boxes of an image that looks wrong.

    Attributes:
        id: the image.
        slip: what seems to have gone wrong.
        box: where: the find that has no box, or the box that is doubted.
        label: the class of that find or box.
        score: in [0, 1], higher is more likely wrong.
    """

    id: str
    slip: Slip
    box: Box
    label: str
    score: float


def box_doubts(drawn: Mapping[str, Boxes], found: Mapping[str, Detections]) -> list[BoxDoubt]:
    """What looks wrong, the worst first.

    Args:
        drawn: by id, what people drew.
        found: by id, what a detector finds in the same images, of best that did not learn them.

    >>> seen = Boxes(((0, 0, 10, 10), (20, 0, 30, 10)), ("cat", "cat"))
    >>> places = ((0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60))
    >>> said = Detections("a", places, ("cat",) * 3, (0.8, 0.9, 0.9))
    >>> box_doubts({"a": seen}, {"a": said})
    [BoxDoubt(id='a', slip='missing', box=(50.0, 50.0, 60.0, 60.0), label='cat', score=1.0)]
    """
    images = [_Image.of(id, boxes, found[id]) for id, boxes in drawn.items() if id in found]
    rates = _Rates(images)
    doubts = [doubt for image in images for doubt in image.doubts(rates)]
    return sorted(doubts, key=lambda doubt: (-doubt.score, doubt.id, doubt.box))


def agree(one: Boxes, other: Boxes) -> bool:
    """Whether two people drew the same objects: each box has one of its class that overlaps it by a half.

    >>> seen = Boxes(((0, 0, 10, 10),), ("cat",))
    >>> agree(seen, Boxes(((1, 0, 10, 10),), ("cat",))), agree(seen, Boxes(((1, 0, 10, 10),), ("dog",)))
    (True, False)
    """
    if sorted(one.labels) != sorted(other.labels):
        return False
    free = set(range(len(other)))
    shared = overlaps(one.boxes, other.boxes)
    pairs = sorted((-shared[a, b], a, b) for a in range(len(one)) for b in range(len(other)))
    matched = set()
    for overlap, a, b in pairs:
        if -overlap < AGREES:
            break
        if a not in matched and b in free and one.labels[a] == other.labels[b]:
            matched.add(a)
            free.discard(b)
    return len(matched) == len(one)


def overlaps(boxes: Sequence[Box], others: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Intersection over union (M, F) of every pair of M boxes and F others."""
    a, b = (np.asarray(each, float).reshape(-1, 4) for each in (boxes, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    sides = np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - low, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    area = [(each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1]) for each in (a, b)]
    union = area[0][:, None] + area[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


class _Image(NamedTuple):
    """One image: M boxes, F finds of some likelihood, how they overlap, and which are of one class."""

    id: str
    drawn: Boxes
    found: Detections
    shared: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, id: str, drawn: Boxes, found: Detections) -> _Image:
        keep = [n for n, score in enumerate(found.scores) if score >= LEAST]
        likely = Detections(
            id,
            tuple(found.boxes[n] for n in keep),
            tuple(found.labels[n] for n in keep),
            tuple(found.scores[n] for n in keep),
        )
        labels = np.array(drawn.labels, object).reshape(-1, 1)
        same = np.asarray(labels == np.array(likely.labels, object).reshape(1, -1), bool)
        return cls(id, drawn, likely, overlaps(drawn.boxes, likely.boxes), same)

    def agreeing(self) -> list[tuple[str, float, float]]:
        """Class, likelihood and overlap of the likeliest find that agrees with each box that has one."""
        told = []
        for m, label in enumerate(self.drawn.labels):
            rows = np.flatnonzero(self.same[m] & (self.shared[m] >= AGREES))
            if len(rows):
                best = max(rows.tolist(), key=lambda row: self.found.scores[row])
                told.append((label, self.found.scores[best], float(self.shared[m, best])))
        return told

    def doubts(self, rates: _Rates) -> list[BoxDoubt]:
        """What looks wrong here."""
        ranks = [rates.sure(*each) for each in zip(self.found.labels, self.found.scores, strict=True)]
        doubted = [self._of_box(m, ranks, rates) for m in range(len(self.drawn))]
        return [*(doubt for doubt in doubted if doubt is not None), *self._missing(ranks)]

    def _of_box(self, m: int, ranks: list[float], rates: _Rates) -> BoxDoubt | None:
        """Whether a box is of another class, or fits badly."""
        box, label, near = self.drawn.boxes[m], self.drawn.labels[m], self.shared[m]
        own = np.flatnonzero(self.same[m] & (near >= AGREES)).tolist()
        others = np.flatnonzero(~self.same[m] & (near >= AGREES)).tolist()
        support = max((ranks[n] for n in own), default=0.0)
        against = max((ranks[n] for n in others if self._is_free(n, m)), default=0.0)
        if against > max(support, SURE):
            return BoxDoubt(self.id, "swapped", box, label, against * (1 - support))
        parts = np.flatnonzero(self.same[m] & (near >= TOUCHES)).tolist()
        parts = [n for n in parts if ranks[n] >= SURE and self._is_free(n, m)]
        if not parts:
            return None
        best = max(parts, key=lambda n: (ranks[n] * float(near[n]), -n))
        short = rates.short(label, float(near[best]))
        return BoxDoubt(self.id, "loose", box, label, ranks[best] * short) if short > 0 else None

    def _is_free(self, n: int, m: int) -> bool:
        """Whether a find means no other box of its class more than this one."""
        others = np.flatnonzero(self.same[:, n])
        return all(self.shared[other, n] <= self.shared[m, n] for other in others.tolist())

    def _missing(self, ranks: list[float]) -> list[BoxDoubt]:
        """Finds where no box is, the surest of those that mean one object."""
        doubts: list[BoxDoubt] = []
        beside = self.shared.max(0) if len(self.drawn) else np.zeros(len(self.found))
        rows = [n for n in range(len(self.found)) if beside[n] < TOUCHES and ranks[n] >= SURE]
        for n in sorted(rows, key=lambda n: (-ranks[n], n)):
            box = self.found.boxes[n]
            if all(overlaps([box], [doubt.box])[0, 0] < TOUCHES for doubt in doubts):
                x1, y1, x2, y2 = map(float, box)
                doubts.append(BoxDoubt(self.id, "missing", (x1, y1, x2, y2), self.found.labels[n], ranks[n]))
        return doubts


class _Rates:
    """How sure the detector is of objects of each class, and how well its finds fit their boxes."""

    def __init__(self, images: Sequence[_Image]) -> None:
        sure, fit = defaultdict(list), defaultdict(list)
        for image in images:
            for label, score, overlap in image.agreeing():
                for name in (label, None):
                    sure[name].append(score)
                    fit[name].append(overlap)
        self._sure = {name: sorted(scores) for name, scores in sure.items()}
        self._fit = {name: sorted(fits) for name, fits in fit.items()}

    def sure(self, label: str, score: float) -> float:
        """Part of the finds that agree with a box of this class that are no likelier, in [0, 1]."""
        known = self._of(self._sure, label)
        return bisect_left(known, score + 1e-9) / len(known) if known else 0.0

    def short(self, label: str, overlap: float) -> float:
        """By what part an overlap is below the median of its class; 0 when it isn't."""
        known = self._of(self._fit, label)
        usual = known[len(known) // 2] if known else 0.0
        return max(0.0, 1 - overlap / usual) if usual else 0.0

    @staticmethod
    def _of(rates: Mapping[str | None, list[float]], label: str) -> list[float]:
        own = rates.get(label, [])
        return own if len(own) >= FEW else rates.get(None, [])

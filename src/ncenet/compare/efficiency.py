"""What choosing saves: the area under a learning curve, and the labels that a level of accuracy takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ncenet.compare.heads import random_arm, strategy_of
from ncenet.compare.records import Curve, Results
from ncenet.compare.statistics import Spread, per_cycle

SAME = 1e-10
"""Accuracies that differ by less are equal: far below one test image, far above rounding in a mean (ours)."""


@dataclass(frozen=True)
class Target:
    """What random reaches in the end.

    Attributes:
        arm: the random arm that sets it.
        accuracy: its mean over seeds in the last cycle, in [0, 1].
        labels: the full budget.
    """

    arm: str
    accuracy: float
    labels: int


@dataclass(frozen=True)
class Saving:
    """What an arm needs to reach a target.

    Attributes:
        labels: of its mean curve, by linear interpolation between cycles; None if it is not reached.
        share: of the full budget that is saved, in [0, 1); None likewise.
        seeds_that_reach: seeds whose own curve reaches the target.
        seeds: finished ones.
    """

    labels: float | None
    share: float | None
    seeds_that_reach: int
    seeds: int


def area_under_curve(curve: Curve) -> float:
    """Area under the learning curve over the range of labels, by trapezoids, divided by that range.

    In [0, 1]: the accuracy averaged over labels. The accuracy itself where there is one cycle.

    >>> curve = Curve("a", 0, (10, 20, 40), (0.5, 0.7, 0.9), (), (), (), ())
    >>> round(area_under_curve(curve), 4)
    0.7333
    """
    points = list(zip(curve.labeled, curve.accuracy, strict=True))
    if len(points) == 1:
        return points[0][1]
    area = sum((n2 - n1) * (a1 + a2) / 2 for (n1, a1), (n2, a2) in pairwise(points))
    return area / (points[-1][0] - points[0][0])


def labels_to_reach(labeled: Sequence[int], accuracy: Sequence[float], target: float) -> float | None:
    """Labels at which a curve, straight between its cycles, first reaches a target; None if it never does.

    >>> labels_to_reach([100, 200, 300], [0.5, 0.7, 0.8], 0.75)
    250.0
    >>> labels_to_reach([100, 200], [0.5, 0.7], 0.75) is None
    True
    """
    if accuracy[0] >= target - SAME:
        return float(labeled[0])
    points = list(zip(labeled, accuracy, strict=True))
    for (n1, a1), (n2, a2) in pairwise(points):
        if a2 >= target - SAME:
            return n1 + (n2 - n1) * min(1.0, (target - a1) / (a2 - a1))
    return None


def target(results: Results) -> Target | None:
    """What the random arm of the baseline's head reaches with all labels.

    None without such an arm, or while none of its seeds is finished.
    """
    arm = random_arm(results.comparison, results.comparison.baseline_arm)
    if arm is None:
        arm = next(
            (a.name for a in results.comparison.arms if strategy_of(results.comparison, a.name) == "random"),
            None,
        )
    if arm is None or not (curves := results.curves(arm)):
        return None
    return Target(arm, per_cycle(curves)[-1].mean, results.labeled[-1])


def saving(results: Results, arm: str, goal: Target) -> Saving | None:
    """What an arm needs to reach a target; None while none of its seeds is finished."""
    curves = results.curves(arm)
    if not curves:
        return None
    labels = labels_to_reach(results.labeled, [s.mean for s in per_cycle(curves)], goal.accuracy)
    own = [labels_to_reach(c.labeled, c.accuracy, goal.accuracy) for c in curves.values()]
    return Saving(
        labels=labels,
        share=None if labels is None else 1 - labels / goal.labels,
        seeds_that_reach=sum(n is not None for n in own),
        seeds=len(own),
    )


def areas(results: Results, arm: str) -> Spread | None:
    """Area under the learning curve over the finished seeds of an arm; None if there are none."""
    curves = results.curves(arm).values()
    return Spread.of([area_under_curve(curve) for curve in curves]) if curves else None

"""Where in the budget an arm is ahead, and how much of it an arm needs to reach what random reaches."""

from __future__ import annotations

import numpy as np

from ncenet.compare.across.table import Numbers
from ncenet.compare.efficiency import area_under_curve, labels_to_reach, target
from ncenet.compare.predictions import Floats

THIRDS = ("early", "middle", "late")


def thirds(of: Numbers) -> Floats | None:
    """Mean accuracy in each third of the cycles, (3, D, S, A); None where a set has fewer than three cycles.

    The first cycle counts: it is what a head makes of the initial set.
    """
    if min(table.shape[1] for table in of.accuracy) < len(THIRDS):
        return None
    parts = [[chunk.mean(1) for chunk in np.array_split(table, len(THIRDS), axis=1)] for table in of.accuracy]
    return np.stack([np.stack(of_third) for of_third in zip(*parts, strict=True)])


def step_of_thirds(of: Numbers) -> Floats:
    """Means over a third of the cycles are multiples of so much, (3, D)."""
    cycles = [[len(part) for part in np.array_split(np.arange(t.shape[1]), 3)] for t in of.accuracy]
    step: Floats = of.step / np.array(cycles).T
    return step


def areas_of_sets(of: Numbers) -> Floats:
    """Area under each learning curve divided by the range of labels, (D, S, A)."""
    return of.of(area_under_curve)


def shares_to_reach(of: Numbers) -> tuple[Floats, Floats]:
    """Shares of the budget by which each trial reaches what random reaches with all of it.

    Random is the arm of the baseline's head that picks at random, its mean over seeds in the last cycle.

    Returns:
        Shares (D, S, A) in (0, 1], and whether they were reached (1, 0); a trial that doesn't get there has
        the share 1, which is the least that it needs. nan on sets without such an arm.
    """
    shares, reached = (np.full((len(of.sets), len(of.seeds), len(of.arms)), np.nan) for _ in range(2))
    for d, results in enumerate(of.results):
        goal = target(results)
        if goal is None:
            continue
        for a, arm in enumerate(of.arms):
            for seed, curve in results.curves(arm).items():
                labels = labels_to_reach(curve.labeled, curve.accuracy, goal.accuracy)
                at = d, of.seeds.index(seed), a
                shares[at] = 1.0 if labels is None else labels / goal.labels
                reached[at] = float(labels is not None)
    return shares, reached


def seconds_per_query(of: Numbers) -> Floats:
    """Wall time of a query: predictions on the pool and the choice among them, (D, S, A); nan without any."""
    return of.of(
        lambda curve: (
            (sum(curve.score_seconds) + sum(curve.select_seconds)) / len(curve.select_seconds)
            if curve.select_seconds
            else np.nan
        )
    )

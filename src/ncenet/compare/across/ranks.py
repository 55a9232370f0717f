"""Mean ranks, and which of them a critical difference tells apart.

Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006: rank the arms on each
data set, average, test by Friedman (1937) in the form of Iman and Davenport (1980) whether the ranks could
all be alike; two arms differ if their mean ranks do by at least Nemenyi's (1963)
CD = q sqrt(A (A + 1) / (6 N)), with q the studentised range over sqrt(2) and N the blocks that were ranked.

Data sets are the blocks. Seeds of one set share its images, so pairs of set and seed are no independent
blocks: their CD holds for these sets alone, and is given beside the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf, sqrt

import numpy as np

from ncenet.compare.predictions import Floats
from ncenet.compare.statistics import CONFIDENCE

TIED = 10
"""Decimals of the scores that are ranked: sums in another order differ far behind them, and one test image of
100,000 in one of a hundred cycles well before (ours)."""


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over blocks that have all arms.

    Attributes:
        mean: (A,), 1 is the best.
        blocks: N.
        p: of Iman and Davenport's test that all arms rank alike; None for one block.
        critical: Nemenyi's critical difference at .05; None for no block or one arm.
    """

    mean: Floats
    blocks: int
    p: float | None
    critical: float | None

    def alike(self) -> list[tuple[int, ...]]:
        """Largest groups of arms, best first, whose mean ranks lie within the critical difference."""
        if self.critical is None:
            return []
        order = np.argsort(self.mean, kind="stable")
        groups: list[tuple[int, ...]] = []
        for n, first in enumerate(order):
            group = tuple(int(a) for a in order[n:] if self.mean[a] - self.mean[first] < self.critical)
            if len(group) > 1 and (not groups or group[-1] != groups[-1][-1]):
                groups.append(group)
        return groups


def ranks(scores: Floats) -> Ranks | None:
    """Rank arms within blocks; equal ones share the mean of their places.

    Args:
        scores: (N, A), higher is better; ties if equal to :data:`TIED` decimals. Blocks with a nan are left
            out.

    Returns:
        None when no block has all arms, or there are fewer than two.

    >>> found = ranks(np.array([[0.9, 0.8, 0.7], [0.8, 0.8, 0.1]]))
    >>> found.mean, found.blocks
    (array([1.25, 1.75, 3.  ]), 2)
    """
    from scipy.special import fdtrc
    from scipy.stats import rankdata

    whole = scores[np.isfinite(scores).all(1)]
    n, arms = whole.shape
    if not n or arms < 2:
        return None
    ranked = rankdata(-whole.round(TIED), axis=1)
    mean = ranked.mean(0)
    p = None
    if n > 1:
        # Friedman's statistic with ties: between-arms over within-block variance of the ranks.
        within = np.square(ranked - (arms + 1) / 2).sum() / (n * (arms - 1))
        chi = n * np.square(mean - (arms + 1) / 2).sum() / within if within else 0.0
        rest = n * (arms - 1) - chi
        p = 0.0 if rest <= 1e-9 * n else float(fdtrc(arms - 1, (arms - 1) * (n - 1), (n - 1) * chi / rest))
    return Ranks(mean, n, p, nemenyi(arms) * sqrt(arms * (arms + 1) / (6 * n)))


@cache
def nemenyi(arms: int) -> float:
    """Q at .05: the studentised range of so many arms over infinitely many degrees of freedom, by sqrt(2).

    >>> round(nemenyi(2), 3), round(nemenyi(10), 3)
    (1.96, 3.164)
    """
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(CONFIDENCE, arms, inf)) / sqrt(2)

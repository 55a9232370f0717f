"""Mean ranks, and which of them a critical difference tells apart.

Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006: rank the arms on each
data set, average, test by Friedman's statistic (1937) whether the ranks could all be alike; two arms differ
if their mean ranks do by at least Nemenyi's (1963) CD = q sqrt(A (A + 1) / (6 N)), with q the studentised
range over sqrt(2) and N the blocks that were ranked.

The test is by permutation: if all arms are alike, each order of the ranks within a block is as likely as the
next. It holds for two blocks as for twenty, where the usual approximations, by chi-square and by Iman and
Davenport's F, need many: theirs calls one order on three sets impossible by chance.

Data sets are the blocks. Seeds of one set share its images, so pairs of set and seed are no independent
blocks: their CD holds for these sets alone, and is given beside the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from math import factorial, inf, sqrt

import numpy as np

from ncenet.compare.predictions import Floats
from ncenet.compare.statistics import CONFIDENCE
from ncenet.rng import Streams

TIED = 10
"""Decimals of the scores that are ranked: sums in another order differ far behind them, and one test image of
100,000 in one of a hundred cycles well before (ours)."""

ORDERS = 20_000
"""Orders of the ranks that a test tries (ours): all that six sets of three arms have, or three of five."""


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over blocks that have all arms.

    Attributes:
        mean: (A,), 1 is the best.
        blocks: N.
        p: of Friedman's test that all arms rank alike, in (0, 1]; None for one block.
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
    from scipy.stats import rankdata

    whole = scores[np.isfinite(scores).all(1)]
    n, arms = whole.shape
    if not n or arms < 2:
        return None
    ranked = rankdata(-whole.round(TIED), axis=1)
    p = chance_of_ranks(ranked) if n > 1 else None
    return Ranks(ranked.mean(0), n, p, nemenyi(arms) * sqrt(arms * (arms + 1) / (6 * n)))


def chance_of_ranks(ranks_NA: Floats) -> float:
    """How often ranks in any order within their blocks are as far apart in the mean as these, or farther.

    Friedman's statistic is the squared distance of the sums of ranks from their mean, over what no order
    changes. All orders are tried where they are few, else :data:`ORDERS` random ones, the same each time.

    Args:
        ranks_NA: of A arms within each of N blocks.

    Returns:
        In (0, 1]: the order that there is counts.

    >>> chance_of_ranks(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]))  # as good as (2, 1) three times
    0.25
    """
    n, arms = ranks_NA.shape
    sums = ranks_NA[:1]
    if every := factorial(arms) ** (n - 1) <= ORDERS:
        for block in ranks_NA[1:]:  # the order of the first block names the arms
            sums = (sums[:, None] + np.array(list(permutations(block)))).reshape(-1, arms)
    else:
        rng = Streams(0).numpy("ranks")
        for block in ranks_NA[1:]:
            sums = sums + rng.permuted(np.tile(block, (ORDERS, 1)), axis=1)
    middle = n * (arms + 1) / 2
    apart = np.square(sums - middle).sum(1)
    as_far = int((apart >= np.square(ranks_NA.sum(0) - middle).sum()).sum())
    return as_far / len(sums) if every else (as_far + 1) / (len(sums) + 1)


@cache
def nemenyi(arms: int) -> float:
    """Q at .05: the studentised range of so many arms over infinitely many degrees of freedom, by sqrt(2).

    >>> round(nemenyi(2), 3), round(nemenyi(10), 3)
    (1.96, 3.164)
    """
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(CONFIDENCE, arms, inf)) / sqrt(2)

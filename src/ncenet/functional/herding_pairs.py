"""Herding many points of a large pool: once some are picked, few pairs of points still matter.

A point covers x better than what covers it already only if it is nearer to x than the nearest centre. Of N
points N / (m + 1) are, on average, were the m centres drawn from them at random, whatever the features are.
So the first 100 picks are made from parts (:mod:`ncenet.functional.herding_parts`). Then the kernel of
the pool is gone through once, block by block, and of its N^2 pairs only these are kept, some N^2 / 100. From
there on gains are exact, and a pick takes well below a millisecond.

A pool of more than 60,000 points, or with more than 30 million pairs that matter, is split at random into
equal parts that have fewer. They take their shares of the picks, each covered by all before.

What is guaranteed: in a pool that isn't split, each pick after the first is the best of all points, but for
what rounding can't tell apart. How much less than exactly the first picks and
those of a split pool cover stands in benchmarks/results/herding.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from ncenet.functional._precision import middle
from ncenet.functional.covering import PICKED, ROUNDING, TIE, HerdSizes, Kernel
from ncenet.functional.herding_parts import in_parts

SAMPLE = 256
"""Points whose pairs tell how many all have (ours)."""
LEAST = -60.0
"""Logarithm of a kernel that covers nothing (ours): 1e-26."""
DRIFT = 1e-11
"""What is left of a gain is none below this part of what it was: rounding of float64 (ours)."""


def by_pairs(
    pool_ND: Tensor,
    k: int,
    radius: float,
    weights_N: Tensor,
    centers_LD: Tensor,
    turns_N: Tensor,
    sizes: HerdSizes,
) -> tuple[list[int], list[float]]:
    """At most k picks from a pool and their gains, while there is anything to cover.

    Args:
        pool_ND: (N, D) features.
        k: how many.
        radius: R.
        weights_N: of the points.
        centers_LD: what covers to begin with.
        turns_N: the turn of each point; of equal ones the one with the smallest is picked.
        sizes: how many are picked first, and how many points and pairs a part has.
    """
    first = min(k, sizes.first)
    indices, gains = in_parts(pool_ND, first, radius, weights_N, centers_LD, turns_N, sizes)
    if len(indices) < first or first == k:
        return indices, gains

    def centers() -> Tensor:
        return torch.cat([centers_LD, pool_ND[indices].to(centers_LD.dtype)])

    order = torch.randperm(len(pool_ND), generator=torch.Generator().manual_seed(0)).to(pool_ND.device)
    few = order[:SAMPLE]
    matter = Near(pool_ND[few], radius, weights_N[few], centers(), sizes).share_of(pool_ND)
    number = parts_of(len(pool_ND), matter, sizes)
    for part, rows in enumerate(order.tensor_split(number)):
        rows = rows[turns_N[rows].argsort()]
        greedy = _GreedyPairs(Near(pool_ND[rows], radius, weights_N[rows], centers(), sizes))
        greedy.gains[torch.isin(rows.cpu(), torch.tensor(indices)).numpy()] = PICKED
        for _ in range(math.ceil((k - len(indices)) / (number - part))):
            row = greedy.leader()
            if row is None:
                break
            own = greedy.own(row)
            others = max(float(greedy.gains[row]) - own, 0.0)  # below 0 by rounding alone
            gains.append(number * others + own)
            indices.append(int(rows[row]))
            greedy.add(row)
    return indices, gains


def parts_of(points: int, matter: float, sizes: HerdSizes) -> int:
    """Into how many parts a pool is split.

    Args:
        points: that it has.
        matter: the share of all pairs that matter.
        sizes: how many points and pairs a part has at most.

    >>> parts_of(100_000, 1e-3, HerdSizes()), parts_of(50_000, 0.05, HerdSizes())
    (2, 3)
    """
    return max(math.ceil(points / sizes.largest), math.ceil(points * math.sqrt(matter / sizes.pairs)))


class Near:
    """Which pairs of points matter: the second covers the first better than what covers it already.

    Args:
        points_MD: the points.
        radius: R.
        weights_M: their weights.
        centers_LD: what covers them.
        sizes: of blocks.
    """

    def __init__(
        self, points_MD: Tensor, radius: float, weights_M: Tensor, centers_LD: Tensor, sizes: HerdSizes
    ) -> None:
        self.kernel = Kernel(points_MD, radius, middle(points_MD), sizes)
        self.blocks = sizes.blocks
        self.weights, self.cover = weights_M, self.kernel.covered_by(centers_LD)
        floor = (self.cover * (1 + ROUNDING)).log().clamp_min_(LEAST)
        self.floor = floor.masked_fill_(weights_M == 0, torch.inf)

    def share_of(self, pool_ND: Tensor) -> float:
        """The share of the pairs between these and the points of a pool that matter."""
        count, every = 0, slice(0, len(self.floor))
        for some in self.blocks(len(pool_ND)):
            logarithms = self.kernel.logarithms(every, self.kernel.scaled(pool_ND[some]))
            count += int((logarithms > self.floor[:, None]).sum())
        return count / (len(self.floor) * len(pool_ND))

    def pairs(self) -> Any:
        """Kernels of those that matter, a row for each point that is covered, (M, M) of SciPy."""
        strips = []
        for rows in self.blocks(len(self.floor)):
            found = []
            for columns in self.blocks(len(self.floor), rows.start):
                block = self.kernel.logarithms(rows, self.kernel.points[columns])
                kept = [((block > self.floor[rows, None]).nonzero(), 0)]
                if columns != rows:
                    kept.append(((block > self.floor[columns]).nonzero(), 1))
                for at, covered in kept:
                    values = block[at[:, 0], at[:, 1]].exp()
                    at = (at + at.new_tensor([rows.start, columns.start])).int()
                    found.append((values, at[:, covered], at[:, 1 - covered]))
            # Joined at once: what is small and stays keeps memory from being used again.
            strips.append([torch.cat(each).cpu().numpy() for each in zip(*found, strict=True)])
        values_, points, others = (np.concatenate(each) for each in zip(*strips, strict=True))
        shape = (len(self.floor), len(self.floor))
        return sparse.coo_array((values_, (points, others)), shape=shape).tocsr()


class _GreedyPairs:
    """What each point would cover beyond what is covered, kept up to date along the pairs that matter.

    Args:
        near: tells the pairs.
    """

    def __init__(self, near: Near) -> None:
        self.weights = near.weights.double().cpu().numpy()
        self.cover = near.cover.double().cpu().numpy()
        self.rows, self.blocks = near.pairs(), near.blocks
        self.columns = self.rows.tocsc()
        self.gains = np.zeros_like(self.cover)
        for some in self.blocks(len(self.cover)):
            points = np.arange(some.start, some.stop)
            self.gains += self._lost(points, np.full(len(points), np.inf))
        self.rounding = DRIFT * self.gains

    def leader(self) -> int | None:
        """The point with the largest gain, of equal ones the first; None when no gain is left."""
        first = int((self.gains >= self.gains.max() * (1 - TIE)).argmax())
        return first if self.gains[first] > self.rounding[first] else None

    def own(self, point: int) -> float:
        """The part of a gain that is the point's own weight."""
        return float(self.weights[point] * max(0.0, 1 - self.cover[point]))

    def add(self, index: int) -> None:
        """Make a point a centre, and take off what that leaves the others to cover."""
        column = slice(*self.columns.indptr[index : index + 2])
        points, new = self.columns.indices[column], self.columns.data[column]
        better = new > self.cover[points]
        points, new = points[better], new[better].astype(float)
        self.gains -= self._lost(points, new)
        self.cover[points] = new
        self.gains[index] = PICKED

    def _lost(self, points: Any, cover: Any) -> Any:
        """What all points no longer cover of some, if these are covered so well, (M,)."""
        pairs = self.rows[points]
        counts = np.diff(pairs.indptr)
        before = np.repeat(self.cover[points] * (1 + ROUNDING), counts)
        after = np.repeat(cover * (1 + ROUNDING), counts)
        lost = np.repeat(self.weights[points], counts) * (np.clip(pairs.data, before, after) - before)
        return np.bincount(pairs.indices, lost, minlength=len(self.cover))

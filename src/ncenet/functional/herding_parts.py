"""Herding in a pool whose kernel doesn't fit into memory: random parts propose, and judges choose.

Each part is drawn at random anew. It takes up the picks where the one before ended, and estimates what each
of its points would cover of the pool by what it covers of the part. What leads there does so by luck, too. So
those that lead are judged by what they cover of 50,000 points, the judges: an estimate that was too high or
too low is set right for good, and the best that was judged is picked.

What is guaranteed, but for a probability of p:

* What any set named beforehand covers of the judges is within sqrt(ln(2 / p) / 2J) a point of what it covers
  of the pool, with weights up to 1 (Hoeffding 1963): 0.007 for J = 50,000 and p = 0.01. Up to 50,000 points
  are judged by all.
* The best of m random points is among the best ln(1 / p) / m of the pool: 0.05 % for m = 10,000.

That it leads is an estimate: how much less is covered than exactly stands in benchmarks/results/herding.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ncenet.functional._precision import middle
from ncenet.functional.covering import PICKED, ROUNDING, GreedyCover, HerdSizes, Kernel

EAGER = 0.85
"""What was judged is picked while it has this part of the best estimate: estimates that lead are too high
(ours, by benchmarks/herding.py)."""


def in_parts(
    pool_ND: Tensor,
    k: int,
    radius: float,
    weights_N: Tensor,
    centers_LD: Tensor,
    turns_N: Tensor,
    sizes: HerdSizes,
) -> tuple[list[int], list[float]]:
    """At most k picks from random parts of a pool and their gains, while there is anything to cover.

    Args:
        pool_ND: (N, D) features.
        k: how many.
        radius: R.
        weights_N: of the points.
        centers_LD: what covers to begin with.
        turns_N: the turn of each point; of equal ones the one with the smallest is picked.
        sizes: of a part, the whole of what is in memory; there is one for each ``picks``, but no more than
            hold the pool once.
    """
    N, rng = len(pool_ND), torch.Generator().manual_seed(0)

    def draw(count: int) -> Tensor:
        rows = torch.randperm(N, generator=rng)[:count].to(pool_ND.device)
        return rows[turns_N[rows].argsort()]

    looked_at = draw(sizes.judges)
    weights_J = weights_N[looked_at] * (N / len(looked_at))
    judges = _Judges(pool_ND[looked_at], radius, weights_J, centers_LD, sizes)
    indices: list[int] = []
    gains: list[float] = []
    number = min(math.ceil(k / sizes.picks), math.ceil(N / sizes.whole))
    for left in range(number, 0, -1):
        rows = draw(sizes.whole)
        centers = torch.cat([centers_LD, pool_ND[indices].to(centers_LD.dtype)])
        part = _Part(judges, pool_ND[rows], radius, weights_N[rows], centers, N / len(rows))
        part.greedy.gains[torch.isin(rows, torch.tensor(indices, device=rows.device))] = PICKED
        for row, gain in part.picks(math.ceil((k - len(indices)) / left)):
            indices.append(int(rows[row]))
            gains.append(gain)
        del part  # its kernel, before that of the next one is made
    return indices, gains


class _Judges:
    """Points that stand for a whole pool: what leads in a part is looked at again by what it covers of them.

    Args:
        points_JD: the points.
        radius: R.
        weights_J: their weights.
        centers_LD: what covers to begin with.
        sizes: of blocks.
    """

    def __init__(
        self, points_JD: Tensor, radius: float, weights_J: Tensor, centers_LD: Tensor, sizes: HerdSizes
    ) -> None:
        self.kernel, self.sizes = Kernel(points_JD, radius, middle(points_JD), sizes), sizes
        self.weights, self.cover = weights_J, self.kernel.covered_by(centers_LD)

    def rows(self, points_FD: Tensor) -> Tensor:
        """Kernels between some points and all judges, (F, J)."""
        return self.kernel.from_few(self.kernel.scaled(points_FD))

    def gains(self, rows_FJ: Tensor) -> Tensor:
        """What each covers of the weight that isn't covered, (F,) float64."""
        covered = self.cover * (1 + ROUNDING)
        return torch.stack([(row - covered).clamp_min_(0) @ self.weights for row in rows_FJ]).double()

    def leader(self, rows_FJ: Tensor, gains_F: Tensor) -> int:
        """Which covers most of it and isn't picked; its gain is set anew, and others' that might be larger.

        Args:
            rows_FJ: kernels between points and judges.
            gains_F: what each covered when less was covered: gains only fall.
        """
        known: set[int] = set()
        while (best := int(gains_F.argmax())) not in known and gains_F[best] > PICKED:
            gains_F[best] = self.gains(rows_FJ[best : best + 1])[0]
            known.add(best)
        return best


class _Part:
    """Picks from a part of a pool: its points estimate what each would cover of the whole, and judges tell.

    Args:
        judges: points that stand for the pool.
        part_MD: points of the part, from which is picked.
        radius: R.
        weights_M: their weights.
        centers_LD: what covers to begin with.
        share: points of the pool that a point of the part stands for; what is picked stands for itself alone.
    """

    def __init__(
        self,
        judges: _Judges,
        part_MD: Tensor,
        radius: float,
        weights_M: Tensor,
        centers_LD: Tensor,
        share: float,
    ) -> None:
        self.judges, self.points, self.share = judges, part_MD, share
        self.greedy = GreedyCover(part_MD, radius, weights_M, centers_LD, judges.sizes)
        self.luck = torch.zeros_like(self.greedy.gains)

    def estimates(self) -> Tensor:
        """What each point would cover of the pool, as far as is known, (M,)."""
        greedy = self.greedy
        own = greedy.weights * (1 - greedy.cover).clamp_min(0)
        return self.share * (greedy.gains - own) + own - self.luck

    def picks(self, k: int) -> Iterator[tuple[int, float]]:
        """At most k picks and their gains, while there is anything to cover."""
        while k > 0:
            front = self.estimates().topk(min(self.judges.sizes.front, len(self.points))).indices
            rows_FJ = self.judges.rows(self.points[front])
            gains = self.judges.gains(rows_FJ).masked_fill_(self.greedy.gains[front].isneginf(), PICKED)
            for picked in range(k):
                best = self.judges.leader(rows_FJ, gains) if picked else int(gains.argmax())
                estimates = self.estimates()
                others = estimates.index_fill(0, front, PICKED)
                if picked and gains[best] < EAGER * others.max():
                    luck = estimates[front] - self.judges.gains(rows_FJ)
                    self.luck[front] += luck.where(gains > PICKED, 0)
                    break
                if gains[best] <= 0:
                    return
                yield int(front[best]), float(gains[best])
                self.judges.cover = torch.maximum(self.judges.cover, rows_FJ[best])
                self.greedy.add(int(front[best]))
                gains[best] = PICKED
                k -= 1

"""k-means++ seeding (Arthur and Vassilvitskii 2007) of rank-one matrices, exact, without the matrices.

The rule draws the first centre uniformly, and each further one with a probability in proportion to its
squared distance to the nearest centre so far. Two things make it fast where points are matrices a f^T, as
gradients of a last layer are:

1. Distances come from the factors: |a f^T - b g^T|^2 = |a|^2 |f|^2 + |b|^2 |g|^2 - 2 (a.b) (f.g).
   No matrix of C x D numbers is ever made.
2. The distance to the nearest centre only ever falls, so an old one, the *weight*, is an upper bound.
   Propose a point in proportion to its weight, look up its true distance, and accept it with probability
   distance / weight: what is accepted has the distribution of the plain rule. All weights are brought up to
   date only when the proposals since the last time have cost as much as that costs.

The plain rule passes over the pool for each pick, a matrix-vector product that waits for memory; here the
pool is passed a few times in all, by blocked matrix products. Source: rejection sampling, applied by us.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ncenet.errors import NonFiniteScore
from ncenet.functional._precision import at_least_float32, no_autocast

ROWS = 8192
"""Rows of the pool in one matrix product (ours)."""

ROUNDING = 1e-6
"""A squared distance below this part of the two squared norms is rounding, and counts as 0 (ours)."""


def k_means_seeds(
    left_NC: Tensor,
    right_ND: Tensor,
    k: int,
    *,
    rng: Generator,
    proposals: int = 256,
    proposal_cost: float = 4,
) -> Tensor:
    """Draw k of the N matrices left_i right_i^T by k-means++ seeding.

    Memory above the arguments: some 30 bytes a point, and a few times 8192 rows in float32.

    Args:
        left_NC: (N, C) left factors. With a column of ones the points are the vectors ``right_ND``.
        right_ND: (N, D) right factors.
        k: how many to draw, in [0, N].
        rng: where the random numbers come from.
        proposals: points proposed at a time (the default is ours, by benchmarks/badge.py, like the next): it
            changes which numbers are drawn, but not the distribution.
        proposal_cost: distances of a refresh that take as long as one distance of a proposal: gathered rows,
            smaller products.

    Returns:
        (k,) rows, int64, distinct, in the order in which they were drawn. When all points that are left lie
        on centres, the rest is drawn uniformly from them.

    Raises:
        ValueError: the factors differ in N, or there are fewer than k points.
        NonFiniteScore: a factor is nan, inf or too large to be squared in float32.

    >>> line = torch.tensor([[0.0], [1.0], [4.0], [9.0]])
    >>> k_means_seeds(torch.ones(4, 1), line, 4, rng=torch.Generator().manual_seed(0)).sort().values
    tensor([0, 1, 2, 3])
    """
    if left_NC.ndim != 2 or right_ND.ndim != 2 or len(left_NC) != len(right_ND):
        raise ValueError(f"factors {tuple(left_NC.shape)} and {tuple(right_ND.shape)} differ in N")
    if not 0 <= k <= len(left_NC):
        raise ValueError(f"cannot draw {k} seeds from {len(left_NC)} points")
    if k == 0:
        return torch.empty(0, dtype=torch.int64)
    with torch.no_grad(), no_autocast(right_ND):
        seeding = Seeding(left_NC, right_ND, k, rng, proposals=proposals, cost=proposal_cost)
        while len(seeding.picked) < k and seeding.total > 0:
            seeding.propose()
        seeding.fill()
    return torch.tensor(seeding.picked)


class Seeding:
    """Centres so far, and for each point its weight: its distance to the centres before the last refresh."""

    def __init__(
        self, left_NC: Tensor, right_ND: Tensor, k: int, rng: Generator, *, proposals: int, cost: float
    ) -> None:
        self.proposals, self.cost = proposals, cost
        self.left, self.right, self.k, self.rng = left_NC, right_ND, k, rng
        self.norms = torch.cat([self.squared_norms(rows) for rows in self.blocks()])
        bad = (~self.norms.isfinite()).nonzero().flatten().tolist()
        if bad:
            raise NonFiniteScore(len(bad), f"row {bad[0]} of the points")
        self.weights = torch.full((len(left_NC),), torch.inf)
        self.picked = [int(torch.randint(len(left_NC), (), generator=rng))]
        self.fresh = list(self.picked)  # picked since the last refresh
        self.refresh()

    def blocks(self) -> list[slice]:
        """All rows, as many at a time as are multiplied."""
        return [slice(start, start + ROWS) for start in range(0, len(self.left), ROWS)]

    def factors(self, rows: slice | Tensor) -> tuple[Tensor, Tensor]:
        """Of some points, in float32."""
        return at_least_float32(self.left[rows]).float(), at_least_float32(self.right[rows]).float()

    def squared_norms(self, rows: slice) -> Tensor:
        """Of some points, (B,)."""
        left, right = self.factors(rows)
        return left.square().sum(1) * right.square().sum(1)

    def squared_distances(self, rows: slice | Tensor, others: Tensor) -> Tensor:
        """Between some points and others, (B, T); 0 where they coincide up to rounding."""
        left, right = self.factors(rows)
        other_left, other_right = self.factors(others)
        norms = self.norms[rows, None] + self.norms[others]
        squared = torch.addcmul(norms, left @ other_left.T, right @ other_right.T, value=-2)
        return squared.masked_fill_(squared < ROUNDING * norms, 0)

    def refresh(self) -> None:
        """Bring all weights up to date."""
        for start in range(0, len(self.fresh), self.proposals):
            centers = torch.tensor(self.fresh[start : start + self.proposals])
            for rows in self.blocks():
                nearest = self.squared_distances(rows, centers).amin(1)
                self.weights[rows] = torch.minimum(self.weights[rows], nearest)
        self.weights[self.picked] = 0
        # float64: in float32 the sum of many small weights would lose them.
        self.cumulative = self.weights.double().cumsum(0)
        self.total = float(self.cumulative[-1])
        self.fresh, self.spent = [], 0.0

    def propose(self) -> None:
        """Draw proposals from the weights as they stand, and accept some, one after the other."""
        if self.spent > len(self.left) * len(self.fresh):
            self.refresh()
            if self.total == 0:
                return
        position, luck = torch.rand(2, self.proposals, generator=self.rng, dtype=torch.float64)
        rows = torch.searchsorted(self.cumulative, position * self.total, right=True)
        rows = rows.clamp_max(len(self.left) - 1)  # a position may round up to the end
        weights = self.weights[rows].double()
        distance = weights
        if self.fresh:
            centers = torch.tensor(self.fresh)
            distance = torch.minimum(distance, self.squared_distances(rows, centers).amin(1).double())
        mutual = self.squared_distances(rows, rows).double()
        mutual[rows[:, None] == rows] = 0
        threshold = (luck * weights).tolist()
        for proposal, row in enumerate(rows.tolist()):
            # Centres accepted in this round have been folded into the distances of the proposals after them.
            if threshold[proposal] < distance[proposal]:
                self.picked.append(row)
                self.fresh.append(row)
                if len(self.picked) == self.k:
                    return
                distance = torch.minimum(distance, mutual[proposal])
        self.spent += self.cost * self.proposals * (len(self.fresh) + self.proposals)

    def fill(self) -> None:
        """Draw what is missing uniformly from the points that are left."""
        missing = self.k - len(self.picked)
        if missing:
            left_over = torch.ones(len(self.left), dtype=torch.bool)
            left_over[self.picked] = False
            rows = left_over.nonzero().flatten()
            order = torch.randperm(len(rows), generator=self.rng)[:missing]
            self.picked += rows[order].tolist()

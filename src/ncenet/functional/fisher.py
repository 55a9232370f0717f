"""BAIT with a binary likelihood: the batch that tells most about the last layer.

Take every image for a coin: its likeliest class has probability p, all others 1 - p together. Its Fisher
information for the D weights of that class is p (1 - p) f f', of rank one, so with e = sqrt(p (1 - p)) f

    M = ridge I + mean over the labelled of e e',      F = mean over all images of e e',

and the batch is to make trace((M + sum over the batch of e e')^-1 F) small: the information that the pool
asks for, where there is none yet. Greedily, twice as many are taken as asked for, and the half is given back
that is missed least. With A = M^-1, adding e lowers the trace by e'AFAe / (1 + e'Ae), and giving it back
raises it by e'AFAe / (1 - e'Ae). A step changes A by rank one, so both products are brought up to date with
two products of all images with a vector, and no matrix is inverted but the first.

Source: Ash, Goel, Krishnamurthy and Kakade, Gone Fishing, NeurIPS 2021 (BAIT); Huseljic, Hahn, Herde, Rauch
and Sick, Fast Fishing, ECML PKDD 2024, arXiv:2404.08981 (binary). The products that are kept are ours.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

RIDGE = 1.0
"""Information that is there before any image is labelled (BAIT's lambda), for features of length 1."""
OVERSAMPLE = 2
"""So many times the batch is taken, and cut back (BAIT)."""


class Fisher(NamedTuple):
    """What :func:`fisher_batch` picked.

    Attributes:
        rows: (k,) rows of the pool, int64, distinct.
        gains: (k,) float64, at least 0: by how much each lowered the trace when it was taken. They need not
            fall.
    """

    rows: Tensor
    gains: Tensor


def fisher_batch(pool_ND: Tensor, labeled_LD: Tensor, k: int, *, ridge: float = RIDGE) -> Fisher:
    """Pick the k points that leave least of the pool's information unknown.

    Args:
        pool_ND: (N, D) vectors e of the pool, finite.
        labeled_LD: (L, D) those of the labelled set.
        k: how many, in [0, N].
        ridge: positive.

    Returns:
        The picks in the order in which they were taken; of equal gains the smaller row.

    >>> fisher_batch(torch.tensor([[1.0, 0.0], [0.5, 0.0], [0.0, 0.9]]), torch.zeros(1, 2), 2).rows
    tensor([0, 2])
    """
    N, D = pool_ND.shape
    if not 0 <= k <= N:
        raise ValueError(f"cannot pick {k} points from a pool of {N}")
    pool, labeled = pool_ND.double(), labeled_LD.double()
    wanted = (pool.T @ pool + labeled.T @ labeled) / max(N + len(labeled), 1)  # F
    known = ridge * torch.eye(D, dtype=torch.float64) + labeled.T @ labeled / max(len(labeled), 1)
    state = _State(pool, torch.linalg.inv(known), wanted)
    taken: list[int] = []
    gains: dict[int, float] = {}
    free = torch.ones(N, dtype=torch.bool)
    for _ in range(min(OVERSAMPLE * k, N)):
        gain = (state.asked / (1 + state.told)).where(free, -torch.inf)
        row = _first_best(gain)
        taken.append(row)
        gains[row] = max(float(gain[row]), 0.0)
        free[row] = False
        state.change(row, 1.0)
    while len(taken) > k:
        told = state.told[taken].clamp_max(1 - 1e-12)
        # From behind: of those that are missed alike the one that was taken last goes.
        missed = (state.asked[taken] / (1 - told)).flip(0)
        row = taken.pop(len(taken) - 1 - _first_best(-missed))
        state.change(row, -1.0)
    return Fisher(
        torch.tensor(taken, dtype=torch.int64), torch.tensor([gains[row] for row in taken]).double()
    )


class _State:
    """A, and e'Ae and e'AFAe of every point."""

    def __init__(self, points: Tensor, inverse: Tensor, wanted: Tensor) -> None:
        self.points, self.inverse, self.wanted = points, inverse, wanted
        mapped = points @ inverse
        self.told = (mapped * points).sum(1)
        self.asked = ((mapped @ wanted) * mapped).sum(1)

    def change(self, row: int, sign: float) -> None:
        """Add the information of a point (1), or take it away (-1)."""
        v = self.inverse @ self.points[row]
        c = sign / (1 + sign * float(self.points[row] @ v))
        Fv = self.wanted @ v
        along, across = self.points @ v, self.points @ (self.inverse @ Fv)
        self.asked = self.asked - 2 * c * along * across + c**2 * along.square() * float(v @ Fv)
        self.told = self.told - c * along.square()
        self.inverse = self.inverse - c * torch.outer(v, v)


def _first_best(values: Tensor) -> int:
    """Index of the largest; the first of those within rounding."""
    best = float(values.max())
    return int((values >= best - 1e-9 * abs(best)).nonzero()[0])

"""Greedy k-centre (core-set, Sener and Savarese 2018), exact and lazy.

The greedy rule picks, again and again, the point farthest from all centres so far. Done plainly, each pick
passes over the whole pool. But the distance to the nearest centre only ever falls, so the distance to *some*
of the centres is an upper bound, and shows of most points that they are not the farthest:

1. Keep for each point a bound of its squared distance, and how many centres have been folded into it.
2. Take the block of points with the largest bounds, and fold in the centres they lack, by blocked matrix
   products. The bounds of the block are now exact.
3. Pick the farthest point of the block for as long as it beats every bound outside: nothing there is farther.

The picks are those of the plain rule, up to the rounding of float32. The labelled set is folded in lazily as
well: most of the pool meets only the first few of its points. Source: ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ncenet.functional._precision import at_least_float32, check_squares, middle, no_autocast

ROUNDING = 1e-6
"""A squared distance below this part of the point's squared norm is rounding, and counts as 0 (ours)."""
PICKED = -1.0
"""Bound of a point that has been picked: below every distance."""


class Centers(NamedTuple):
    """What :func:`k_centers` picked, in the order of the picks.

    Attributes:
        indices: (k,) rows of the pool, int64, distinct.
        squared_distances: (k,) float32, at least 0: from each to the nearest of the centres before it. They
            never rise.
    """

    indices: Tensor
    squared_distances: Tensor


class CenterSizes(NamedTuple):
    """Sizes that k-centre works with (ours, by benchmarks/kcenter.py): they change time and memory, no pick.

    Attributes:
        first: labelled points that the whole pool meets at the start.
        block: least points in a block; one without a pick doubles the width, any other halves it.
        widest: most rows of the pool that are copied at a time, and most points in a block.
        chunk: centres in one matrix product.
    """

    first: int = 256
    block: int = 512
    widest: int = 8192
    chunk: int = 512


def k_centers(
    pool_ND: Tensor, k: int, centers_LD: Tensor | None = None, *, sizes: CenterSizes | None = None
) -> Centers:
    """Pick k points, each the farthest from all centres before it; the smaller index among equals.

    Memory above the arguments: L + k centres and a few times 8192 rows of the pool in float32, and some
    30 bytes a point. Never N x N, nor a copy of the pool.

    Args:
        pool_ND: (N, D) features of the pool.
        k: how many to pick, in [0, N].
        centers_LD: (L, D) features of the labelled set, the centres to begin with. Without any, the first
            pick is the point farthest from the mean of the pool, and the distance given for it is that to the
            point farthest from it.
        sizes: how much is done at a time, for machines with more memory or less.

    Returns:
        The picks. Of identical points only one is picked while any other is at a distance from the centres.

    Raises:
        ValueError: the shapes do not match, or the pool has fewer than k points.
        NonFiniteScore: a feature is nan, inf or too large to be squared in float32.

    >>> line = torch.tensor([[0.0], [1.0], [4.0], [9.0]])
    >>> k_centers(line, 2, centers_LD=torch.tensor([[0.0]]))
    Centers(indices=tensor([3, 2]), squared_distances=tensor([81., 16.]))
    """
    if pool_ND.ndim != 2 or not 0 <= k <= len(pool_ND):
        raise ValueError(f"cannot pick {k} points from a pool of shape {tuple(pool_ND.shape)}")
    if centers_LD is None:
        centers_LD = pool_ND[:0]
    if centers_LD.ndim != 2 or centers_LD.shape[1] != pool_ND.shape[1]:
        raise ValueError(f"centres {tuple(centers_LD.shape)} and pool {tuple(pool_ND.shape)} differ in D")
    if k == 0:
        return Centers(pool_ND.new_empty(0, dtype=torch.int64), pool_ND.new_empty(0, dtype=torch.float32))
    with torch.no_grad(), no_autocast(pool_ND):
        check_squares(pool_ND, "pool")
        check_squares(centers_LD, "centres")
        sizes = sizes or CenterSizes()
        greedy = _Greedy(pool_ND, k, centers_LD, sizes)
        width = sizes.block
        while len(greedy.indices) < k:
            picked = greedy.pick_from_block(width)
            width = max(width // 2, sizes.block) if picked else min(2 * width, sizes.widest)
    return Centers(
        indices=torch.tensor(greedy.indices, device=pool_ND.device),
        squared_distances=torch.tensor(greedy.squared_distances, dtype=torch.float32, device=pool_ND.device),
    )


class _Greedy:
    """The centres so far, and for each point its bound and how many of the centres are folded into it."""

    def __init__(self, pool_ND: Tensor, k: int, centers_LD: Tensor, sizes: CenterSizes) -> None:
        self.pool, self.k, self.count, self.sizes = pool_ND, k, len(centers_LD), sizes
        self.offset = middle(pool_ND)
        self.centers = self.offset.new_empty(self.count + k, len(self.offset), dtype=torch.float32)
        self.centers[: self.count] = self.centred(centers_LD)
        self.norms = self.centers.square().sum(1)
        self.indices: list[int] = []
        self.squared_distances: list[float] = []
        if self.count == 0:
            mean = (at_least_float32(pool_ND).mean(0) - self.offset).float()
            away = torch.cat([(self.centred(r) - mean).square().sum(1) for r in self.blocks()])
            first = int(away.argmax())
            self.add(first, self.centred(pool_ND[first]), 0.0)
        self.folded = torch.full((len(pool_ND),), min(self.count, sizes.first), device=pool_ND.device)
        self.bound = torch.cat([self.nearest(self.centred(r), 0, sizes.first) for r in self.blocks()])
        if self.indices:
            self.squared_distances = [float(self.bound.max())]
        self.bound[self.indices] = PICKED

    def blocks(self) -> Iterator[Tensor]:
        """The pool, as many rows at a time as are copied."""
        return iter(self.pool.split(self.sizes.widest))

    def centred(self, vectors: Tensor) -> Tensor:
        return (at_least_float32(vectors) - self.offset).float()

    def add(self, index: int, center_D: Tensor, squared_distance: float) -> None:
        """Make a point of the pool a centre."""
        self.indices.append(index)
        self.squared_distances.append(squared_distance)
        self.centers[self.count] = center_D
        self.norms[self.count] = center_D.square().sum()
        self.count += 1

    def nearest(self, rows_BD: Tensor, start: int, stop: int) -> Tensor:
        """Squared distance of each row to the nearest of the centres from ``start`` to ``stop``, (B,)."""
        stop = min(stop, self.count)
        own = rows_BD.square().sum(1)
        # |r - c|^2 = |r|^2 + (|c|^2 - 2 r.c)
        cross = torch.addmm(self.norms[start:stop], rows_BD, self.centers[start:stop].T, alpha=-2)
        squared = cross.amin(1) + own
        return squared.masked_fill(squared < ROUNDING * own, 0)

    def pick_from_block(self, width: int) -> bool:
        """Bring the ``width`` points of the largest bounds up to date; pick among them while that is safe.

        Returns:
            Whether any was picked. If not, the bounds of the block have fallen below those of points outside.
        """
        block, outside, rival = _largest(self.bound, width)
        rows, bound, folded = self.centred(self.pool[block]), self.bound[block], self.folded[block]
        for start in range(int(folded.min()), self.count, self.sizes.chunk):
            behind = (folded < start + self.sizes.chunk).nonzero().flatten()
            nearest = self.nearest(rows[behind], start, start + self.sizes.chunk)
            bound[behind] = torch.minimum(bound[behind], nearest)
        before = len(self.indices)
        while len(self.indices) < self.k:
            farthest = int(bound.argmax())
            index, squared_distance = int(block[farthest]), float(bound[farthest])
            if squared_distance < outside or (squared_distance == outside and rival < index):
                break
            self.add(index, rows[farthest], squared_distance)
            bound = torch.minimum(bound, self.nearest(rows, self.count - 1, self.count))
            bound[farthest] = PICKED
        self.bound[block], self.folded[block] = bound, self.count
        return len(self.indices) > before


def _largest(bound_N: Tensor, width: int) -> tuple[Tensor, float, int]:
    """The ``width`` points of the largest bounds (the smaller index among equals), in the order of the pool.

    Returns:
        Their indices, the largest bound outside them, and the smallest index outside that has it.
    """
    N = len(bound_N)
    if width >= N:
        return torch.arange(N, device=bound_N.device), PICKED, N
    outside = bound_N.topk(width + 1).values[-1]
    above = (bound_N > outside).nonzero().flatten()
    equal = (bound_N == outside).nonzero().flatten()
    room = width - len(above)
    return torch.cat([above, equal[:room]]).sort().values, float(outside), int(equal[room])

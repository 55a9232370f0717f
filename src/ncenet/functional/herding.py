"""Greedy herding: cover the most mass of a pool under the kernel of Eq. 6, exact and lazy.

Each pick is the point whose neighbourhood holds the most weight that nothing labelled or picked covers yet:

    gain(x) = sum_x' u(x') max(0, k(x', x) - cover(x')),      k(a, b) = exp(-|a - b|^2 / (2 R^2)),

cover(x') being the largest kernel between x' and a labelled or picked point. Done plainly, a pick compares
every point with every other. But a gain only ever falls, so an old one bounds the new one from above:

1. Compute all gains once, in blocks; the kernel is symmetric, so each block serves its rows and its columns.
2. A pick changes the cover of a few points, its own neighbourhood: write them into a log.
3. Of the points with the largest bounds, subtract what the log says since they were last looked at. That is
   a product with the points of the log, and not with the whole pool.
4. Compute the rows of the few that lead now, and pick from them while they beat every bound outside.

Source: MaxHerding (Bae, Noh and Sutherland, Generalized Coverage for More Robust Low-Budget Active Learning,
ECCV 2024, arXiv:2407.12212) for u = 1; with weights, UHerding (Bae, Oliveira and Sutherland, Uncertainty
Herding, ICLR 2025, arXiv:2412.20644). Lazy greedy: Minoux 1978. The log and the symmetric start are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ncenet.errors import NonFiniteScore
from ncenet.functional._precision import at_least_float32, check_squares, no_autocast

# Sizes (ours, by benchmarks/herding.py): they change time and memory, not the picks.
BLOCK = 1024
"""Rows and columns of one matrix product."""
WIDTH = 128
"""Points whose bounds are brought up to date at a time."""
FRONT = 16
"""Points whose rows of the kernel are in memory."""

ROUNDING = 2e-6
"""A kernel that exceeds the cover by less than this part of it covers nothing new, and a squared distance
below this part of the two squared norms is none: rounding (ours)."""
LONG = 32.0
"""Above this |a|^2 / (2 R^2) distances are looked at for rounding; below, a kernel shows none (ours)."""
TIE = 1e-5
"""Gains within this part of the largest count as equal (ours): float32 can't tell them apart."""
SPREAD = 1000
"""Points whose distances tell the typical one (ours)."""
PICKED = -1.0
"""Bound of a point that has been picked: below every gain."""


class Herd(NamedTuple):
    """What :func:`herd` picked, in the order of the picks.

    Attributes:
        indices: (k,) rows of the pool, int64, distinct.
        gains: (k,) float32, at least 0: the weight that each covers beyond those before it. They fall.
    """

    indices: Tensor
    gains: Tensor


def herd(
    pool_ND: Tensor,
    k: int,
    radius: float,
    *,
    weights_N: Tensor | None = None,
    centers_LD: Tensor | None = None,
) -> Herd:
    """Pick k points, each the one that covers the most weight not covered yet.

    Time: half an N x N kernel at the start, less with every labelled point afterwards. Memory above the
    arguments: the centres, ``FRONT`` rows of N numbers, and some 100 bytes a point. Never N x N, nor a copy
    of the pool.

    Args:
        pool_ND: (N, D) features of the pool.
        k: how many to pick, in [0, N].
        radius: R of the kernel, positive.
        weights_N: (N,) u, at least 0; 1 by default.
        centers_LD: (L, D) features of the labelled set, which covers to begin with.

    Returns:
        The picks; the smaller index among equal gains, so in the order of the pool once all is covered.

    Raises:
        ValueError: the shapes do not match, the pool has fewer than k points, or the radius isn't positive.
        NonFiniteScore: a weight is negative or not finite, a feature nan, inf or too large to be squared.

    >>> line = torch.tensor([[0.0], [1.0], [1.1], [9.0]])
    >>> herd(line, 2, 0.5).indices
    tensor([1, 3])
    >>> herd(line, 1, 0.5, centers_LD=torch.tensor([[1.0]])).indices
    tensor([3])
    """
    if pool_ND.ndim != 2 or not 0 <= k <= len(pool_ND):
        raise ValueError(f"cannot pick {k} points from a pool of shape {tuple(pool_ND.shape)}")
    if centers_LD is None:
        centers_LD = pool_ND[:0]
    if centers_LD.ndim != 2 or centers_LD.shape[1] != pool_ND.shape[1]:
        raise ValueError(f"centres {tuple(centers_LD.shape)} and pool {tuple(pool_ND.shape)} differ in D")
    if not 0 < radius < torch.inf:
        raise ValueError(f"a radius is positive, got {radius}")
    if weights_N is None:
        weights_N = pool_ND.new_ones(len(pool_ND), dtype=torch.float32)
    if weights_N.shape != pool_ND.shape[:1]:
        raise ValueError(f"weights {tuple(weights_N.shape)} for a pool of {len(pool_ND)}")
    if k == 0:
        return Herd(pool_ND.new_empty(0, dtype=torch.int64), pool_ND.new_empty(0, dtype=torch.float32))
    with torch.no_grad(), no_autocast(pool_ND):
        check_squares(pool_ND, "pool")
        check_squares(centers_LD, "centres")
        bad = (~((weights_N >= 0) & weights_N.isfinite())).nonzero().flatten().tolist()
        if bad:
            raise NonFiniteScore(len(bad), f"row {bad[0]} of the weights")
        greedy = _Greedy(pool_ND, radius, weights_N.float(), centers_LD)
        while len(greedy.indices) < k and greedy.pick(k):
            pass
    rest = (greedy.bound != PICKED).nonzero().flatten()[: k - len(greedy.indices)].tolist()
    indices, gains = greedy.indices + rest, greedy.gains + [0.0] * len(rest)
    device = pool_ND.device
    return Herd(torch.tensor(indices, device=device), torch.tensor(gains, dtype=torch.float32, device=device))


def typical_distance(points_ND: Tensor) -> float:
    """Median distance between two points, of at most 1,000 that are evenly spread: what a width is told in.

    Args:
        points_ND: (N, D), finite.

    Returns:
        Above 0; 1 for points that coincide, which any width covers alike.

    >>> typical_distance(torch.tensor([[0.0], [3.0], [4.0]]))
    3.0
    """
    points = at_least_float32(points_ND[:: max(1, -(-len(points_ND) // SPREAD))])
    with torch.no_grad(), no_autocast(points):
        distances = torch.pdist(points - points.mean(0))
    return (float(distances.median()) if len(distances) else 0.0) or 1.0


class _Greedy:
    """Covers, bounds of the gains, and the log of what has changed since each bound was computed."""

    def __init__(self, pool_ND: Tensor, radius: float, weights_N: Tensor, centers_LD: Tensor) -> None:
        self.pool, self.radius, self.weights = pool_ND, radius, weights_N
        # Distances do not change with a common offset, but it would use up the digits of float32.
        self.offset = at_least_float32(pool_ND).mean(0)
        self.norms = torch.cat([_half_square(self.scaled(pool_ND[rows])) for rows in _blocks(len(pool_ND))])
        # A vector many radii long: its distance to a neighbour is a difference that rounding may decide.
        self.long = float(self.norms.max()) > LONG
        self.cover = torch.zeros_like(self.norms)
        for rows in _blocks(len(centers_LD)):
            centers = self.scaled(centers_LD[rows])
            norms = _half_square(centers)
            for columns in _blocks(len(pool_ND)):
                nearest = self.kernel(centers, norms, columns).amax(0)
                self.cover[columns] = torch.maximum(self.cover[columns], nearest)
        self.bound = self.all_gains()
        self.seen = torch.zeros(len(pool_ND), dtype=torch.int64, device=pool_ND.device)
        self.log: list[_Change] = []
        self.indices: list[int] = []
        self.gains: list[float] = []

    def scaled(self, vectors: Tensor) -> Tensor:
        """Vectors in units of the radius, so that the kernel is exp(a.b - |a|^2 / 2 - |b|^2 / 2)."""
        return ((at_least_float32(vectors) - self.offset) / self.radius).float()

    def kernel(self, rows_BD: Tensor, norms_B: Tensor, columns: slice | Tensor) -> Tensor:
        """Eq. 6 between some vectors and some points of the pool, (B, columns)."""
        exponent = torch.addmm(self.norms[columns], rows_BD, self.scaled(self.pool[columns]).T, beta=-1)
        exponent.sub_(norms_B[:, None]).clamp_max_(0)
        if self.long:
            exponent[exponent > -ROUNDING * (norms_B[:, None] + self.norms[columns])] = 0
        return exponent.exp_()

    def all_gains(self) -> Tensor:
        """(N,) float64: each block of the kernel gives to the gains of its rows and of its columns."""
        gains = torch.zeros_like(self.norms, dtype=torch.float64)
        for rows in _blocks(len(self.pool)):
            vectors = self.scaled(self.pool[rows])
            for columns in _blocks(len(self.pool), rows.start):
                kernel = self.kernel(vectors, self.norms[rows], columns)
                gains[rows] += _above(kernel, self.cover[columns]) @ self.weights[columns]
                if columns.start > rows.start:
                    gains[columns] += self.weights[rows] @ _above(kernel, self.cover[rows, None])
        return gains

    def pick(self, k: int) -> bool:
        """Pick from the points that lead, for as long as that is safe, up to k in all.

        Returns:
            Whether anything may be left to cover.
        """
        front = self.leaders()
        vectors, norms = self.scaled(self.pool[front]), self.norms[front]
        rows_FN = torch.cat([self.kernel(vectors, norms, columns) for columns in _blocks(len(self.pool))], 1)
        self.bound[front] = PICKED
        outside = float(self.bound.max())
        alive = torch.ones(len(front), dtype=torch.bool, device=front.device)
        before = len(self.indices)
        while True:
            gains = (_above(rows_FN, self.cover) @ self.weights).masked_fill(~alive, PICKED)
            best = float(gains.max())
            if len(self.indices) == k or best <= 0 or outside > best * (1 + 2 * TIE):
                break
            # The front stands in the order of the pool: the first of equal gains is the smallest index.
            first = int((gains >= best * (1 - TIE)).nonzero()[0])
            index = int(front[first])
            if outside >= best * (1 - TIE) and len(self.indices) > before:
                equal = (self.bound >= best * (1 - TIE)).nonzero()
                if int(equal[0]) < index:
                    break
            self.add(index, best, rows_FN[first])
            alive[first] = False
        self.bound[front[alive]], self.seen[front[alive]] = gains[alive].double(), len(self.log)
        return max(best, outside) > 0

    def leaders(self) -> Tensor:
        """At most ``FRONT`` points in the order of the pool, with the largest bounds, all up to date.

        When more have as much as the largest, those of the smallest indices.
        """
        while True:
            top = self.bound.topk(min(WIDTH, len(self.pool)))
            equal = (self.bound >= top.values[0] * (1 - TIE)).nonzero().flatten()
            front = (equal if len(equal) > FRONT else top.indices)[:FRONT]
            if bool((self.seen[front] == len(self.log)).all()):
                return front[self.bound[front] != PICKED].sort().values
            candidates = top.indices if len(equal) <= WIDTH else equal
            stale = candidates[(self.seen[candidates] < len(self.log)) & (self.bound[candidates] > 0)]
            for rows in _blocks(len(stale)):
                self.refresh(stale[rows])
            self.seen[front] = len(self.log)  # also of what has nothing left to give

    def refresh(self, points: Tensor) -> None:
        """Take from the bounds of some points what the picks have covered since they were last looked at."""
        vectors, norms, seen = self.scaled(self.pool[points]), self.norms[points], self.seen[points]
        oldest = int(seen.min())
        news = self.log[oldest:]
        lost = torch.zeros(len(points), dtype=torch.float64, device=points.device)
        if sum(len(change.rows) for change in news) > len(self.pool):
            for columns in _blocks(len(self.pool)):
                kernel = self.kernel(vectors, norms, columns)
                lost -= _above(kernel, self.cover[columns]) @ self.weights[columns]
            self.bound[points] = 0
        else:
            rows, before, after = (torch.cat(parts) for parts in zip(*news, strict=True))
            sizes = torch.tensor([len(change.rows) for change in news], device=points.device)
            number = torch.arange(oldest, len(self.log), device=points.device).repeat_interleave(sizes)
            for part in _blocks(len(rows)):
                behind = (seen <= number[part][-1]).nonzero().flatten()
                kernel = self.kernel(vectors[behind], norms[behind], rows[part])
                change = _above(kernel, before[part]) - _above(kernel, after[part])
                change.mul_(number[part] >= seen[behind, None])
                lost[behind] += change @ self.weights[rows[part]]
        self.bound[points] = (self.bound[points] - lost).clamp_min(0)
        self.seen[points] = len(self.log)

    def add(self, index: int, gain: float, row_N: Tensor) -> None:
        """Make a point of the pool a centre, and write down whose cover it changes."""
        self.indices.append(index)
        self.gains.append(min([gain, *self.gains[-1:]]))  # of equal gains the first may be the smaller
        changed = (row_N > self.cover).nonzero().flatten()
        self.log.append(_Change(changed, self.cover[changed], row_N[changed]))
        self.cover[changed] = row_N[changed]


class _Change(NamedTuple):
    """What one pick changed: the cover of some points, before and after."""

    rows: Tensor
    before: Tensor
    after: Tensor


def _above(kernel: Tensor, cover: Tensor) -> Tensor:
    """max(0, k - cover), without what is rounding alone."""
    return (kernel - cover * (1 + ROUNDING)).clamp_min_(0)


def _half_square(vectors: Tensor) -> Tensor:
    return vectors.square().sum(1) / 2


def _blocks(count: int, start: int = 0) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK, count)) for first in range(start, count, BLOCK))

"""Greedy herding: cover the most mass of a pool under the kernel of Eq. 6.

Each pick is the point whose neighbourhood holds the most weight that nothing labelled or picked covers yet:

    gain(x) = sum_x' u(x') max(0, k(x', x) - cover(x')),      k(a, b) = exp(-|a - b|^2 / (2 R^2)),

cover(x') being the largest kernel between x' and a labelled or picked point. Done plainly, a pick compares
every point with every other. But a pick changes the cover of those points alone that are nearer to it than
to all before: most of the pool at first, then fewer and fewer, N log k in all for k picks. So gains are kept,
and of each what it lost at these points is taken off,

    u(x') (min(max(k(x', x), old cover), new cover) - old cover).

Up to ``WHOLE`` points this is done with the kernel of the whole pool in memory, and is exact.

A larger pool is gone through in parts, each drawn at random anew: it takes up the picks where the one before
ended, and finds the next of them among its own points, by what they cover of these. Every pick is then the
best of thousands of random points by the measure of thousands of random points:

* Of m points and weights up to 1, what any set named beforehand covers of a part is on average no more than
  sqrt(ln(1 / p) / 2m) a point below what it covers of the pool, but for a probability of p (Hoeffding 1963):
  0.015 for m = 10,000 and p = 0.01.
* Greedy covers of a part at least 1 - 1/e of what the best images of the part could (Nemhauser, Wolsey and
  Fisher 1978).
* The best of m random points is among the best ln(1 / p) / m of the pool, again but for p: 0.05 %.

Source: MaxHerding (Bae, Noh and Sutherland, Generalized Coverage for More Robust Low-Budget Active Learning,
ECCV 2024, arXiv:2407.12212) for u = 1; with weights, UHerding (Bae, Oliveira and Sutherland, Uncertainty
Herding, ICLR 2025, arXiv:2412.20644). The change of the gains and the parts are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ncenet.errors import NonFiniteScore
from ncenet.functional._precision import at_least_float32, check_squares, no_autocast

WHOLE = 10_000
"""Points whose kernel is kept in memory, 400 MB; a larger pool is gone through in parts of so many (ours)."""
PICKS = 100
"""A further part is drawn for so many picks (ours, by benchmarks/herding.py)."""

# Sizes (ours, by benchmarks/herding.py): they change time, not the picks.
BLOCK = 1024
"""Rows and columns of one matrix product."""
ROWS = 64
"""Points whose change of cover is worked in at a time."""

ROUNDING = 2e-6
"""A kernel that exceeds the cover by less than this part of it covers nothing new, and a squared distance
below this part of the two squared norms is none: rounding (ours)."""
LONG = 32.0
"""Above this |a|^2 / (2 R^2) distances are looked at for rounding; below, a kernel shows none (ours)."""
TIE = 1e-5
"""Gains within this part of the largest count as equal (ours): float32 can't tell them apart."""
DRIFT = 1e-6
"""What is taken off a gain may be wrong by this part of what the gain was (ours): then it is summed anew."""
SPREAD = 1000
"""Points whose distances tell the typical one (ours)."""
PICKED = -torch.inf
"""Gain of a point that has been picked: below every other."""


class Herd(NamedTuple):
    """What :func:`herd` picked, in the order of the picks.

    Attributes:
        indices: (k,) rows of the pool, int64, distinct.
        gains: (k,) float32, at least 0: the weight that each covers beyond those before it. They fall,
            unless the pool is gone through in parts.
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

    Exact up to ``WHOLE`` points; above, by random parts of as many, one for each ``PICKS`` picks but no more
    than hold the pool once, as the module says. The parts of a pool are always the same ones.

    Time: half a kernel of a part, then about ln k passes over it, for each part. Memory above the arguments:
    the kernel of a part, at most 400 MB, and some 10 bytes a point.

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
    indices: list[int] = []
    gains: list[float] = []
    with torch.no_grad(), no_autocast(pool_ND):
        check_squares(pool_ND, "pool")
        check_squares(centers_LD, "centres")
        bad = (~((weights_N >= 0) & weights_N.isfinite())).nonzero().flatten().tolist()
        if bad:
            raise NonFiniteScore(len(bad), f"row {bad[0]} of the weights")
        weights_N = weights_N.float()
        open_N = torch.ones(len(pool_ND), dtype=torch.bool, device=pool_ND.device)
        parts = _parts(len(pool_ND), k)
        for number, part in enumerate(parts):
            rows = part.to(pool_ND.device)
            centers = torch.cat([centers_LD, pool_ND[indices].to(centers_LD.dtype)])
            greedy = None  # the kernel of the part before
            greedy = _Greedy(pool_ND[rows], radius, weights_N[rows], centers, len(pool_ND) / len(rows))
            greedy.gains[~open_N[rows]] = PICKED
            for row, gain in greedy.picks(math.ceil((k - len(indices)) / (len(parts) - number))):
                indices.append(int(part[row]))
                gains.append(gain)
            open_N[indices] = False
        indices += open_N.nonzero().flatten()[: k - len(indices)].tolist()
        if len(pool_ND) > WHOLE:
            covered = _gains(pool_ND, weights_N, centers_LD, pool_ND[indices], radius).float()
        else:
            covered = pool_ND.new_zeros(k, dtype=torch.float32)
            covered[: len(gains)] = torch.tensor(gains)
            covered = covered.cummin(0).values if k else covered  # of equal gains the first may be smaller
    return Herd(torch.tensor(indices, dtype=torch.int64, device=pool_ND.device), covered)


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


def _parts(count: int, k: int) -> list[Tensor]:
    """Rows of each part, in the order of the pool: all of a pool of at most ``WHOLE``."""
    if count <= WHOLE:
        return [torch.arange(count)] if k else []
    rng = torch.Generator().manual_seed(0)
    number = min(math.ceil(k / PICKS), math.ceil(count / WHOLE))
    return [torch.randperm(count, generator=rng)[:WHOLE].sort().values for _ in range(number)]


class _Kernel:
    """Eq. 6 between some points and vectors.

    Args:
        points_MD: the points.
        radius: R.
        offset: something near the mean. Distances do not change with it, but it would use up the digits of
            float32.
    """

    def __init__(self, points_MD: Tensor, radius: float, offset: Tensor) -> None:
        self.radius, self.offset = radius, offset
        self.points = self.scaled(points_MD)
        self.norms = self.points.square().sum(1) / 2

    def scaled(self, vectors: Tensor) -> Tensor:
        """In units of the radius, so that the kernel is exp(a.b - |a|^2 / 2 - |b|^2 / 2)."""
        return ((at_least_float32(vectors) - self.offset) / self.radius).float()

    def __call__(self, rows: slice, vectors_BD: Tensor) -> Tensor:
        """Between some of the points and vectors in units of the radius, (rows, B)."""
        own, norms = self.norms[rows, None], vectors_BD.square().sum(1) / 2
        exponent = torch.addmm(norms, self.points[rows], vectors_BD.T, beta=-1).sub_(own).clamp_max_(0)
        # A vector many radii long: its distance to a neighbour is a difference that rounding may decide.
        if len(norms) and len(own) and float(norms.max()) + float(own.max()) > LONG:
            exponent[exponent > -ROUNDING * (own + norms)] = 0
        return exponent.exp_()


class _Greedy:
    """The kernel between the points of a part, what covers them, and what each would cover beyond that.

    Args:
        part_MD: the points.
        radius: R.
        weights_M: their weights.
        centers_LD: what covers to begin with.
        share: points of the pool that a point of the part stands for; a candidate stands for itself alone.
    """

    def __init__(
        self, part_MD: Tensor, radius: float, weights_M: Tensor, centers_LD: Tensor, share: float
    ) -> None:
        kernel = _Kernel(part_MD, radius, at_least_float32(part_MD).mean(0))
        self.weights, self.doubled = weights_M, 1 - 1 / share
        self.cover = torch.zeros_like(kernel.norms)
        for some in _blocks(len(centers_LD)):
            vectors = kernel.scaled(centers_LD[some])
            for rows in _blocks(len(part_MD)):
                self.cover[rows] = torch.maximum(self.cover[rows], kernel(rows, vectors).amax(1))
        self.between = self.cover.new_empty(len(part_MD), len(part_MD))
        for rows in _blocks(len(part_MD)):
            for columns in _blocks(len(part_MD), rows.start):
                block = kernel(rows, kernel.points[columns])
                self.between[rows, columns] = block
                self.between[columns, rows] = block.T
        self.gains = torch.zeros_like(self.cover, dtype=torch.float64)
        self.drift, self.changed = (
            torch.zeros_like(self.gains),
            torch.zeros_like(self.gains, dtype=torch.bool),
        )
        self.sum_anew(torch.arange(len(part_MD), device=part_MD.device))

    def sum_anew(self, points: Tensor) -> None:
        """Gains of some points from their kernels: max(0, k - cover), without what is rounding alone."""
        covered = self.cover * (1 + ROUNDING)
        for rows in points.split(ROWS):
            self.gains[rows] = ((self.between[rows] - covered).clamp_min_(0) @ self.weights).double()
        self.drift[points], self.changed[points] = DRIFT * self.gains[points], False

    def picks(self, k: int) -> Iterator[tuple[int, float]]:
        """At most k picks and their gains, while there is anything to cover."""
        for _ in range(min(k, len(self.cover))):
            index, gain = self.leader()
            if gain <= 0:
                return
            yield index, gain
            self.add(index)

    def leader(self) -> tuple[int, float]:
        """The point with the largest gain, of equal ones the first, and its gain."""
        while True:
            gains = self.gains - self.doubled * self.weights * (1 - self.cover).clamp_min(0)
            best = float(gains.max())
            near = (gains + self.drift >= best * (1 - TIE)).nonzero().flatten()
            vague = near[self.changed[near] & (self.drift[near] > TIE * best)]
            if not len(vague):
                first = int((gains >= best * (1 - TIE)).nonzero()[0])
                return first, float(gains[first])
            self.sum_anew(vague)

    def add(self, index: int) -> None:
        """Make a point a centre, and take off what that leaves the others to cover."""
        new = self.between[index]
        changed = (new > self.cover).nonzero().flatten()
        self.changed[:] = True
        for rows in changed.split(ROWS):
            before = (self.cover[rows] * (1 + ROUNDING))[:, None]
            after = (new[rows] * (1 + ROUNDING))[:, None]
            lost = self.between[rows].clamp_(before, after).sub_(before)
            self.gains -= self.weights[rows] @ lost
        self.cover[changed] = new[changed]
        self.gains[index], self.drift[index] = PICKED, 0


def _gains(pool_ND: Tensor, weights_N: Tensor, centers_LD: Tensor, picks_KD: Tensor, radius: float) -> Tensor:
    """What each pick covers of a whole pool beyond the centres and the picks before it, (K,) float64."""
    L, offset = len(centers_LD), at_least_float32(pool_ND).mean(0)
    kernel = _Kernel(torch.cat([centers_LD, picks_KD.to(centers_LD)]), radius, offset)
    gains = torch.zeros(len(picks_KD), dtype=torch.float64, device=pool_ND.device)
    for columns in _blocks(len(pool_ND)):
        cover = kernel(slice(None), kernel.scaled(pool_ND[columns])).cummax(0).values
        gains += (cover.diff(dim=0, prepend=torch.zeros_like(cover[:1]))[L:] @ weights_N[columns]).double()
    return gains


def _blocks(count: int, start: int = 0) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK, count)) for first in range(start, count, BLOCK))

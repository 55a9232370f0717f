"""Greedy herding: cover the most mass of a pool under the kernel of Eq. 6.

Each pick is the point whose neighbourhood holds the most weight that nothing labelled or picked covers yet:

    gain(x) = sum_x' u(x') max(0, k(x', x) - cover(x')),      k(a, b) = exp(-|a - b|^2 / (2 R^2)),

cover(x') being the largest kernel between x' and a labelled or picked point. Done plainly, a pick compares
every point with every other. But a pick changes the cover of those points alone that are nearer to it than
to all before: most of the pool at first, then fewer and fewer, N log k in all for k picks. So gains are kept,
and of each what it lost at these points is taken off,

    u(x') (min(max(k(x', x), old cover), new cover) - old cover).

Up to 10,000 points this is done with the kernel of the whole pool in memory, and is exact. In a larger
pool random parts propose, and what leads in them is judged by all or many points
(:mod:`ncenet.functional.herding_parts`). Where many are picked, that serves for the first of them, and then
the pairs of points that still matter are few enough to be kept (:mod:`ncenet.functional.herding_pairs`). Both
say what is guaranteed.

Source: MaxHerding (Bae, Noh and Sutherland, Generalized Coverage for More Robust Low-Budget Active Learning,
ECCV 2024, arXiv:2407.12212) for u = 1; with weights, UHerding (Bae, Oliveira and Sutherland, Uncertainty
Herding, ICLR 2025, arXiv:2412.20644). What is taken off the gains, the parts and the pairs are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ncenet.errors import NonFiniteScore
from ncenet.functional._precision import at_least_float32, check_squares, middle, no_autocast
from ncenet.functional.covering import GreedyCover, HerdSizes
from ncenet.functional.herding_pairs import by_pairs
from ncenet.functional.herding_parts import in_parts

SPREAD = 1000
"""Points whose distances tell the typical one (ours)."""


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
    turns: Sequence[int] | None = None,
    sizes: HerdSizes | None = None,
) -> Herd:
    """Pick k points, each the one that covers the most weight not covered yet.

    Exact up to 10,000 points; above, as :mod:`ncenet.functional.herding_parts` and
    :mod:`ncenet.functional.herding_pairs` say. What is drawn for that is the same each time. Where at most
    10,000 points of a larger pool have a weight, picks are made among these, and exactly.

    Time: half a kernel of at most 10,000 points and about ln k passes over it, for each part; for many
    picks half a kernel of each 50,000 points, about. Memory above the arguments: that kernel, at most 400 MB,
    and of larger pools 50,000 points and 32 rows of their kernel, or pairs, some 500 MB.

    Args:
        pool_ND: (N, D) features of the pool.
        k: how many to pick, in [0, N].
        radius: R of the kernel, positive.
        weights_N: (N,) u, at least 0; 1 by default.
        centers_LD: (L, D) features of the labelled set, which covers to begin with.
        turns: all N rows in the order in which they are taken where gains are equal, as all are once all is
            covered. Default: that of the pool.
        sizes: how much is done at a time, for machines with more memory or less.

    Returns:
        The picks.

    Raises:
        ValueError: the shapes do not match, the pool has fewer than k points, the radius isn't positive, or
            weights or distances in radii are too large for float32.
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
        raise ValueError(f"a radius is positive and finite, got {radius}")
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
        if len(weights_N) and len(weights_N) * float(weights_N.max()) > torch.finfo(torch.float32).max:
            raise ValueError(f"weights up to {float(weights_N.max()):g} overflow float32 when summed")
        weights_N = weights_N.float()
        sizes = sizes or HerdSizes()
        order = torch.arange(len(pool_ND)) if turns is None else torch.as_tensor(turns, dtype=torch.int64)
        order = order.to(pool_ND.device)
        if not k or not bool(weights_N.any()):  # then there is nothing to cover
            indices, gains = [], []
        elif len(pool_ND) <= sizes.whole or int((weights_N > 0).sum()) <= sizes.whole:
            # So few of a larger pool might be in no part that is drawn.
            rows = order if len(pool_ND) <= sizes.whole else order[weights_N[order] > 0]
            among, gains = _exactly(pool_ND[rows], k, radius, weights_N[rows], centers_LD, sizes)
            indices = rows[among].tolist()
        else:
            way = in_parts if k * sizes.many < len(pool_ND) else by_pairs
            indices, gains = way(pool_ND, k, radius, weights_N, centers_LD, order.argsort(), sizes)
        open_N = torch.ones(len(pool_ND), dtype=torch.bool, device=pool_ND.device)
        open_N[indices] = False
        rest = order[open_N[order]][: k - len(indices)].tolist()
    return Herd(
        torch.tensor(indices + rest, dtype=torch.int64, device=pool_ND.device),
        torch.tensor(gains + [0.0] * len(rest), dtype=torch.float32, device=pool_ND.device),
    )


def typical_distance(points_ND: Tensor) -> float:
    """Median distance between two points that differ, of at most 1,000 evenly spread: a width is told in it.

    Args:
        points_ND: (N, D), finite.

    Returns:
        Above 0; 1 where all points coincide, which any width covers alike.

    Raises:
        NonFiniteScore: a point is nan, inf or too large to be squared.

    >>> typical_distance(torch.tensor([[0.0], [3.0], [4.0]]))
    3.0
    """
    points = at_least_float32(points_ND[:: max(1, -(-len(points_ND) // SPREAD))])
    check_squares(points, "points")
    with torch.no_grad(), no_autocast(points):
        distances = torch.pdist(points - middle(points))
    apart = distances[distances > 0]  # a pool may hold one image many times
    return float(apart.median()) if len(apart) else 1.0


def _exactly(
    pool_ND: Tensor, k: int, radius: float, weights_N: Tensor, centers_LD: Tensor, sizes: HerdSizes
) -> tuple[list[int], list[float]]:
    """At most k picks from a whole pool, while there is anything to cover, and their gains."""
    greedy = GreedyCover(pool_ND, radius, weights_N, centers_LD, sizes)
    indices: list[int] = []
    gains: list[float] = []
    while len(indices) < min(k, len(pool_ND)):
        index, gain = greedy.leader()
        if gain <= 0:
            break
        indices.append(index)
        gains.append(min([gain, *gains[-1:]]))  # of equal gains the first may be the smaller
        greedy.add(index)
    return indices, gains

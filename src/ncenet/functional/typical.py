"""Typical images (TypiClust, Hacohen et al. 2022): one from the middle of each place that has no label yet.

Works on plain feature vectors: it needs no model and no labels, and so can make the first query of all.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ncenet.functional._precision import at_least_float32, check_squares, middle, no_autocast
from ncenet.functional.clusters import k_means

NEIGHBORS = 20
"""Nearest neighbours that typicality looks at (the paper)."""
MAX_CLUSTERS = 500
"""Most clusters (the paper)."""
SMALL_CLUSTER = 5
"""Clusters of fewer points come last (ours); the authors' program leaves out those of 5 or fewer."""
LEAST_DISTANCE = 1e-5
"""Mean distances below this part of how far a point usually is from the middle of all count as this much, so
that the typicality of duplicates is finite (ours)."""

ROWS = 1024
"""Points whose distances to all others are in memory at a time (ours)."""
ROUNDING = 1e-6
"""A squared distance below this part of the two squared norms is rounding, and counts as 0 (ours)."""


class Typical(NamedTuple):
    """What :func:`typical_images` chose, in the order in which it chose.

    Attributes:
        rows: (k,) rows, int64, distinct.
        scores: (k,) float32, their typicality, at least 0.
    """

    rows: Tensor
    scores: Tensor


def typicality(points_ND: Tensor, neighbors: int = NEIGHBORS, *, block: int = ROWS) -> Tensor:
    """One over the mean distance of each point to its nearest neighbours: a density.

    Memory above the argument: 1024 N distances.

    Args:
        points_ND: (N, D), finite.
        neighbors: how many, or all N - 1 others when there are fewer.
        block: points whose distances to all others are in memory at a time.

    Returns:
        (N,) float32, at least 0; 0 for a point that has no neighbour at all.

    >>> typicality(torch.tensor([[0.0], [1.0], [3.0]]), neighbors=2)
    tensor([0.5000, 0.6667, 0.4000])
    """
    N = len(points_ND)
    if N < 2:
        return torch.zeros(N)
    with torch.no_grad(), no_autocast(points_ND):
        points = (at_least_float32(points_ND) - middle(points_ND)).float()
        norms = points.square().sum(1)
        means = []
        for start in range(0, N, block):
            rows = points[start : start + block]
            scale = norms[start : start + block, None] + norms
            squared = torch.addmm(scale, rows, points.T, alpha=-2)
            squared = squared.masked_fill_(squared < ROUNDING * scale, 0)
            squared.diagonal(start).fill_(torch.inf)  # nobody is a neighbour of itself
            nearest = squared.topk(min(neighbors, N - 1), largest=False).values
            means.append(nearest.sqrt().mean(1))
    away = norms[norms > 0]
    usual = float(away.median().sqrt()) if len(away) else 1.0  # any will do where all points coincide
    return 1 / torch.cat(means).clamp_min(LEAST_DISTANCE * usual)


def typical_images(
    features_ND: Tensor,
    labeled_rows: Sequence[int],
    query_size: int,
    *,
    rng: Generator,
    neighbors: int = NEIGHBORS,
    max_clusters: int = MAX_CLUSTERS,
) -> Typical:
    """Choose images that are typical of clusters in which little is labelled.

    All images are clustered into as many clusters as will be labelled, at most ``max_clusters``. Then, again
    and again, the most typical image is taken of the cluster in which fewest images are labelled or taken;
    of the larger cluster among equals.

    Args:
        features_ND: (N, D) features of all images, with and without labels.
        labeled_rows: which of them have labels; may be empty.
        query_size: how many to choose, at least 1; fewer come when fewer are left.
        rng: where the seed of the clustering comes from, and lots among images that are equally typical.
        neighbors: nearest neighbours, within its cluster, that the typicality of an image looks at.
        max_clusters: most clusters, at least 1.

    Returns:
        Rows without a label, and their typicality.

    Raises:
        ValueError: ``query_size`` or ``max_clusters`` is below 1.
        NonFiniteScore: a feature is nan, inf or too large to be squared in float32.

    >>> places = torch.tensor([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]])
    >>> typical_images(places, [0], 1, rng=torch.Generator().manual_seed(0)).rows
    tensor([4])
    """
    if min(query_size, max_clusters) < 1:
        raise ValueError(f"query_size and max_clusters must be >= 1, got {min(query_size, max_clusters)}")
    check_squares(features_ND, "features")
    labeled = set(labeled_rows)
    rows: list[int] = []
    scores: list[float] = []
    count = min(query_size, len(features_ND) - len(labeled))
    if count == 0:
        return Typical(torch.empty(0, dtype=torch.int64), torch.empty(0))
    k = min(len(labeled) + query_size, max_clusters, len(features_ND))
    clusters = k_means(features_ND, k, rng=rng)
    members = [(clusters == cluster).nonzero().flatten() for cluster in range(k)]
    covered = [sum(row in labeled for row in of_cluster.tolist()) for of_cluster in members]
    left = [len(of_cluster) - done for of_cluster, done in zip(members, covered, strict=True)]
    lots = torch.randperm(len(features_ND), generator=rng.clone_state()).tolist()
    copied = _copies(features_ND, labeled, lots)
    fresh = [left[c] - sum(row in copied for row in members[c].tolist()) for c in range(k)]
    waiting: dict[int, list[tuple[bool, float, int, int]]] = {}
    while len(rows) < count:
        cluster = min(
            (cluster for cluster in range(k) if left[cluster]),
            key=lambda c: (fresh[c] <= 0, len(members[c]) < SMALL_CLUSTER, covered[c], -len(members[c]), c),
        )
        if cluster not in waiting:  # the most typical last, copies first
            typical = typicality(features_ND[members[cluster]], neighbors).tolist()
            ranked = zip(typical, members[cluster].tolist(), strict=True)
            waiting[cluster] = sorted(
                (row not in copied, score, lots[row], row) for score, row in ranked if row not in labeled
            )
        _, score, _, row = waiting[cluster].pop()
        rows.append(row)
        scores.append(score)
        covered[cluster] += 1
        left[cluster] -= 1
        fresh[cluster] -= 1
    return Typical(torch.tensor(rows), torch.tensor(scores))


def _copies(features_ND: Tensor, labeled: Set[int], order: Sequence[int]) -> set[int]:
    """Rows without a label whose features are those of a labelled row, or of one before it in an order."""
    vectors = at_least_float32(features_ND.detach()).cpu().numpy()
    seen = {hash(vectors[row].tobytes()) for row in labeled}
    found = set()
    for row in order:
        if row not in labeled:
            if (vector := hash(vectors[row].tobytes())) in seen:
                found.add(row)
            seen.add(vector)
    return found

"""Different images among the best: near copies count once, and a query is spread over what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ncenet.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Generator

Diversify: TypeAlias = Literal["none", "herding", "kmeans", "kcenter", "badge"]
FACTOR = 5
"""A query is spread over so many times its size (ours)."""
ITERATIONS = 10
"""Rounds of k-means: what moves after so many hardly changes which images are taken (ours)."""
_ROWS = 2048


def without_copies(vectors_MD: npt.NDArray[np.float32], threshold: float) -> list[int]:
    """Rows that are no near copy of a row before them.

    Args:
        vectors_MD: embeddings, the best image first.
        threshold: cosine distance in (0, 2] below which two images are copies.

    >>> without_copies(np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]], np.float32), 0.05)
    [0, 2]
    """
    import torch

    vectors = torch.tensor(vectors_MD)
    largest = vectors.abs().amax(1, keepdim=True)  # of which the square may leave single precision
    vectors = torch.where(largest > 0, vectors / largest, vectors)
    vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1)
    kept: list[int] = []
    alike = 1 - threshold
    for start in range(0, len(vectors), _ROWS):
        block = vectors[start : start + _ROWS]
        new = torch.ones(len(block), dtype=torch.bool)
        for first in range(0, len(kept), 4 * _ROWS):
            others = vectors[kept[first : first + 4 * _ROWS]]
            new &= (block @ others.T).amax(1) <= alike
        near = ((block @ block.T) > alike).numpy()
        fresh = new.numpy()
        for row in range(len(block)):
            if fresh[row]:
                kept.append(start + row)
                fresh[row + 1 :] &= ~near[row, row + 1 :]
    return kept


def spread(
    how: Diversify,
    vectors_MD: npt.NDArray[np.float32],
    scores: Sequence[float],
    query_size: int,
    *,
    rng: Generator,
    probs_MC: npt.NDArray[np.float32] | None = None,
) -> list[int]:
    """Rows of a query among M candidates, the highest score first.

    ``"herding"`` takes those that speak for most of the others, each by its rank among the scores;
    ``"kmeans"`` the best of each cluster; ``"kcenter"`` the farthest from those before; ``"badge"`` draws
    large and different gradients.

    Args:
        how: the way.
        vectors_MD: embeddings, the best image first.
        scores: parallel to them; they do not increase.
        query_size: how many.
        rng: for what is drawn.
        probs_MC: likelihoods, for ``"badge"``.
    """
    import torch

    from ncenet.functional.herding import herd, typical_distance
    from ncenet.functional.kcenter import k_centers
    from ncenet.functional.kmeanspp import k_means_seeds
    from ncenet.strategies.cover import WIDTH
    from ncenet.strategies.diverse import by_rank

    if query_size >= len(vectors_MD) or how == "none":
        return list(range(min(query_size, len(vectors_MD))))
    vectors = torch.tensor(vectors_MD)
    if how == "herding":
        weights = by_rank(scores).float()
        rows = herd(vectors, query_size, WIDTH * typical_distance(vectors), weights_N=weights).indices
    elif how == "kcenter":
        rows = k_centers(vectors, query_size).indices
    elif how == "badge":
        from ncenet.strategies.badge import residual

        if probs_MC is None:
            raise UsageError("`diversify=badge` needs likelihoods of the classes beside embeddings")
        rows = k_means_seeds(residual(torch.tensor(probs_MC)), vectors, query_size, rng=rng)
    else:
        return _best_of_clusters(vectors_MD, scores, query_size, rng)
    return sorted(rows.tolist())


def _best_of_clusters(
    vectors_MD: npt.NDArray[np.float32], scores: Sequence[float], query_size: int, rng: Generator
) -> list[int]:
    """The best image of each cluster: few rounds of k-means, begun at points drawn by k-means++."""
    import torch

    from ncenet.functional.clusters import first_of_each
    from ncenet.functional.kmeanspp import k_means_seeds
    from ncenet.strategies.diverse import by_rank

    vectors = torch.tensor(vectors_MD)
    weights = by_rank(scores).float()
    ones = torch.ones(len(vectors), 1)
    centers = vectors[k_means_seeds(ones, vectors, query_size, rng=rng)]
    groups = torch.zeros(len(vectors), dtype=torch.int64)
    for _ in range(ITERATIONS):
        before = groups
        halves = centers.square().sum(1) / 2
        groups = torch.cat([(part @ centers.T - halves).argmax(1) for part in vectors.split(_ROWS)])
        if torch.equal(groups, before):
            break
        mass = torch.zeros(query_size).index_add_(0, groups, weights)
        sums = torch.zeros_like(centers).index_add_(0, groups, vectors * weights[:, None])
        filled = mass > 0
        centers[filled] = sums[filled] / mass[filled, None]
    return first_of_each(groups, query_size)

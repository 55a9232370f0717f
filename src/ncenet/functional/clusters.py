"""k-means: points into clusters, by scikit-learn, with a seed from one of our streams."""

from __future__ import annotations

import warnings

import torch
from torch import Generator, Tensor

from ncenet.functional._precision import at_least_float32

ITERATIONS = 100
"""Most rounds of Lloyd's algorithm: what moves after so many hardly changes who is with whom (ours)."""


def k_means(points_ND: Tensor, k: int, *, rng: Generator, weights_N: Tensor | None = None) -> Tensor:
    """Cluster points by (weighted) k-means: Lloyd's algorithm after one k-means++ seeding.

    Args:
        points_ND: (N, D), finite.
        k: clusters, in [1, N].
        rng: where the seed of scikit-learn's generator comes from.
        weights_N: (N,), positive; how much each point pulls its centre. Default: all the same.

    Returns:
        (N,) int64, the number of each point's cluster in [0, k). Fewer than k clusters have members when
        fewer than k points are distinct.

    >>> points = torch.tensor([[0.0], [10.0], [0.5], [10.5]])
    >>> groups = k_means(points, 2, rng=torch.Generator().manual_seed(0))
    >>> bool(groups[0] == groups[2] != groups[1] == groups[3])
    True
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    seed = int(torch.randint(2**31 - 1, (), generator=rng))
    points = at_least_float32(points_ND.detach()).cpu().numpy()
    weights = None if weights_N is None else weights_N.double().cpu().numpy()
    model = KMeans(k, n_init=1, max_iter=ITERATIONS, random_state=seed)
    # scikit-learn adds what its threads have summed in the order in which they end: another one, other bits.
    with threadpool_limits(1, user_api="openmp"), warnings.catch_warnings():
        # Fewer distinct points than clusters: said in the docstring, and no reason to warn whoever queries.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return torch.from_numpy(model.fit(points, sample_weight=weights).labels_).long()


def first_of_each(clusters_N: Tensor, k: int) -> list[int]:
    """Rows of the first point of each cluster; where these are fewer than k, others from the front as well.

    Args:
        clusters_N: (N,) the number of each point's cluster, at most k of them; the points best first.
        k: how many, in [0, N].

    Returns:
        k rows, ascending.

    >>> first_of_each(torch.tensor([1, 1, 0, 1]), 3)
    [0, 1, 2]
    """
    first: dict[int, int] = {}
    for row, cluster in enumerate(clusters_N.tolist()):
        first.setdefault(cluster, row)
    rows = set(first.values())
    others = [row for row in range(len(clusters_N)) if row not in rows]
    return sorted([*rows, *others[: k - len(rows)]])

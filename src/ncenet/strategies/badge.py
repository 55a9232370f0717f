"""BADGE: a batch of large and different gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import GatheredRows, checked_features, checked_probs
from ncenet.strategies.score import normalized
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor


@strategies.register("badge")
class Badge(QueryStrategy):
    """Images whose labels would pull the classifier hard, and in different directions.

    Each image stands for the gradient that it would give the last layer if its likeliest class were its
    label; k-means++ seeding draws the batch among them. The score is the squared length of the gradient.

    Source: Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds, ICLR 2020.
    Cost: one prediction an image, features and likelihoods (N, D + C) in float32, and a fast exact seeding.
    When: the query is large; both uncertainty and diversity count, and nothing is to be tuned.
    """

    needs: frozenset[str] = frozenset({"probs", "features"})
    requires: frozenset[str] = frozenset({"classes"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the longest gradient first, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood or a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features, or are those of a detector.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.kmeanspp import k_means_seeds
        from ncenet.functional.topk import TopK

        best = TopK(query_size, rng)
        # Sorted: a number that is drawn stands for the same image, whatever the order of the pool.
        ids = sorted(view.ids)
        if not ids:
            return Query((), ())
        residuals, features = GatheredRows(ids), GatheredRows(ids)
        for prediction in view.predictions():
            features.fill(prediction.ids, checked_features(prediction, "badge"))
            residuals.fill(prediction.ids, residual(checked_probs(prediction, "badge")))
        rows = k_means_seeds(residuals.rows, features.rows, min(query_size, len(ids)), rng=rng)
        length = residuals.rows[rows].square().sum(1) * features.rows[rows].square().sum(1)
        best.push([ids[row] for row in rows.tolist()], length)
        return best.query()


def residual(probs: Tensor) -> Tensor:
    """Gradient of the cross entropy by the logits, were the likeliest class the label: p - onehot(argmax p).

    Its product with the feature, (C, D), is the gradient by the weights of a linear layer.

    Args:
        probs: (N, C) in [0, 1]; rows of an NCE head are normalised first.

    Returns:
        (N, C) in float32 (float64 stays), rows that sum to zero.

    >>> import torch
    >>> residual(torch.tensor([[0.25, 0.75]]))
    tensor([[ 0.2500, -0.2500]])
    """
    import torch

    probs = normalized(probs)
    likeliest = probs.argmax(-1, keepdim=True)
    return probs.scatter_add(-1, likeliest, torch.full_like(likeliest, -1, dtype=probs.dtype))

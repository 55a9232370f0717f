"""Diverse batches for any score: spread the query over the best of the pool instead of taking its top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ncenet.strategies.cover import WIDTH
from ncenet.strategies.gather import checked_features, gather_features
from ncenet.types import PoolView, Prediction, Query

if TYPE_CHECKING:
    from torch import Generator, Tensor

Scored: TypeAlias = "Iterable[tuple[Prediction, Tensor]]"
"""Predictions on the pool, chunk by chunk, and the scores (N,) of the images of each."""


@dataclass(frozen=True)
class SpreadQuery:
    """A query that is spread over the m images with the highest scores.

    ``"kmeans"`` clusters the features of the m images, weighted by rank, and takes the image with the highest
    score of each cluster; so the best image of the pool is always in the query. ``"kcenter"`` takes, again
    and again, the one of the m that is farthest from the labelled set and from what was taken. ``"herding"``
    takes the one that covers most of the m, weighted by rank, that nothing labelled or taken covers. The
    scores of the query are the strategy's own.

    Memory: features of at most 2 m images.

    Source: Zhdanov, Diverse mini-batch Active Learning, arXiv:1901.05954, 2019, for ``"kmeans"``; weights by
    rank and the best of a cluster are ours.

    Attributes:
        how: ``"kmeans"``, ``"kcenter"`` or ``"herding"``.
        factor: m is this many times the query size.
    """

    how: Literal["kmeans", "kcenter", "herding"]
    factor: int

    def query(self, scored: Scored, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images, the highest score first, or the whole pool when it is smaller.

        Args:
            scored: the whole pool, see :data:`Scored`; read once.
            view: the labelled set is looked at again.
            query_size: how many.
            rng: seeds k-means, and draws among equal scores.

        Raises:
            NonFiniteScore: a score or a feature is nan or inf.
            UsageError: the predictions carry no features.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.clusters import first_of_each, k_means
        from ncenet.functional.herding import herd, typical_distance
        from ncenet.functional.kcenter import k_centers

        top, features_MD = _top(scored, query_size * self.factor, rng)
        if len(top) <= query_size:
            return top
        if self.how == "kmeans":
            clusters = k_means(features_MD, query_size, rng=rng, weights_N=by_rank(top.scores))
            # Where images coincide there are fewer clusters than asked for: the best of the others are added.
            rows = first_of_each(clusters, query_size)
        else:
            labeled_LD = None
            if view.labeled_ids:
                labeled_LD = gather_features(view.labeled_predictions(), view.labeled_ids, "diversify")
            if self.how == "kcenter":
                rows = k_centers(features_MD, query_size, labeled_LD).indices.tolist()
            else:
                radius = WIDTH * typical_distance(features_MD)
                weights = by_rank(top.scores).float()
                herded = herd(features_MD, query_size, radius, weights_N=weights, centers_LD=labeled_LD)
                rows = herded.indices.tolist()
        rows = sorted(rows)  # rows of the top stand in the order of the scores
        return Query(tuple(top.ids[row] for row in rows), tuple(top.scores[row] for row in rows))


def _top(scored: Scored, m: int, rng: Generator) -> tuple[Query, Tensor]:
    """The m images with the highest scores, best first, and their features (m, D)."""
    import torch

    from ncenet.functional.topk import TopK

    best = TopK(m, rng)
    kept: dict[str, Tensor] = {}
    for prediction, scores in scored:
        best.push(prediction.ids, scores)
        features = checked_features(prediction, "diversify")
        for row in (scores >= best.floor).nonzero().flatten().tolist():
            kept[prediction.ids[row]] = features[row].float().clone()  # a view would keep the chunk alive
        if len(kept) > 2 * m:
            kept = {image: kept[image] for image in best.query().ids}
    top = best.query()
    return top, torch.stack([kept[image] for image in top.ids]) if top.ids else torch.empty(0, 0)


def by_rank(scores: Sequence[float]) -> Tensor:
    """Weights in (0, 1], float64: by rank, as scores differ in scale and sign; equal ones weigh the same."""
    import torch
    from scipy.stats import rankdata

    return torch.from_numpy(rankdata(scores)) / len(scores)

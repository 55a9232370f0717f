"""Core-set: images that cover the pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Generator, Tensor

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.functional.kcenter import k_centers
from ncenet.strategies import strategies
from ncenet.types import PoolView, Prediction, Query


@strategies.register("core-set")
class CoreSet:
    """Images that are farthest from all labelled ones, and from one another (greedy k-centre).

    The score is the squared distance, when the image is picked, to the nearest labelled or picked one.

    Source: Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach,
    ICLR 2018; the greedy variant.
    Cost: one prediction an image, features (N, D) in float32, and an exact but lazy k-centre.
    When: the query is large, so that ranking alone would pick near-duplicates; outliers attract it.
    """

    needs: frozenset[str] = frozenset({"features"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features.
            ValueError: ``query_size`` is below 1.
        """
        if query_size < 1:
            raise ValueError(f"query_size must be >= 1, got {query_size}")
        # Sorted: among equally far images the smaller id wins, whatever the order of the pool.
        ids = sorted(view.ids)
        if not ids:
            return Query((), ())
        pool_ND = _gather(view.predictions(), ids)
        centers_LD = _gather(view.labeled_predictions(), view.labeled_ids) if view.labeled_ids else None
        picked = k_centers(pool_ND, min(query_size, len(ids)), centers_LD)
        return Query(
            tuple(ids[row] for row in picked.indices.tolist()), tuple(picked.squared_distances.tolist())
        )


def _gather(predictions: Iterable[Prediction], ids: Sequence[str]) -> Tensor:
    """Features (N, D) in float32 on the CPU, rows in the order of ``ids``."""
    row_of = {image: row for row, image in enumerate(ids)}
    table = torch.empty(0)
    for prediction in predictions:
        features = prediction.features
        if features is None:
            raise UsageError("core-set needs features, and this learner predicts none")
        if not len(table):
            # Filled in place: concatenating the chunks would hold all features twice. A row that is never
            # filled stays nan, and k-centre refuses it.
            table = torch.full((len(ids), features.shape[1]), torch.nan)
        bad = (~features.float().square().sum(1).isfinite()).nonzero().flatten().tolist()
        if bad:
            raise NonFiniteScore(len(bad), prediction.ids[bad[0]])
        table[[row_of[image] for image in prediction.ids]] = features.to(table)
    return table

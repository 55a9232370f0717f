"""Core-set: images that cover the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import by_lot, gather_features
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator


@strategies.register("core-set")
class CoreSet(QueryStrategy):
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
        from ncenet.functional.kcenter import k_centers

        if query_size < 1:
            raise ValueError(f"query_size must be >= 1, got {query_size}")
        ids = by_lot(view.ids, rng)  # among images that are equally far the first is taken
        if not ids:
            return Query((), ())
        pool_ND = gather_features(view.predictions(), ids, "core-set")
        centers_LD = None
        if view.labeled_ids:
            centers_LD = gather_features(view.labeled_predictions(), view.labeled_ids, "core-set")
        picked = k_centers(pool_ND, min(query_size, len(ids)), centers_LD)
        return Query(
            tuple(ids[row] for row in picked.indices.tolist()), tuple(picked.squared_distances.tolist())
        )

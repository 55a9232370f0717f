"""TypiClust: typical images of what is not labelled yet, for the start."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import gather_features
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator


@strategies.register("typiclust")
class TypiClust(QueryStrategy):
    """Images that are typical of clusters in which little is labelled.

    The score is the typicality: one over the mean distance to the nearest neighbours in the cluster.

    Source: Hacohen, Dekel and Weinshall, Active Learning on a Budget: Opposite Strategies Suit High and Low
    Budgets, ICML 2022.
    Cost: one prediction an image, labelled ones too, features (N, D) in float32, and k-means over them.
    When: few labels, and features that mean something without them: pretrained or self-supervised ones.
    """

    needs: frozenset[str] = frozenset({"features"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the most typical first, or all when there are fewer.

        Raises:
            NonFiniteScore: a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.topk import TopK
        from ncenet.functional.typical import typical_images

        best = TopK(query_size, rng)
        # Sorted: the clustering starts from the same images, whatever the order of pool and labels.
        pool, labeled = sorted(view.ids), sorted(view.labeled_ids)
        if not pool:
            return Query((), ())
        predictions = view.predictions()
        if labeled:
            predictions = chain(predictions, view.labeled_predictions())
        ids = pool + labeled
        features_ND = gather_features(predictions, ids, "typiclust")
        chosen = typical_images(features_ND, range(len(pool), len(ids)), query_size, rng=rng)
        best.push([ids[row] for row in chosen.rows.tolist()], chosen.scores)
        return best.query()

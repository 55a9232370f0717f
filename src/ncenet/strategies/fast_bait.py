"""Fast BAIT: the batch that tells the most about the last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import GatheredRows, by_lot, checked_features, checked_probs
from ncenet.strategies.score import normalized
from ncenet.types import PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor


@strategies.register("fast-bait")
class FastBait(QueryStrategy):
    """Images that together say the most about the last layer, where the pool asks for it.

    Every image counts as a coin, its likeliest class against all others, which makes its Fisher information
    of rank one. The score is by how much the image lowered what the pool leaves unknown when it was taken.

    Source: Huseljic et al., Fast Fishing: Approximating BAIT for Efficient and Scalable Deep Active Image
    Classification, ECML PKDD 2024; BAIT is Ash et al.'s, NeurIPS 2021.
    Cost: one prediction an image, features (N, D) in float64, two products of all images with a vector for
    each pick, and a D x D matrix.
    When: a linear head on features; not the first labels.
    """

    needs: frozenset[str] = frozenset({"probs", "features"})
    requires: frozenset[str] = frozenset({"classes"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the largest gain first, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood or a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features, or are those of a detector.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.fisher import RIDGE, fisher_batch
        from ncenet.functional.topk import TopK

        best = TopK(query_size, rng)
        ids, labeled = by_lot(view.ids, rng), sorted(view.labeled_ids)
        if not ids:
            return Query((), ())
        pool, known, squares = GatheredRows(ids), GatheredRows(labeled), GatheredRows(ids)
        for prediction in view.predictions():
            pool.fill(prediction.ids, informative(prediction))
            features = checked_features(prediction, "fast-bait").float()
            squares.fill(prediction.ids, features.square().sum(1, keepdim=True))
        if labeled:
            for prediction in view.labeled_predictions():
                known.fill(prediction.ids, informative(prediction))
        labeled_LD = known.rows if labeled else pool.rows[:0]
        unit = float(squares.rows.median()) or 1.0  # of features without length any will do
        batch = fisher_batch(pool.rows, labeled_LD, min(query_size, len(ids)), ridge=RIDGE * unit)
        best.push([ids[row] for row in batch.rows.tolist()], batch.gains)
        return best.query()


def informative(prediction: Prediction) -> Tensor:
    """Features times sqrt(p (1 - p)), p of the likeliest class: (N, D).

    Raises:
        NonFiniteScore: a likelihood or a feature is nan or inf, or too large to be squared.
        UsageError: there are no features, or the predictions are a detector's.
    """
    p = normalized(checked_probs(prediction, "fast-bait")).amax(1, keepdim=True).float()
    return (p * (1 - p)).clamp_min(0).sqrt() * checked_features(prediction, "fast-bait").float()

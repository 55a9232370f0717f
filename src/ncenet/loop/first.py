"""What is asked before a model can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import Pool, Query

CANDIDATES = 10_000
"""So many images of a larger pool are looked at (ours): half a minute on one core."""


class FirstQueries(Protocol):
    """Chooses until the model can be trusted."""

    def query(self, ids: Sequence[str], labeled_ids: Sequence[str], query_size: int) -> Query:
        """At most ``query_size`` of ``ids``, in view of those that have a label."""


class TypicalImages:
    """TypiClust on features of a model that never learns: typical images that no label covers yet.

    Of a large pool, a random part is looked at; the images with a label are looked at in any case.

    Args:
        pool: where the images are.
        recipe: the run; its backbone makes the features if it is a pretrained one.
        streams: the run's random numbers.
    """

    def __init__(self, pool: Pool, recipe: Recipe, streams: Streams) -> None:
        self._pool, self._recipe, self._streams = pool, recipe, streams

    def query(self, ids: Sequence[str], labeled_ids: Sequence[str], query_size: int) -> Query:
        """See :class:`FirstQueries`."""
        from ncenet.functional.typical import typical_images
        from ncenet.learners.features import frozen_features

        candidates = list(ids)
        if len(candidates) > CANDIDATES:
            order = self._streams.numpy("first", len(labeled_ids)).permutation(len(candidates))
            candidates = [candidates[row] for row in sorted(order[:CANDIDATES])]
        if not candidates:
            return Query((), ())
        looked_at = [*labeled_ids, *candidates]
        rng = self._streams.torch("first", len(labeled_ids))
        features = frozen_features(
            self._pool, looked_at, self._recipe.model, rng=rng, workers=self._recipe.data.workers
        )
        rows, scores = typical_images(features, range(len(labeled_ids)), query_size, rng=rng)
        return Query(tuple(looked_at[row] for row in rows.tolist()), tuple(scores.tolist()))

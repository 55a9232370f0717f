"""What is asked before a model can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import Pool, Query

if TYPE_CHECKING:
    from torch import Generator, Tensor

CANDIDATES = 10_000
"""So many images of a larger pool are looked at (ours), or as many as are asked for: half a minute."""


class FirstQueries(Protocol):
    """Chooses until the model can be trusted."""

    def query(self, ids: Sequence[str], labeled_ids: Sequence[str], query_size: int) -> Query:
        """At most ``query_size`` of ``ids``, in view of those that have a label."""


class TypicalImages:
    """Typical images that no label covers yet, on features of a model that never learns.

    As ``loop.first`` says, those are TypiClust's, or those that cover most of the pool under a Gaussian
    kernel (:func:`ncenet.functional.herding.herd`). Of a large pool, a random part is looked at; the images
    with a label are looked at in any case.

    Args:
        pool: where the images are.
        recipe: the run; its backbone makes the features if it is a pretrained one.
        streams: the run's random numbers.
    """

    def __init__(self, pool: Pool, recipe: Recipe, streams: Streams) -> None:
        self._pool, self._recipe, self._streams = pool, recipe, streams

    def query(self, ids: Sequence[str], labeled_ids: Sequence[str], query_size: int) -> Query:
        """See :class:`FirstQueries`."""
        from ncenet.learners.features import frozen_features

        candidates = list(ids)
        if len(candidates) > (most := max(CANDIDATES, query_size)):
            order = self._streams.numpy("first", len(labeled_ids)).permutation(len(candidates))
            candidates = [candidates[row] for row in sorted(order[:most])]
        if not candidates:
            return Query((), ())
        looked_at = [*labeled_ids, *candidates]
        rng = self._streams.torch("first", len(labeled_ids))
        features = frozen_features(
            self._pool, looked_at, self._recipe.model, rng=rng, workers=self._recipe.data.workers
        )
        known = len(labeled_ids)
        if self._recipe.loop.first == "herding":
            rows, scores = _herded(features, known, query_size, rng)
        else:
            from ncenet.functional.typical import typical_images

            rows, scores = typical_images(features, range(known), query_size, rng=rng)
        return Query(tuple(looked_at[row] for row in rows.tolist()), tuple(scores.tolist()))


def _herded(features_ND: Tensor, known: int, query_size: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Rows that cover most of those behind the first ``known``, which cover already; and how much."""
    import torch

    from ncenet.functional.herding import herd, typical_distance
    from ncenet.nn.principal import PrincipalComponents
    from ncenet.strategies.cover import WIDTH

    features = PrincipalComponents.of(features_ND)(features_ND)
    pool, centers = features[known:], features[:known]
    radius = WIDTH * typical_distance(pool)
    turns = torch.randperm(len(pool), generator=rng).tolist()
    herded = herd(pool, min(query_size, len(pool)), radius, centers_LD=centers, turns=turns)
    return herded.indices + known, herded.gains / len(pool)


def random_query(ids: Sequence[str], query_size: int, streams: Streams) -> Query:
    """The initial set: the same for every strategy and head with the same seed."""
    order = streams.numpy("initial").permutation(len(ids))[:query_size]
    return Query(tuple(ids[i] for i in order), (0.0,) * len(order))

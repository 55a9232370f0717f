"""MaxHerding: the images that speak for the most others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.cover import WIDTH, cover, look_at
from ncenet.strategies.gather import gather_features
from ncenet.strategies.options import WithOptions
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator


@strategies.register("max-herding")
class MaxHerding(WithOptions, QueryStrategy):
    """Images that cover the most of the pool, whatever the classifier thinks of it.

    Each speaks for its neighbours, under a Gaussian kernel between features, as far as no labelled or chosen
    image is nearer. The score is the part of the pool that it covers beyond those before it.

    Source: Bae, Noh and Sutherland, Generalized Coverage for More Robust Low-Budget
    Active Learning, ECCV 2024.
    Cost: one prediction an image, features (N, D) in float32, half a kernel between 10,000 at a time.
    When: few labels, and features that mean something without them; the first query of all.
    """

    needs: frozenset[str] = frozenset({"features"})

    class Options(Section):
        """What may be set."""

        width: float = Field(
            WIDTH,
            gt=0,
            description="Width of the kernel, in median distances between two images of the pool.",
        )

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.herding import typical_distance

        ids = look_at(view.ids, query_size, rng)
        if not ids:
            return Query((), ())
        pool_ND = gather_features(view.predictions(), ids, "max-herding")
        labeled_LD = None
        if view.labeled_ids:
            labeled_LD = gather_features(view.labeled_predictions(), view.labeled_ids, "max-herding")
        radius = self.options.width * typical_distance(pool_ND)
        return cover(ids, pool_ND, pool_ND.new_ones(len(ids)), labeled_LD, query_size, radius=radius, rng=rng)

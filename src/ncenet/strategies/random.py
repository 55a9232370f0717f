"""Random: the baseline that every other strategy has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator


@strategies.register("random")
class Random(QueryStrategy):
    """Images drawn at random, without replacement.

    The score is a uniform number in [0, 1). Numbers go to ids in sorted order, so the draw depends on the
    generator and on which images are in the pool, not on how the pool is ordered.

    Source: the baseline of every study.
    Cost: no prediction at all; N log N to sort the ids.
    When: to compare with, and for the initial set.
    """

    needs: frozenset[str] = frozenset()

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool drawn with ``rng``, or all when there are fewer.

        Raises:
            ValueError: ``query_size`` is below 1.
        """
        import torch

        from ncenet.functional.topk import TopK

        best = TopK(query_size, rng)
        ids = sorted(view.ids)
        # float64: among a million float32 numbers thousands are equal.
        best.push(ids, torch.rand(len(ids), generator=rng, dtype=torch.float64))
        return best.query()

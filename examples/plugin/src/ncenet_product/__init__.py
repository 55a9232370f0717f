"""Rejection times confusion: a query strategy in a package of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ncenet

if TYPE_CHECKING:
    from torch import Generator


class Product(ncenet.parts.QueryStrategy):
    """Images that are rejected and confusing at once: rejection times confusion."""

    needs = frozenset({"probs"})

    def query(self, view: ncenet.parts.PoolView, query_size: int, *, rng: Generator) -> ncenet.Query:
        """The ``query_size`` images of the pool with the largest product, or all when there are fewer."""
        from ncenet.functional import TopK, confusion, rejection

        best = TopK(query_size, rng)
        for prediction in view.predictions():
            best.push(prediction.ids, rejection(prediction.probs) * confusion(prediction.probs))
        return best.query()

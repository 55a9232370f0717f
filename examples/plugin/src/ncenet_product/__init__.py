"""Rejection times confusion: a query strategy in a package of its own."""

from __future__ import annotations

from torch import Generator

from ncenet.functional.scores import confusion, rejection
from ncenet.functional.topk import TopK
from ncenet.types import PoolView, Query


class Product:
    """Images that are rejected and confusing at once: rejection times confusion."""

    needs = frozenset({"probs"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """The ``query_size`` images of the pool with the largest product, or all when there are fewer."""
        best = TopK(query_size)
        for prediction in view.predictions():
            best.push(prediction.ids, rejection(prediction.probs) * confusion(prediction.probs))
        return best.query()

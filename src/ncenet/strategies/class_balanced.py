"""Class-balanced: fill up whatever class there is least of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import GatheredRows, by_lot, check_rows
from ncenet.strategies.score import normalized
from ncenet.types import PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor

SHOWS_NONE = 1e30
"""Minus the score of an image that shows no class of which there is any image: they come last (ours)."""


@strategies.register("class-balanced")
class ClassBalanced(QueryStrategy):
    """Images that are most likely to show the class that is rarest so far.

    A class's count is the sum of its predicted presence over the labelled images and over the batch. Again
    and again, the image in which the class with the smallest count is most present joins the batch. The score
    is minus that count, before the pick. A class that no image shows at all is passed over.

    In detection a class is as present in an image as in the anchor that sees it best.

    Source: ours; the idea of balancing a batch by predicted class is as old as stratified sampling.
    Cost: one prediction an image, a number for each image and class, and a scan of one column for each pick.
    When: some classes are rare, and the network already tells them from the others.
    """

    needs: frozenset[str] = frozenset({"probs"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood is nan or inf.
            ValueError: ``query_size`` is below 1.
        """
        import torch

        if query_size < 1:
            raise ValueError(f"query_size must be >= 1, got {query_size}")
        ids = by_lot(view.ids, rng)  # among images that show a class alike the first is taken
        if not ids:
            return Query((), ())
        table = GatheredRows(ids)
        for prediction in view.predictions():
            table.fill(prediction.ids, _presence(prediction))
        pool_NC = table.rows
        counts_C = torch.zeros(pool_NC.shape[1], dtype=torch.float64)
        if view.labeled_ids:
            for prediction in view.labeled_predictions():
                counts_C += _presence(prediction).double().sum(0)
        free_N = torch.ones(len(ids), dtype=torch.bool)
        picks: list[str] = []
        scores: list[float] = []
        while len(picks) < min(query_size, len(ids)):
            rarest = int(counts_C.argmin())
            row = int(pool_NC[:, rarest].where(free_N, -1.0).argmax())
            if not pool_NC[row, rarest] and counts_C[rarest] < torch.inf:  # without a prototype, say
                counts_C[rarest] = torch.inf
                continue
            free_N[row] = False
            picks.append(ids[row])
            scores.append(0.0 - float(counts_C[rarest].clamp_max(SHOWS_NONE)))
            counts_C += pool_NC[row].double()
        return Query(tuple(picks), tuple(scores))


def _presence(prediction: Prediction) -> Tensor:
    """How much of each class is in each image, (N, C) in [0, 1], float32.

    Raises:
        NonFiniteScore: a likelihood is nan or inf.
    """
    presence = normalized(prediction.probs)
    if presence.dim() == 3:  # anchors; the background, which is last, is no class to be found
        presence = presence[..., :-1].amax(1)
    check_rows(prediction.ids, presence)
    return presence.float()

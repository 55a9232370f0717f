"""Uncertainty Herding: the images that speak for the most uncertain others, as published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.errors import UsageError
from ncenet.strategies import strategies
from ncenet.strategies.cover import cover, look_at
from ncenet.strategies.gather import (
    GatheredRows,
    check_classes,
    checked_features,
    checked_probs,
    gather_features,
)
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor

WIDEST = 1.0
"""Width of the kernel while there are no two labelled images apart (the authors' first one)."""


@strategies.register("uherding")
class UHerding(QueryStrategy):
    """Images that cover the most uncertainty: each speaks for its neighbours.

    An image is uncertain as far as its two likeliest classes are close, under probabilities calibrated by a
    temperature; the kernel is as wide as the two nearest labelled images are apart. The score is the part of
    the pool's uncertainty that the image covers beyond those before it.

    Source: Bae, Oliveira and Sutherland, Uncertainty Herding: One Active Learning Method for All Label
    Budgets, ICLR 2025, arXiv:2412.20644.
    Cost: one prediction an image, features (N, D) in float32, half a kernel between 10,000 at a time, five
    fits of a linear classifier on the labelled images.
    When: features that mean something without labels; any head, and any number of labels.
    """

    needs: frozenset[str] = frozenset({"probs", "features"})
    requires: frozenset[str] = frozenset({"classes"})

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood or a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features, are those of a detector or of one class; or labels
                are missing.
            ValueError: ``query_size`` is below 1.
        """
        import torch

        from ncenet.functional.calibration import find_temperature, out_of_fold, tempered
        from ncenet.functional.scores import margin

        ids = look_at(view.ids, query_size, rng)
        if not ids:
            return Query((), ())
        places, probs = GatheredRows(ids), GatheredRows(ids)
        for prediction in view.predictions():
            check_classes(prediction.probs, "uherding")
            probs.fill(prediction.ids, checked_probs(prediction, "uherding"))
            places.fill(prediction.ids, unit(checked_features(prediction, "uherding")))
        labeled_LD, width, temperature = None, WIDEST, torch.inf
        if view.labeled_ids:
            if not view.labels:
                raise UsageError("uherding calibrates by the labels of the labelled images: give them too")
            # By id, so that the order in which labels arrived changes nothing.
            order = sorted(view.labeled_ids)
            target = dict(zip(view.labeled_ids, view.labels, strict=True))
            labeled_LD = unit(gather_features(view.labeled_predictions(), order, "uherding"))
            width = nearest_pair(labeled_LD) or WIDEST
            said, told = out_of_fold(labeled_LD, torch.tensor([target[image] for image in order]), rng=rng)
            if len(told):
                temperature = find_temperature(said, told, by="error")
        log_probs = probs.rows.clamp_min(torch.finfo(torch.float32).tiny).log()
        uncertainty = (1 + margin(tempered(log_probs, temperature))).clamp(0, 1)
        # The paper's kernel is exp(-d^2 / sigma^2), ours exp(-d^2 / (2 R^2)).
        return cover(ids, places.rows, uncertainty, labeled_LD, query_size, radius=width / 2**0.5, rng=rng)


def unit(vectors: Tensor) -> Tensor:
    """Rows at length 1, (N, D); a row of zeros stays."""
    import torch

    return torch.nn.functional.normalize(vectors.float(), dim=1)


def nearest_pair(points_ND: Tensor) -> float | None:
    """The smallest distance between two points that are apart; None when no two are.

    >>> import torch
    >>> nearest_pair(torch.tensor([[0.0], [3.0], [3.0], [5.0]]))
    2.0
    """
    import torch

    points = points_ND.double()  # in float32, rounding would part points that are the same
    least = torch.inf
    for start in range(0, len(points), 1024):
        distances = torch.cdist(points[start : start + 1024], points)
        apart = distances[distances > 1e-4]
        least = min(least, float(apart.min()) if len(apart) else torch.inf)
    return least if least < torch.inf else None

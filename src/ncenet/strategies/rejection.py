"""Rejection: NCE-Net's first strategy (Eq. 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-5
"""Rows that sum to one within this are probabilities of a softmax (ours)."""


@strategies.register("rejection")
class Rejection(ScoreStrategy):
    """Images that every class rejects: sum over classes of 1 - p (Eq. 8).

    Source: Wan et al., Nearest Neighbor Classifier Embedded Network for Active Learning, AAAI 2021.
    Cost: one prediction an image.
    When: with an NCE head. The paper's "Rejection-" is this strategy with a frozen radius.
    """

    requires: frozenset[str] = frozenset({"nce"})
    alike = (
        "rejection can't tell the images apart, their probabilities sum to one: it needs an NCE head "
        "(with softmax, take margin, entropy or least-confidence)"
    )

    def score(self, prediction: Prediction) -> Tensor:
        """Eq. 8, in [0, C]."""
        from ncenet.functional.scores import rejection

        return rejection(prediction.probs)

    def tells_apart(self, prediction: Prediction) -> bool:
        """Whether a row does not sum to one; if all do, every image has the same score, C - 1."""
        return bool(((prediction.probs.sum(-1) - 1).abs() > ROUNDING).any())

"""Confusion: NCE-Net's second strategy (Eq. 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("confusion")
class Confusion(ScoreStrategy):
    """Images whose classes all come close to the likeliest: sum over classes of 1 + p - max p (Eq. 9).

    Source: Wan et al., Nearest Neighbor Classifier Embedded Network for Active Learning, AAAI 2021.
    Cost: one prediction an image.
    When: with an NCE head. With softmax it ranks like least-confidence. The paper's "Confusion-" is this
    strategy with a frozen radius.
    """

    def score(self, prediction: Prediction) -> Tensor:
        """Eq. 9, in [1, C]."""
        from ncenet.functional.scores import confusion

        return confusion(prediction.probs)

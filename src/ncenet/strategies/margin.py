"""Margin: best against second best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.gather import check_classes
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("margin")
class Margin(ScoreStrategy):
    """Images whose two likeliest classes are closest together.

    Source: Scheffer et al., Active Hidden Markov Models for Information Extraction, IDA 2001; for images
    Joshi et al., Multi-Class Active Learning for Image Classification, CVPR 2009.
    Cost: one prediction an image.
    When: as the rival to beat, with softmax as with an NCE head; it stays useful with many classes.
    """

    def score(self, prediction: Prediction) -> Tensor:
        """Second largest likelihood minus the largest, in [-1, 0]; an NCE head's are taken as they are."""
        from ncenet.functional.scores import margin

        check_classes(prediction.probs, "margin")
        return margin(prediction.probs)

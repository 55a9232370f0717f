"""Entropy: the classical measure of a classifier's uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("entropy")
class Entropy(ScoreStrategy):
    """Images whose class probabilities have the largest entropy.

    Source: Settles and Craven, An Analysis of Active Learning Strategies for Sequence Labeling Tasks,
    EMNLP 2008; for images Joshi et al., Multi-Class Active Learning for Image Classification, CVPR 2009.
    Cost: one prediction an image.
    When: with softmax and few classes. With many classes, unlikely ones dominate the sum: prefer margin.
    """

    def score(self, prediction: Prediction) -> Tensor:
        """In [0, log C] nats; an NCE head's likelihoods are normalised first."""
        from ncenet.functional.scores import entropy

        return entropy(normalized(prediction.probs))

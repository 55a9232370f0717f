"""Least confidence: the likeliest class isn't likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("least-confidence")
class LeastConfidence(ScoreStrategy):
    """Images whose likeliest class is least likely.

    Source: Lewis and Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994.
    Cost: one prediction an image.
    When: as the simplest measure of uncertainty; with an NCE head it finds what lies far from every class.
    """

    def score(self, prediction: Prediction) -> Tensor:
        """1 - max p, in [0, 1]; an NCE head's likelihoods are taken as they are."""
        from ncenet.functional.scores import least_confidence

        return least_confidence(prediction.probs)

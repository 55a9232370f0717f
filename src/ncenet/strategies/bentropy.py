"""BEntropy: entropy for heads whose likelihoods don't sum to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("bentropy")
class BinaryEntropy(ScoreStrategy):
    """Images about which the classes, each asked yes or no, are undecided on average.

    Source: "BEntropy" in Wan et al., Nearest Neighbor Classifier Embedded Network for Active Learning,
    AAAI 2021.
    Cost: one prediction an image.
    When: as the entropy of an NCE head. An image that every class rejects for certain scores 0.
    """

    def score(self, prediction: Prediction) -> Tensor:
        """Mean over the classes of the entropy of "this class or not", in [0, log 2] nats."""
        from ncenet.functional.scores import binary_entropy

        return binary_entropy(prediction.probs)

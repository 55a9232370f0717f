"""Consensus entropy: what a committee is unsure of when it speaks with one voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("consensus-entropy")
class ConsensusEntropy(ScoreStrategy):
    """Images on which the mean probabilities of a committee have the largest entropy.

    Source: for committees McCallum and Nigam, Employing EM and Pool-Based Active Learning for Text
    Classification, ICML 1998; with networks Beluch et al., The Power of Ensembles for Active Learning in
    Image Classification, CVPR 2018.
    Cost: M networks to train; M predictions an image.
    When: several networks can be afforded; it is entropy with better calibrated probabilities.
    """

    needs: frozenset[str] = frozenset({"samples"})
    requires: frozenset[str] = frozenset({"committee"})

    def score(self, prediction: Prediction) -> Tensor:
        """In [0, log C] nats, from ``extras["samples"]`` (M, N, C), normalised for an NCE head."""
        from ncenet.functional.scores import consensus_entropy

        return consensus_entropy(normalized(prediction.extras["samples"]))

"""Vote entropy: what the members of a committee vote on differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

TIE_BREAK = 1e-4
"""Weight of the consensus entropy: too small to overturn a vote, enough to rank images that tie (ours)."""


@strategies.register("vote-entropy")
class VoteEntropy(ScoreStrategy):
    """Images on which the networks of a committee vote for different classes.

    Source: Dagan and Engelson, Committee-Based Sampling for Training Probabilistic Classifiers, ICML 1995;
    with networks Beluch et al., The Power of Ensembles for Active Learning in Image Classification, CVPR
    2018.
    Cost: M networks to train; M predictions an image.
    When: several networks can be afforded, and their probabilities are not to be trusted.
    """

    needs: frozenset[str] = frozenset({"samples"})
    requires: frozenset[str] = frozenset({"committee"})

    def score(self, prediction: Prediction) -> Tensor:
        """Entropy of the votes in nats, plus 1e-4 times the consensus entropy, which ranks what ties."""
        from ncenet.functional.scores import consensus_entropy, vote_entropy

        # Few members divide their votes in few ways: ties would be broken by id, and ids often name a class.
        samples = normalized(prediction.extras["samples"])
        return vote_entropy(samples).double() + TIE_BREAK * consensus_entropy(samples).double()

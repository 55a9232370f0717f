"""LL4AL: a module beside the network learns which images it is wrong on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.errors import UsageError
from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

    from ncenet.nn.auxiliary import Auxiliary

EXTRA = "predicted_loss"
"""What :class:`ncenet.nn.loss_prediction.LossPredictor` calls its output."""


@strategies.register("ll4al")
class LearningLoss(ScoreStrategy):
    """Images whose loss is predicted to be large, by a module that is trained beside the network.

    Source: Yoo and Kweon, Learning Loss for Active Learning, CVPR 2019.
    Cost: a small module is trained in each fit; one prediction an image.
    When: the labelled set is large enough for a module to learn from it what the network gets wrong.
    """

    needs: frozenset[str] = frozenset({EXTRA})
    requires: frozenset[str] = frozenset({"pairs"})

    @staticmethod
    def auxiliary(channels: Sequence[int]) -> Auxiliary:
        """What the learner trains beside its network."""
        from ncenet.nn.loss_prediction import LossPredictor

        return LossPredictor(channels)

    def score(self, prediction: Prediction) -> Tensor:
        """The predicted loss; any real number, of which only the order means something.

        Raises:
            UsageError: the learner trained no such module.
        """
        if EXTRA not in prediction.extras:
            raise UsageError("ll4al needs predicted losses, and this learner was not given its auxiliary")
        return prediction.extras[EXTRA]

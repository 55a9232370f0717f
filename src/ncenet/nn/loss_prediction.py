"""The module that predicts an image's loss, as LL4AL trains it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ncenet.functional._precision import at_least_float32
from ncenet.functional.loss_prediction import pair_loss
from ncenet.nn.auxiliary import Auxiliary

WIDTH = 128
"""Units that each stage is reduced to (Sec. 4 of LL4AL)."""
CONNECTED = 0.6
"""Part of the fit in which the network learns from the predicted losses too: 120 of 200 epochs (Sec. 4)."""


class LossPredictor(Auxiliary):
    """The loss prediction module of LL4AL (Yoo and Kweon, CVPR 2019, Sec. 3.2).

    Each stage: global average pooling, fully connected to 128, ReLU. All of them side by side: fully
    connected to 1. In the last 40 % of a fit the stages are detached, so the network is left to its own task.

    Args:
        channels: C_s of the stages.
    """

    extra = "predicted_loss"

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Linear(count, WIDTH) for count in channels)
        self.join = nn.Linear(WIDTH * len(channels), 1)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Predicted losses (B,); their order means something, their scale does not."""
        if self.done >= CONNECTED:
            stages = [stage.detach() for stage in stages]
        pooled = [_pooled(stage) for stage in stages]
        hidden = [reduce(stage).relu() for reduce, stage in zip(self.reduce, pooled, strict=True)]
        return at_least_float32(self.join(torch.cat(hidden, 1)).squeeze(1))

    def loss(self, output: Tensor, losses: Tensor) -> Tensor:
        """The pair loss, with weight 1."""
        return pair_loss(output, losses)


def _pooled(stage: Tensor) -> Tensor:
    """A map averaged over its places; a vector (B, C) of about unit length, where its C numbers are about 1.

    Averages of maps are small. A thousand numbers of size 1 are not: at a rate that is right for a network,
    the layer that reads them doubles with each step.
    """
    return stage.flatten(2).mean(2) if stage.ndim > 2 else stage / stage.shape[1] ** 0.5

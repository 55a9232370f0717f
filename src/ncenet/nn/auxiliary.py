"""Auxiliaries: modules that are trained beside a network because a query strategy reads what they say.

A learner knows this interface and no method. Its network hands the auxiliary the maps of the backbone's
stages; the training loop adds the auxiliary's loss to the network's own; predictions carry its output as
``Prediction.extras[auxiliary.extra]``. Nothing here is about classes: a detector's maps and losses per image
do as well.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ncenet.errors import UsageError


class Auxiliary(nn.Module):
    """A module that reads the stages of a backbone and says one number an image.

    Its parameters are trained by the network's optimizer, and saved with the network.

    Attributes:
        extra: what its output is called in ``Prediction.extras``, and in the ``needs`` of a strategy.
        done: part of the fit that lies behind, in [0, 1], told before each step: an auxiliary may stop
            teaching the network at some point.
    """

    extra: str
    done: float = 1.0

    @abstractmethod
    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Output (B,) in float32.

        Args:
            stages: maps (B, C_s, H, W), or vectors (B, C_s), one for each stage.
        """

    @abstractmethod
    def loss(self, output: Tensor, losses: Tensor) -> Tensor:
        """Scalar to be added to the mean loss of a batch.

        Args:
            output: (B,), what :meth:`forward` returned.
            losses: (B,), the network's own loss of each image, detached.
        """


AuxiliaryFactory: TypeAlias = Callable[[Sequence[int]], Auxiliary]
"""Builds an auxiliary for the channels of the stages."""


def stage_channels(backbone: nn.Module, shape: tuple[int, ...]) -> list[int]:
    """Channels C_s of the maps of each stage.

    Args:
        backbone: a backbone, see :mod:`ncenet.nn.backbones`.
        shape: shape of one input.

    Raises:
        UsageError: the backbone shows no stages.
    """
    forward_stages: Any = getattr(backbone, "forward_stages", None)
    if forward_stages is None:
        raise UsageError(
            f"the strategy trains a module on the stages of the backbone, and {type(backbone).__name__} "
            "shows none: take small, medium, either -whitened, resnet18 or mlp, or derive yours from "
            "ncenet.nn.backbones.Backbone"
        )
    was_training = backbone.training
    backbone.eval()  # statistics of batch normalisation are none of made-up inputs
    with torch.no_grad():
        _, stages = forward_stages(torch.zeros(1, *shape))
    backbone.train(was_training)
    return [stage.shape[1] for stage in stages]

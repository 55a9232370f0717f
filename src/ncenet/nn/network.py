"""The network: normalisation, backbone, dropout, head, and an auxiliary when a strategy wants one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ncenet.errors import UsageError
from ncenet.nn.auxiliary import Auxiliary
from ncenet.nn.heads import Head
from ncenet.nn.normalization import Normalizing

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


class Output(NamedTuple):
    """What the network says of B images.

    Attributes:
        features: (B, D), the output of the backbone, which the head is given.
        output: (B, C), see :class:`ncenet.nn.heads.Head`.
        auxiliary: (B,), see :class:`ncenet.nn.auxiliary.Auxiliary`; None when there is no auxiliary.
    """

    features: Tensor
    output: Tensor
    auxiliary: Tensor | None = None


class Network(Normalizing):
    """Normalisation, backbone, dropout and head in one module.

    Normalisation is part of the weights, so a saved model reads raw pixels.

    Args:
        backbone: maps inputs to features (B, D).
        head: maps features to an output (B, C).
        dropout: probability of dropping a feature.
        channels: channels of an image, or dimensions of a vector.
        mirrored: in eval mode the features of an image are the mean of its own and of its mirror image's.
        auxiliary: reads the stages of the backbone, which must show them.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: Head,
        *,
        dropout: float,
        channels: int,
        mirrored: bool = False,
        auxiliary: Auxiliary | None = None,
    ) -> None:
        super().__init__(channels)
        self.backbone, self.head, self.auxiliary = backbone, head, auxiliary
        self.dropout, self.mirrored = nn.Dropout(dropout), mirrored

    def features(self, inputs: Tensor) -> Tensor:
        """Features (B, D) of uint8 images (B, channels, H, W) in 0..255 or of float vectors (B, D0)."""
        pixels = self.normalized(inputs)
        return self._with_mirror_image(self.backbone(pixels), pixels)

    def _with_mirror_image(self, features: Tensor, pixels: Tensor) -> Tensor:
        if self.training or not self.mirrored:
            return features
        other: Tensor = self.backbone(pixels.flip(-1))
        return (features + other) / 2

    def forward(self, inputs: Tensor) -> Output:
        """Features and output of a batch, and what the auxiliary says of it."""
        if self.auxiliary is None:
            features = self.features(inputs)
            return Output(features, self.head(self.dropout(features)))
        forward_stages: Any = self.backbone.forward_stages
        pixels = self.normalized(inputs)
        features, stages = forward_stages(pixels)
        features = self._with_mirror_image(features, pixels)
        return Output(features, self.head(self.dropout(features)), self.auxiliary(stages))

    def samples(self, inputs: Tensor, passes: int) -> Tensor:
        """Probabilities of M stochastic passes, (M, B, C): dropout on, batch normalisation in eval mode.

        Gal, Islam & Ghahramani, "Deep Bayesian Active Learning with Image Data", ICML 2017.

        Args:
            inputs: as for :meth:`forward`.
            passes: M.

        Raises:
            UsageError: the network has no dropout, so all passes would agree.
        """
        with dropout_on(self):
            if any(isinstance(m, _DROPOUTS) and m.p > 0 for m in self.backbone.modules()):
                outputs = [self(inputs).output for _ in range(passes)]
            else:  # the features do not change: pass through the backbone once
                features = self.features(inputs)
                outputs = [self.head(self.dropout(features)) for _ in range(passes)]
        return torch.stack([self.head.probs(output) for output in outputs])


@contextmanager
def dropout_on(network: nn.Module) -> Iterator[None]:
    """Dropout modules, and nothing else, in training mode; every module's own mode is put back afterwards."""
    dropouts = [m for m in network.modules() if isinstance(m, _DROPOUTS) and m.p > 0]
    if not dropouts:
        raise UsageError("stochastic passes need dropout: set model.dropout, for instance to 0.2")
    was = [(m, m.training) for m in network.modules()]
    network.eval()
    for m in dropouts:
        m.train()
    try:
        yield
    finally:
        for module, training in was:
            module.training = training

"""The models that VAAL and SRAAL fit: a VAE that adapts to the input's shape, and a discriminator."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ncenet.nn.normalization import Normalizing

LATENT = 32
"""Z, dimensions of the latent (VAAL)."""
WIDTHS = (16, 32, 64)
"""Channels of the first halvings of an image; further ones keep the last (ours: cheap on a CPU)."""
LEAST_SIDE = 4
"""An image is halved until no side is longer than this (ours)."""
HIDDEN = 128
"""Units of hidden layers, for vectors and in the discriminator (ours; the public code has 512)."""
FARTHEST = 5.0
"""Standardised inputs are cut off at so many deviations: outliers shall not rule the squared error (ours)."""


class VAE(Normalizing):
    """A variational auto-encoder of images or vectors.

    Images go through convolutions of stride 2 until no side is longer than 4, vectors through one hidden
    layer; the decoder is the mirror image. It reads inputs as a pool gives them, and standardises them.

    Args:
        shape: (channels, H, W) of one image or (D0,) of one vector.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape[0])
        inner: tuple[int, ...]
        encoder: list[nn.Module]
        decoder: list[nn.Module]
        if len(shape) == 3:
            sides = _sides(shape[1:])
            widths = [shape[0], *(WIDTHS[min(n, len(WIDTHS) - 1)] for n in range(len(sides) - 1))]
            encoder = [_Down(a, b) for a, b in pairwise(widths)]
            decoder = [_Up(b, a, size) for (a, b), size in zip(pairwise(widths), sides, strict=False)]
            inner = (widths[-1], *sides[-1])
        else:
            encoder = [nn.Sequential(nn.Linear(shape[0], HIDDEN), nn.ReLU())]
            decoder = [nn.Sequential(nn.ReLU(), nn.Linear(HIDDEN, shape[0]))]
            inner = (HIDDEN,)
        flat = torch.Size(inner).numel()
        self.encoder = nn.Sequential(*encoder, nn.Flatten(), nn.Linear(flat, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, flat), nn.Unflatten(1, inner), *reversed(decoder))

    def standardize(self, inputs: Tensor) -> Tensor:
        """Inputs of mean 0 and deviation 1 in float32: what is encoded and reconstructed."""
        return self.normalized(inputs).clamp(-FARTHEST, FARTHEST)

    def encode(self, standardized: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (B, Z) each, of the latent's posterior."""
        mean, log_variance = self.encoder(standardized).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, latent: Tensor) -> Tensor:
        """Reconstruction (B, channels, H, W) or (B, D0) of a latent (B, Z)."""
        reconstruction: Tensor = self.decoder(latent)
        return reconstruction


class Discriminator(nn.Sequential):
    """Three layers from a latent (B, Z) to log odds (B,): of the pool against labelled."""

    def __init__(self) -> None:
        super().__init__(
            nn.Linear(LATENT, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 1),
            nn.Flatten(0),
        )


class _Down(nn.Sequential):
    """Halve the side, rounding up."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1), nn.ReLU())


class _Up(nn.Module):
    """Double the side, to exactly ``size``."""

    def __init__(self, in_channels: int, out_channels: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = list(size)
        self.widen = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        widened: Tensor = self.widen(x.relu(), output_size=self.size)
        return widened


def _sides(size: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Height and width before and after each halving; one halving at least."""
    sides = [size]
    while len(sides) == 1 or max(sides[-1]) > LEAST_SIDE:
        sides.append(tuple((side + 1) // 2 for side in sides[-1]))
    return sides

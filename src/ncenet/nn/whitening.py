"""A fixed first layer that whitens: it takes out what neighbouring pixels and colours share in photographs.

Pixels as they are say little but brightness, nine times over, and a network's first filters take many
steps to become edges and colours. Behind a stem whose outputs are uncorrelated and equally strong they don't
have to (Page, "How to Train Your ResNet 8: Bag of Tricks", 2019, with the covariance of the training images).
Here the covariance is a formula (ours), so that no image is needed and every run has the same stem.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

NEAR = 0.93
"""Correlation of pixels side by side, in images of 32 pixels (ours): .95 across and .92 down in CIFAR-10."""
COLORS = 0.85
"""Correlation of two channels of a pixel (ours): .92, .92 and .75 in CIFAR-10."""
EPS = 1e-2
"""Added to each variance, so that what is hardly there isn't made as strong as the rest (ours)."""


def natural_covariance(channels: int, side: int) -> Tensor:
    """Covariance (D, D) of the D = channels * side^2 numbers of a patch of a photograph, float64 (ours).

    Args:
        channels: of the image, each of variance 1; two of one pixel correlate by ``COLORS``.
        side: of the patch, in pixels; two that are d pixels apart correlate by ``NEAR ** d``.
    """
    places = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
    colors = torch.full((channels, channels), COLORS, dtype=torch.float64).fill_diagonal_(1)
    return torch.kron(colors, NEAR ** torch.cdist(places, places))


def inverse_root(covariance_DD: Tensor) -> Tensor:
    """``(covariance + EPS) ** -0.5`` (D, D): of all maps that whiten the one that changes vectors least."""
    values, vectors = torch.linalg.eigh(covariance_DD)
    root: Tensor = vectors * (values + EPS).rsqrt() @ vectors.T
    return root


class Whitening(nn.Module):
    """A 3x3 convolution that doesn't learn, (B, channels, H, W) to (B, 9 * channels, H, W).

    Args:
        channels: of the image.
    """

    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rows = inverse_root(natural_covariance(channels, 3))
        self.register_buffer("weight", rows.float().reshape(9 * channels, channels, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """See the class; pixels beyond the border are 0."""
        return conv2d(x, self.weight, padding=1)

"""Normalisation of inputs by mean and deviation per channel, which are part of a network's weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Normalizing(nn.Module):
    """A network that reads raw inputs and normalises them itself; as they are until it is told by what.

    Args:
        channels: channels of an image, or dimensions of a vector.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    @torch.no_grad()
    def set_normalization(self, chunks: Iterable[Tensor]) -> None:
        """Take mean and deviation per channel (per dimension) from inputs, see :func:`moments`."""
        mean, std = moments(chunks)
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 0, std, 1.0))

    @torch.no_grad()
    def set_moments(self, mean: Tensor, std: Tensor) -> None:
        """Take mean and deviation per channel that somebody else knows."""
        self.mean.copy_(mean)
        self.std.copy_(std)

    def normalized(self, inputs: Tensor) -> Tensor:
        """Inputs (B, channels, H, W) or (B, D) less the mean, by the deviation, in the weights' precision."""
        shape = (1, -1, *(1 for _ in inputs.shape[2:]))
        return (inputs.to(self.mean.dtype) - self.mean.view(shape)) / self.std.view(shape)


def moments(chunks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel (per dimension) of inputs that come a chunk at a time.

    A chunk's moments are merged with those of the chunks before by the formulas of Chan, Golub and LeVeque,
    "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.

    Args:
        chunks: one at least, (B, channels, H, W) or (B, D) each; a chunk is held in float64, no other is.

    Returns:
        Mean and deviation, (channels,) or (D,) in float64; a channel that is constant has a deviation of 0.

    >>> moments([torch.tensor([[0.0, 7.0], [2.0, 7.0]]), torch.tensor([[4.0, 7.0]])])[0]
    tensor([2., 7.], dtype=torch.float64)
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for chunk in chunks:
        variance, of_chunk = torch.var_mean(
            chunk.double(), [d for d in range(chunk.dim()) if d != 1], correction=0
        )
        n = chunk.numel() // chunk.shape[1]
        apart = of_chunk - mean
        squares = squares + n * variance + apart.square() * (count * n / (count + n))
        mean = mean + apart * (n / (count + n))
        count += n
    return mean, (squares / count).sqrt()

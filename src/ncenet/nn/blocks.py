"""Blocks that the small networks of this package are built from, for classes and for boxes."""

from __future__ import annotations

from torch import Tensor, nn


def conv(inputs: int, outputs: int, *, side: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution of side x side, an odd number, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Stage(nn.Module):
    """Widen, halve the side, refine: the costly second convolution runs on a quarter of the pixels."""

    def __init__(self, in_channels: int, out_channels: int, *, side: int = 3) -> None:
        super().__init__()
        self.widen = conv(in_channels, out_channels, side=side)
        self.halve = nn.MaxPool2d(2, ceil_mode=True)
        self.refine = conv(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, out_channels, ceil(H / 2), ceil(W / 2)) of maps (B, in_channels, H, W)."""
        x = self.halve(self.widen(x))
        refined: Tensor = self.refine(x)
        return x + refined

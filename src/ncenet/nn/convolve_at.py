"""A convolution at some places of its map alone.

Of the vectors that the class convolutions emit, a training step learns a few in a hundred. The gradient at
all others is zero, and a convolution of the whole map would carry those zeros back through all its weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad


def convolve_at(conv: nn.Conv2d, map: Tensor, places: Tensor) -> Tensor:
    """What a convolution says at some places of a map.

    Args:
        conv: with stride 1 and as much padding as leaves the map its size.
        map: (B, channels, H, W).
        places: (n,) positions in B x H x W.

    Returns:
        (n, out), equal to ``conv(map)`` at those places, with the same gradients, up to rounding.

    >>> conv, map = nn.Conv2d(1, 1, 3, padding=1, bias=False), torch.ones(1, 1, 2, 3)
    >>> _ = nn.init.ones_(conv.weight)
    >>> convolve_at(conv, map, torch.tensor([0, 1])).flatten().tolist()
    [4.0, 6.0]
    """
    channels, H, W = map.shape[1:]
    rows, columns = conv.kernel_size
    by_place = map.permute(0, 2, 3, 1)
    if (rows, columns) != (1, 1):
        by_place = pad(by_place, (0, 0, columns // 2, columns // 2, rows // 2, rows // 2))
        height, width = by_place.shape[1:3]
        # Each place becomes the places of its window, in the order of the weights below.
        corners = places // (H * W) * height * width + places % (H * W) // W * width + places % W
        down, right = torch.arange(rows, device=map.device), torch.arange(columns, device=map.device)
        places = (corners[:, None] + (down[:, None] * width + right).flatten()).flatten()
    seen = by_place.reshape(-1, channels).index_select(0, places).reshape(-1, rows * columns * channels)
    return linear(seen, conv.weight.permute(0, 2, 3, 1).flatten(1), conv.bias)

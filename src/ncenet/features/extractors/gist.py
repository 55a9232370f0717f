"""Features without a network that anybody trained: which edges there are, roughly where. No weights.

They are far below those of a pretrained network on photographs, and good enough for digits and drawings:
something to try things on wherever nothing else can be had.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ncenet.errors import UsageError
from ncenet.features.extractor import Extractor, Wanted, extractors
from ncenet.features.framing import Preprocessing

SIDE = 64
"""Images are looked at in this size, in pixels (ours)."""
DIRECTIONS, SCALES, CELLS = 8, 3, 4
"""Directions of edges, octaves of their width, and cells of the grid along each side, as in the source."""
KERNEL, WAVELENGTH, WIDTH = 11, 5.0, 2.5
"""Side of a filter, and the wavelength and deviation of its Gabor function, in pixels (ours)."""


class Gist(nn.Module):
    """Energy of Gabor filters of each direction and octave, averaged over the cells of a grid; and colour.

    Source: Oliva and Torralba, Modeling the Shape of the Scene: a Holistic Representation of the Spatial
    Envelope, IJCV 2001.
    """

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        at = torch.arange(KERNEL) - KERNEL // 2
        y, x = torch.meshgrid(at.double(), at.double(), indexing="ij")
        window = torch.exp(-(x.square() + y.square()) / (2 * WIDTH**2))
        waves = []
        for n in range(DIRECTIONS):
            along = x * math.cos(math.pi * n / DIRECTIONS) + y * math.sin(math.pi * n / DIRECTIONS)
            for wave in (torch.cos, torch.sin):
                values = window * wave(2 * math.pi * along / WAVELENGTH)
                values = values - window * values.sum() / window.sum()  # flat areas have no edges
                waves.append(values / values.norm())
        self.register_buffer("filters", torch.stack(waves)[:, None].float())

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (B, (8 x 3 + 3) x 16) of images (B, 3, S, S)."""
        red, green, blue = images.unbind(1)
        colours = torch.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue], 1)
        parts = [_cells(colours)]
        gray = colours[:, :1]
        for _ in range(SCALES):
            waves = nn.functional.conv2d(
                nn.functional.pad(gray, [KERNEL // 2] * 4, "replicate"), self.filters
            )
            even, odd = waves[:, ::2], waves[:, 1::2]
            energy = (even.square() + odd.square() + 1e-8).sqrt()
            parts.append(_cells(energy))
            gray = nn.functional.avg_pool2d(gray, 2)
        return torch.cat(parts, 1).flatten(1)


def _cells(maps: Tensor) -> Tensor:
    """Means (B, C, 4, 4) over the cells of a grid."""
    return nn.functional.avg_pool2d(maps, maps.shape[-1] // CELLS)


@extractors.register("gist")
def gist(wanted: Wanted) -> Extractor:
    """The same for all images: there is nothing to load."""
    if wanted.weights is not None:
        raise UsageError("gist has no weights: leave out `weights`")
    return Extractor("gist", Gist(), Preprocessing(side=SIDE, framing=wanted.framing or "crop"))

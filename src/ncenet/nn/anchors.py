"""Anchors (SSD's default boxes): the boxes that a detector starts from, at every place of every level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Level:
    """The anchors of one level. Sizes and steps are parts of the side of the square image.

    Attributes:
        cells: rows and columns of its map.
        step: distance of two cells.
        scale: side of the first, square anchor.
        next_scale: that of the level above: the second square anchor lies between the two.
        ratios: aspect ratios; each gives a wide and a tall anchor.
    """

    cells: int
    step: float
    scale: float
    next_scale: float
    ratios: tuple[float, ...]

    @property
    def per_cell(self) -> int:
        """Anchors of one cell."""
        return 2 + 2 * len(self.ratios)

    def sizes(self) -> Tensor:
        """(per_cell, 2), width and height (SSD, Sec. 2.2); at most the whole image."""
        between = math.sqrt(self.scale * self.next_scale)
        pairs = [(self.scale, self.scale), (between, between)]
        for ratio in self.ratios:
            root = math.sqrt(ratio)
            pairs += [(self.scale * root, self.scale / root), (self.scale / root, self.scale * root)]
        return torch.tensor(pairs).clamp_max(1)


def make_anchors(levels: Sequence[Level]) -> Tensor:
    """The anchors of all levels.

    Returns:
        (A, 4) as (x1, y1, x2, y2) in parts of the side: level by level, row by row, and the anchors of a cell
        next to one another. They may reach beyond the image.

    >>> make_anchors([Level(1, 1.0, 0.5, 0.5, ())])
    tensor([[0.2500, 0.2500, 0.7500, 0.7500],
            [0.2500, 0.2500, 0.7500, 0.7500]])
    """
    every = []
    for level in levels:
        middles = (torch.arange(level.cells) + 0.5) * level.step
        y, x = torch.meshgrid(middles, middles, indexing="ij")
        centers = torch.stack([x, y], -1).reshape(-1, 1, 2)
        half = level.sizes()[None] / 2
        every.append(torch.cat([centers - half, centers + half], -1).reshape(-1, 4))
    return torch.cat(every)

"""Drawn shapes: made by a formula, so there are some wherever there is ncenet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ncenet.data.builtin import BuiltinSet, datasets
from ncenet.data.builtin.drawing import SIDE, drawn

Array = npt.NDArray[np.float64]

# Of coordinates x, y within [-1, 1]: positive inside.
SHAPES: dict[str, Callable[[Array, Array], Any]] = {
    "bar": lambda x, y: np.minimum(0.8 - abs(x), 0.25 - abs(y)),
    "crescent": lambda x, y: np.minimum(0.8 - np.hypot(x, y), np.hypot(x - 0.4, y) - 0.6),
    "cross": lambda x, y: np.maximum(
        np.minimum(0.8 - abs(x), 0.22 - abs(y)), np.minimum(0.8 - abs(y), 0.22 - abs(x))
    ),
    "disc": lambda x, y: 0.7 - np.hypot(x, y),
    "frame": lambda x, y: 0.15 - abs(0.55 - np.maximum(abs(x), abs(y))),
    "half": lambda x, y: np.minimum(0.75 - np.hypot(x, y), y),
    "ring": lambda x, y: 0.15 - abs(0.6 - np.hypot(x, y)),
    "square": lambda x, y: 0.6 - np.maximum(abs(x), abs(y)),
    "star": lambda x, y: 0.5 + 0.3 * np.cos(5 * np.arctan2(y, x)) - np.hypot(x, y),
    "triangle": lambda x, y: np.minimum(y + 0.45, 0.8 - y - 1.7 * abs(x)) * 0.6,
}


@datasets.register("shapes")
def shapes() -> BuiltinSet:
    """Ten shapes, a little turned, moved and stretched, light or dark, under noise and behind a stain."""
    return BuiltinSet(
        name="shapes",
        description=f"drawn shapes, {SIDE} x {SIDE} gray, made by a formula",
        licence="that of ncenet",
        images=(2000, 500),
        classes=len(SHAPES),
        download_mb=0,
        open=lambda split, root, download: drawn(
            "shapes", list(SHAPES), _draw, split, 500 if split == "test" else 2000
        ),
    )


def _draw(name: str, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Gray values in [0, 1]."""
    turn, size = rng.uniform(-0.4, 0.4), rng.uniform(0.75, 1.1)
    x, y = x - rng.uniform(-0.12, 0.12), y - rng.uniform(-0.12, 0.12)
    x, y = (np.cos(turn) * x + np.sin(turn) * y) / size, (np.cos(turn) * y - np.sin(turn) * x) / size
    ground, contrast = rng.uniform(0.25, 0.75), rng.choice([-1, 1]) * rng.uniform(0.25, 0.5)
    inside = 1 / (1 + np.exp(-40 * SHAPES[name](x, y)))
    stain = np.exp(-((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2) / 0.08)
    image: Array = ground + contrast * inside + rng.uniform(-0.3, 0.3) * stain
    return image + 0.08 * rng.standard_normal(x.shape)

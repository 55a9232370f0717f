"""Drawn textures, from frequent to rare: made by a formula, so there are some wherever there is ncenet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ncenet.data.builtin import BuiltinSet, datasets
from ncenet.data.builtin.drawing import SIDE, drawn

Array = npt.NDArray[np.float64]

# Of coordinates in waves, in [-1, 1].
TEXTURES: dict[str, Callable[[Array, Array], Any]] = {
    "bricks": lambda x, y: np.sign(
        np.minimum(np.cos(x + np.pi * (np.floor(y / np.pi) % 2)), np.cos(2 * y)) + 0.8
    ),
    "checks": lambda x, y: np.sign(np.cos(x) * np.cos(y)),
    "dots": lambda x, y: np.tanh(4 * (np.cos(x) + np.cos(y) - 1)),
    "grid": lambda x, y: np.tanh(4 * (np.maximum(np.cos(x), np.cos(y)) - 0.7)),
    "hexagons": lambda x, y: (np.cos(x) + 2 * np.cos(x / 2) * np.cos(0.87 * y)) / 3,
    "rings": lambda x, y: np.cos(np.hypot(x, y)),
    "saw": lambda x, y: 2 * ((x / (2 * np.pi)) % 1) - 1,
    "stripes": lambda x, y: np.sign(np.cos(x)),
    "waves": lambda x, y: np.cos(x + 1.5 * np.cos(y / 2)),
    "zigzag": lambda x, y: np.sign(np.cos(x + 2 * abs(((y / np.pi) % 2) - 1))),
}
RARER = 0.8
"""Each class has so many times the training images of the one before; the test set has all alike."""


@datasets.register("textures")
def textures() -> BuiltinSet:
    """Ten textures, a little turned, wide or narrow, faint or clear, from frequent to rare."""
    return BuiltinSet(
        name="textures",
        description=f"drawn textures, {SIDE} x {SIDE} gray, classes of unequal size, made by a formula",
        licence="that of ncenet",
        images=(2000, 500),
        classes=len(TEXTURES),
        download_mb=0,
        open=lambda split, root, download: drawn(
            "textures", list(TEXTURES), _draw, split, 500 if split == "test" else 2000, RARER
        ),
    )


def _draw(name: str, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Gray values in [0, 1]."""
    turn, waves = rng.uniform(-0.3, 0.3), rng.uniform(2.0, 3.2)
    u = np.pi * waves * (np.cos(turn) * x + np.sin(turn) * y) + rng.uniform(-6, 6)
    v = np.pi * waves * (np.cos(turn) * y - np.sin(turn) * x) + rng.uniform(-6, 6)
    image: Array = rng.uniform(0.35, 0.65) + rng.uniform(0.15, 0.35) * TEXTURES[name](u, v)
    shade = rng.uniform(-0.2, 0.2) * x + rng.uniform(-0.2, 0.2) * y
    return image + shade + rng.uniform(0.02, 0.08) * rng.standard_normal(x.shape)

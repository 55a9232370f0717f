"""Images that are drawn by a formula: the same ones everywhere and for ever, from a seed for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.pools import ArrayPool
from ncenet.data.rows import RowIds

SIDE = 32
"""Pixels."""


def drawn(
    name: str,
    classes: Sequence[str],
    draw: Callable[..., npt.NDArray[np.float64]],
    split: Split,
    count: int,
    rarer: float = 1.0,
) -> Dataset:
    """A split of a drawn data set.

    Args:
        name: of the data set.
        classes: their names.
        draw: takes a name, coordinates x and y (SIDE, SIDE) in [-1, 1] and a generator; gives gray in [0, 1].
        split: which.
        count: N.
        rarer: in training, each class has so many times the images of the one before it.
    """
    shares = np.array([1.0 if split == "test" else rarer**n for n in range(len(classes))])
    ends = np.rint(np.cumsum(shares) / shares.sum() * count).astype(int)
    targets = np.searchsorted(ends, np.arange(count), side="right")
    targets = np.random.default_rng([count, split == "test"]).permutation(targets)  # as images come in life
    along = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    y, x = np.meshgrid(along, along, indexing="ij")
    pixels = np.empty((count, SIDE, SIDE), np.uint8)
    for n, target in enumerate(targets):
        gray = draw(classes[target], x, y, np.random.default_rng([n, target, split == "test"]))
        pixels[n] = np.rint(255 * gray.clip(0, 1))
    ids = RowIds(f"{split}/", count)
    labels = {id: classes[target] for id, target in zip(ids, targets, strict=True)}
    return Dataset(
        f"{name} ({split})", ArrayPool(pixels, ids), Oracle(labels), tuple(classes), flip_safe=True
    )

"""Handwritten digits, 8 x 8 pixels, embedded in scikit-learn."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from ncenet.data.builtin import BuiltinSet, datasets
from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.pools import ArrayPool
from ncenet.data.rows import RowIds

TEST_IMAGES = 500


@datasets.register("digits")
def digits() -> BuiltinSet:
    """Small enough for a whole experiment in seconds, and always there."""
    return BuiltinSet(
        name="digits",
        description="handwritten digits, 8 x 8 gray",
        licence="CC BY 4.0 (UCI Optical Recognition of Handwritten Digits)",
        images=(1797 - TEST_IMAGES, TEST_IMAGES),
        classes=10,
        download_mb=0,
        open=_open,
    )


@cache
def _read() -> tuple[np.ndarray, np.ndarray]:
    """Pixels and classes. A run opens the set several times, and reading takes a tenth of a second."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return np.rint(data.images * (255 / 16)).astype(np.uint8), data.target


def _open(split: Split, root: Path, download: bool) -> Dataset:
    images, target = _read()
    # Evenly spaced positions in the order of the classes: stratified, and the same everywhere and for ever.
    by_class = np.argsort(target, kind="stable")
    test = np.zeros(len(by_class), dtype=bool)
    test[by_class[np.arange(TEST_IMAGES) * len(by_class) // TEST_IMAGES]] = True
    rows = np.flatnonzero(test if split == "test" else ~test)
    ids = RowIds(f"{split}/", len(rows))
    labels = dict(zip(ids, map(str, target[rows]), strict=True))
    return Dataset(
        f"digits ({split})",
        ArrayPool(images[rows], ids),
        Oracle(labels),
        tuple(map(str, range(10))),
        flip_safe=False,
    )

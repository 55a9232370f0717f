"""Photographs that are noise, with vectors that tell their class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from ncenet.recipe import Recipe

NAMES = ("ant", "bee")


def photographs(folder: Path, ids: list[str]) -> Path:
    """So many images, every other one a bee, in ``photos``; their vectors in ``v.npz``."""
    random = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for id in ids:
        PIL.Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / "photos" / id)
    vectors = random.standard_normal((len(ids), 6)) + 2 * (np.arange(len(ids)) % 2)[:, None]
    np.savez(folder / "v.npz", ids=np.array(ids), vectors=vectors.astype(np.float32))
    return folder


def recipe(folder: Path, **changes: object) -> Recipe:
    """A head that learns on these vectors."""
    named = {
        "data.train": str(folder / "photos"),
        "data.classes": NAMES,
        "model.features": str(folder / "v.npz"),
        "loop.first": "typical",
    }
    return Recipe().with_changes(named | changes)

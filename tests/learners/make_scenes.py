"""Small scenes that a detector learns in seconds, and detectors for them."""

from __future__ import annotations

import numpy as np

from ncenet.boxes import Boxes
from ncenet.data.pools import ArrayPool
from ncenet.learners.detector import Detector
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

CLASSES = ("red", "blue")
HEIGHT, WIDTH = 80, 96


def scenes(count: int = 8, *, channels: int = 3) -> tuple[ArrayPool, list[Boxes]]:
    """Gray noise with one to three rectangles in the colour of their class; every sixth image has none."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 160, (count, HEIGHT, WIDTH, channels), dtype=np.uint8)
    truth = []
    for n in range(count):
        boxes, labels = [], []
        for place in range(0 if n % 6 == 5 else 1 + n % 3):
            width, height = rng.integers(16, 26, 2)
            x, y = 32 * place + rng.integers(0, 6), rng.integers(0, HEIGHT - height)
            which = int(rng.integers(2))
            pixels[n, y : y + height, x : x + width] = 0 if channels == 3 else 255 * which
            pixels[n, y : y + height, x : x + width, -which] = 255 if channels == 3 else 255 * which
            boxes.append(tuple(map(float, (x, y, x + width, y + height))))
            labels.append(CLASSES[which])
        truth.append(Boxes(tuple(boxes), tuple(labels)))
    return ArrayPool(pixels), truth


def labeled_scenes(pool: ArrayPool, truth: list[Boxes], count: int | None = None) -> LabeledSet:
    ids = list(pool.ids())[:count]
    return LabeledSet(ids, [boxes.to_label() for boxes in truth[: len(ids)]], CLASSES)


def detector(
    *,
    seed: int = 0,
    head: HeadRecipe | None = None,
    side: int | None = 64,
    auxiliary=None,
    notify=None,
    model: dict | None = None,
    **train,
) -> Detector:
    """A light detector that takes few and cheap steps unless told otherwise."""
    return Detector(
        ModelRecipe(head=head or HeadRecipe(), **{"anchor_features": 16, "passes": 3, **(model or {})}),
        TrainRecipe(**{"epochs": 2, "min_steps": 0, "batch_size": 4, "lr": 0.05, **train}),
        DataRecipe(image_size=side, workers=1),
        Streams(seed),
        auxiliary=auxiliary,
        notify=notify,
    )


def fitted_detector(epochs: int) -> Detector:
    """One that has learned all the scenes."""
    pool, truth = scenes()
    fitted = detector(epochs=epochs)
    fitted.fit(labeled_scenes(pool, truth), pool, cycle=1)
    return fitted

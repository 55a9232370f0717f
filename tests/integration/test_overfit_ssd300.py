"""SSD300-VGG16 learns a few images by heart."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.boxes import Boxes
from ncenet.data.pools import ArrayPool
from ncenet.functional.average_precision import judge_all, mean_average_precision
from ncenet.learners.detector import Detector
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

CLASSES = ("red", "blue")
SIDE = 300


def scenes(count: int) -> tuple[ArrayPool, list[Boxes]]:
    """Gray noise with a large red and a large blue rectangle that do not meet."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 160, (count, SIDE, SIDE, 3), dtype=np.uint8)
    truth = []
    for image in pixels:
        boxes = []
        for place, channel in enumerate((0, 2)):
            width, height = rng.integers(80, 130, 2)
            x, y = 150 * place + int(rng.integers(0, 20)), int(rng.integers(0, SIDE - height))
            image[y : y + height, x : x + width] = 0
            image[y : y + height, x : x + width, channel] = 255
            boxes.append((float(x), float(y), float(x + width), float(y + height)))
        truth.append(Boxes(tuple(boxes), CLASSES))
    return ArrayPool(pixels), truth


@pytest.mark.slow
@pytest.mark.parametrize("head", ["nce", "softmax"])
def test_ssd300_vgg16_learns_eight_images_by_heart(head):
    """From random weights, in 120 steps: eight and a half minutes of one core for each head."""
    pool, truth = scenes(8)
    kernel = {"kernel": "cosine"} if head == "nce" else {}  # Eq. 7, the paper's for detection
    learner = Detector(
        ModelRecipe(backbone="ssd300-vgg16", head=HeadRecipe(name=head, **kernel)),
        TrainRecipe(epochs=30, min_steps=0, batch_size=2, lr=1e-3, flip=False, box_augment=False),
        DataRecipe(workers=1),
        Streams(0),
    )
    labels = [boxes.to_label() for boxes in truth]
    report = learner.fit(LabeledSet(pool.ids(), labels, CLASSES), pool, cycle=1)
    found = list(learner.detect(pool, pool.ids()))
    result = mean_average_precision(judge_all(found, truth, CLASSES), method="11-point")
    assert result.mean > 0.9, f"reached {result.mean:.3f} with a loss of {report.loss:.3f}"

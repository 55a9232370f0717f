"""What training and scoring a detector costs on this machine: the real one, on made-up images."""

from __future__ import annotations

import time
from itertools import islice
from typing import NamedTuple

import numpy as np

from ncenet.data.dataset import Dataset
from ncenet.data.pools import ArrayPool
from ncenet.learners.box_counts import spent
from ncenet.learners.detector import Detector
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import Boxes, LabeledSet

_PROBE_STEPS = 3
_SIDE = 64
"""Of the made-up images, in pixels; the detector resizes them, which costs little beside its steps."""
_LOOKED_AT = 20


class Speed(NamedTuple):
    """What a network costs.

    Attributes:
        step: seconds of one optimizer step.
        image: seconds of predicting one image.
        parameters: of the network.
        shape: of one input, (channels, S, S).
    """

    step: float
    image: float
    parameters: int
    shape: tuple[int, ...]


def speed_of_detector(
    recipe: Recipe, class_names: tuple[str, ...], batch: int, auxiliary: AuxiliaryFactory | None
) -> Speed:
    """Train the detector of a recipe for a few steps, and have it predict.

    Args:
        recipe: the whole run. Nothing is downloaded for it.
        class_names: the C classes.
        batch: images in a step.
        auxiliary: what is trained beside it.
    """
    images = np.random.default_rng(0).integers(0, 256, (max(2, batch), _SIDE, _SIDE, 3), dtype=np.uint8)
    pool = ArrayPool(images)
    label = Boxes(((4, 4, 20, 20), (30, 30, 60, 50)), (class_names[0], class_names[-1])).to_label()
    labeled = LabeledSet(pool.ids(), [label] * len(images), class_names)
    model = recipe.model.model_copy(update={"pretrained": False})

    def fit(steps: int) -> tuple[Detector, float]:
        train = recipe.train.model_copy(update={"epochs": 1, "min_steps": steps, "lr": 1e-9, "warm": False})
        detector = Detector(model, train, recipe.data, Streams(0), auxiliary=auxiliary)
        report = detector.fit(labeled, pool, cycle=1)
        return detector, report.seconds / report.steps

    fit(1)  # the first step of a process is slower
    detector, step = fit(_PROBE_STEPS)
    start = time.perf_counter()
    for _ in detector.predict(pool, pool.ids(), want=frozenset({"probs"})):
        pass
    image = (time.perf_counter() - start) / len(images)
    network = detector.network
    side = network.backbone.side
    return Speed(step, image, sum(p.numel() for p in network.parameters()), (3, side, side))


def boxes_per_image(train: Dataset) -> float:
    """How many boxes an image has in the mean, by the first images that have an answer; at least 1."""
    oracle = train.required_oracle()
    bad = {problem.id for problem in train.problems}
    ids = list(islice((id for id in train.pool.ids() if id not in bad), _LOOKED_AT))
    return spent(oracle.answer(ids).values()) / len(ids) if ids else 1.0

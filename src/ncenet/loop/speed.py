"""What training and predicting cost on this machine: the real learner, for a few steps on made-up images."""

from __future__ import annotations

import time
from itertools import cycle, islice, pairwise
from statistics import median
from typing import NamedTuple

import numpy as np

from ncenet.boxes import Boxes
from ncenet.data.pools import ArrayPool
from ncenet.learners import classifier, detector
from ncenet.learners.classifier import Classifier
from ncenet.learners.detector import Detector
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

_PROBE_STEPS = 5
_SIDE = 64
"""Of the made-up images for a detector, in pixels; it resizes them, which costs little beside its steps."""


class Speed(NamedTuple):
    """What a network costs.

    Attributes:
        step: seconds of one optimizer step.
        image: seconds of predicting one image.
        parameters: of the network.
        shape: of one input, (channels, S, S) or (D,).
    """

    step: float
    image: float
    parameters: int
    shape: tuple[int, ...]


def speed_of(
    recipe: Recipe,
    shape: tuple[int, ...],
    class_names: tuple[str, ...],
    batch: int,
    auxiliary: AuxiliaryFactory | None,
) -> Speed:
    """Train a learner of a recipe for a few steps, and have it predict.

    Args:
        recipe: the whole run. Nothing is downloaded for it; of a committee it is one member.
        shape: of one input of a classifier, (channels, S, S) or (D,).
        class_names: the C classes.
        batch: images in a step.
        auxiliary: what is trained beside it.
    """
    model = recipe.model.model_copy(update={"pretrained": False})
    # One step an epoch, whose end is told; the rate leaves the weights where they are.
    steps = {"epochs": _PROBE_STEPS, "min_steps": 0, "lr": 1e-9, "warm": False, "batch_size": max(2, batch)}
    train = recipe.train.model_copy(update=steps)
    data, count, noise = recipe.data, max(2, batch), np.random.default_rng(0)
    told: list[float] = []
    kind: type[Classifier] | type[Detector]
    if recipe.task == "detection":
        pool = ArrayPool(noise.integers(0, 256, (count, _SIDE, _SIDE, 3), dtype=np.uint8))
        boxes = Boxes(((4, 4, 20, 20), (30, 30, 60, 50)), (class_names[0], class_names[-1]))
        labels, chunk, kind = [boxes.to_label()] * count, detector.PREDICT_BATCH, Detector
    else:
        if len(shape) == 3:
            data = data.model_copy(update={"image_size": shape[1]})
            pool = ArrayPool(noise.integers(0, 256, (count, *shape[1:], shape[0]), dtype=np.uint8))
        else:
            pool = ArrayPool(noise.standard_normal((count, *shape), dtype=np.float32))
        labels, chunk, kind = list(islice(cycle(class_names), count)), classifier.PREDICT_BATCH, Classifier
    learner = kind(
        model, train, data, Streams(0), auxiliary=auxiliary, notify=lambda _: told.append(time.perf_counter())
    )
    learner.fit(LabeledSet(pool.ids(), labels, class_names), pool, cycle=1)
    start = time.perf_counter()
    for _ in learner.predict(pool, list(islice(cycle(pool.ids()), chunk)), want=frozenset({"probs"})):
        pass
    image = (time.perf_counter() - start) / chunk
    return Speed(
        # The first step of a process is slower; it ends before the first that is told.
        median(later - earlier for earlier, later in pairwise(told)),
        image,
        sum(p.numel() for p in learner.network.parameters()),
        tuple(learner.inputs(pool, pool.ids()[:1]).shape[1:]),
    )

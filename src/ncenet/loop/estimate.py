"""What a run would cost: a few steps of the real network on made-up images, multiplied."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from statistics import median
from typing import NamedTuple, TypeAlias

import numpy as np

from ncenet.boxes import Boxes
from ncenet.class_names import check_two_classes
from ncenet.data.dataset import Dataset
from ncenet.data.open import open_test, open_train
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError
from ncenet.features.names import check_inputs
from ncenet.learners import classifier, detector
from ncenet.learners.box_counts import spent
from ncenet.learners.classifier import Classifier
from ncenet.learners.detector import Detector
from ncenet.learners.head_fit import STEPS
from ncenet.loop.networks import shape_of
from ncenet.loop.oracle import OracleLine, open_simulated
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet, QueryStrategy

_LOOKED_AT = 20
_PROBE_STEPS = 5
_SIDE = 64
"""Of the made-up images for a detector, in pixels; it resizes them, which costs little beside its steps."""


Measure: TypeAlias = Callable[..., "Speed"]
"""Times a network, as :func:`speed_of` does."""


@dataclass(frozen=True)
class Cost:
    """An estimate for one trial.

    Attributes:
        pool: images there are.
        labels: images labelled in all.
        cycles: that train, fewer than the recipe's where the pool is used up before.
        steps: optimizer steps in all.
        predictions: images predicted in all, on pool and test set, by each member.
        train_seconds: spent in fits.
        score_seconds: spent on the predictions.
        megabytes: of memory: decoded images, network, activations.
        parameters: of the network.
    """

    pool: int
    labels: int
    cycles: int
    steps: int
    predictions: int
    train_seconds: float
    score_seconds: float
    megabytes: float
    parameters: int

    @property
    def seconds(self) -> float:
        """Training and scoring together."""
        return self.train_seconds + self.score_seconds


def cost_of(recipe: Recipe, measure: Measure | None = None) -> Cost:
    """Time a few steps on this machine and multiply.

    Args:
        recipe: the whole run.
        measure: times a network. Default: :func:`speed_of`, on this machine.

    Returns:
        The estimate; decoding, selection and the start of the program are not in it, nor are features that
        are to be computed, see :func:`ncenet.loop.embedding_cost.embedding_of`.
    """
    train = open_train(recipe)
    check_inputs(recipe, train.pool)
    test = open_test(recipe.data, train)
    names = recipe.data.classes or train.class_names
    if not names:
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with `data.classes`")
    if recipe.task == "classification":
        check_two_classes(names)
    loop, fit = recipe.loop, recipe.train
    pool = len(train.pool.ids())
    askable = max(1, pool - loop.held_out)  # the others measure, and are never learned
    tested = loop.held_out or (0 if test is None else len(test.pool.ids()))
    per_label = 1.0 if loop.budget_unit == "image" else 1 / _boxes_per_image(train)
    budgets = [loop.initial + i * loop.query_size for i in range(loop.cycles)]
    sizes = [min(askable, math.ceil(budget * per_label)) for budget in budgets]
    sizes = sizes[: 1 + next((n for n, size in enumerate(sizes) if size == askable), loop.cycles)]
    per_epoch = [math.ceil(size / fit.batch_size) for size in sizes]
    strategy = open_simulated(recipe)
    auxiliary, members = strategy.auxiliary, recipe.model.members
    alone = recipe.fits_head and auxiliary is None  # fitted to all labels at once
    each = [STEPS if alone else n * max(fit.epochs, math.ceil(fit.min_steps / n)) for n in per_epoch]
    steps = sum(each)
    scored = tested * len(sizes)
    if reads_predictions(strategy):
        scored += sum(min(askable - size, loop.pool_subset or pool) for size in sizes[:-1])

    batch = sizes[-1] if alone else min(fit.batch_size, sizes[-1])
    timed = speed_of if measure is None else measure
    speed = timed(recipe, shape_of(train.pool, recipe), names, batch, auxiliary)
    wide = 4 if len(speed.shape) == 1 else 1  # vectors are float32, pixels are bytes
    images_bytes = (pool if loop.held_out else pool + tested) * math.prod(speed.shape) * wide
    if isinstance(strategy, OracleLine):  # which fits and tests each query that it tries
        fits = strategy.fits
        steps += fits * sum(each[1:])
        scored += fits * tested * (len(sizes) - 1)
    return Cost(
        pool=pool,
        labels=sizes[-1],
        cycles=len(sizes),
        steps=members * steps,
        predictions=scored,
        train_seconds=members * steps * speed.step,
        score_seconds=members * scored * speed.image,
        # Weights, gradients, momentum and a checkpoint; decoded images if they are kept.
        megabytes=(16 * members * speed.parameters + min(images_bytes, recipe.data.cache_gb * 1e9)) / 1e6,
        parameters=members * speed.parameters,
    )


def reads_predictions(strategy: QueryStrategy) -> bool:
    """Whether a query takes predictions on the pool."""
    return bool(strategy.needs - {"inputs"})


def _boxes_per_image(train: Dataset) -> float:
    """How many boxes an image has in the mean, by the first images that have an answer; at least 1."""
    oracle = train.required_oracle()
    bad = {problem.id for problem in train.problems}
    ids = list(islice((id for id in train.pool.ids() if id not in bad), _LOOKED_AT))
    return spent(oracle.answer(ids).values()) / len(ids) if ids else 1.0


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

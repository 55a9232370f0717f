"""What a run would cost: a few steps of the real network on made-up images, multiplied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice

from ncenet.data.dataset import Dataset
from ncenet.data.open import open_test, open_train
from ncenet.errors import DataError, UnreadableImage
from ncenet.learners.box_counts import spent
from ncenet.loop.oracle import PROPOSALS, OracleLine, open_simulated
from ncenet.loop.speed import speed_of
from ncenet.recipe import Recipe
from ncenet.types import Pool, QueryStrategy

_LOOKED_AT = 20


@dataclass(frozen=True)
class Cost:
    """An estimate for one trial.

    Attributes:
        pool: images there are.
        labels: images labelled in all.
        steps: optimizer steps in all.
        predictions: images predicted in all, on pool and test set, by each member.
        train_seconds: spent in fits.
        score_seconds: spent on the predictions.
        megabytes: of memory: decoded images, network, activations.
        parameters: of the network.
    """

    pool: int
    labels: int
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


def estimate(recipe: Recipe) -> Cost:
    """Time a few steps on this machine and multiply.

    Args:
        recipe: the whole run.

    Returns:
        The estimate; decoding, selection and the start of the program are not in it.
    """
    train = open_train(recipe)
    test = open_test(recipe.data, train)
    names = recipe.data.classes or train.class_names
    if not names:
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with `data.classes`")
    pool, tested = len(train.pool.ids()), 0 if test is None else len(test.pool.ids())
    loop, fit = recipe.loop, recipe.train
    per_label = 1.0 if loop.budget_unit == "image" else 1 / _boxes_per_image(train)
    budgets = [loop.initial + i * loop.query_size for i in range(loop.cycles)]
    sizes = [min(pool, math.ceil(budget * per_label)) for budget in budgets]
    per_epoch = [math.ceil(size / fit.batch_size) for size in sizes]
    steps = sum(n * max(fit.epochs, math.ceil(fit.min_steps / n)) for n in per_epoch)
    strategy = open_simulated(recipe)
    scored = tested * loop.cycles
    if reads_predictions(strategy):
        scored += sum(min(pool - size, loop.pool_subset or pool) for size in sizes[:-1])

    batch = min(fit.batch_size, sizes[-1])
    auxiliary, members = strategy.auxiliary, recipe.model.members
    speed = speed_of(recipe, _shape(train.pool, recipe), names, batch, auxiliary)
    images_bytes = (pool + tested) * math.prod(speed.shape)
    if isinstance(strategy, OracleLine):  # which fits and tests each of its proposals
        steps += PROPOSALS * sum(n * max(fit.epochs, math.ceil(fit.min_steps / n)) for n in per_epoch[1:])
        scored += PROPOSALS * tested * (loop.cycles - 1)
    return Cost(
        pool=pool,
        labels=sizes[-1],
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


def _shape(pool: Pool, recipe: Recipe) -> tuple[int, ...]:
    """Shape of one input, judged by the first image that can be read."""
    for id in pool.ids():
        try:
            image = pool.load(id)
        except UnreadableImage:
            continue
        if image.ndim == 1:
            return (image.shape[0],)
        own = image.shape[0] if image.shape[0] == image.shape[1] <= 64 else 64
        size = recipe.data.image_size or own
        return (image.shape[2], size, size)
    raise DataError(f"{recipe.data.train}: no image can be read")


def _boxes_per_image(train: Dataset) -> float:
    """How many boxes an image has in the mean, by the first images that have an answer; at least 1."""
    oracle = train.required_oracle()
    bad = {problem.id for problem in train.problems}
    ids = list(islice((id for id in train.pool.ids() if id not in bad), _LOOKED_AT))
    return spent(oracle.answer(ids).values()) / len(ids) if ids else 1.0

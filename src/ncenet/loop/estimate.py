"""What a run would cost: a few steps of the real network on made-up images, multiplied."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch

from ncenet.data.open import open_test, open_train
from ncenet.errors import DataError, UnreadableImage
from ncenet.learners.classifier import PREDICT_BATCH
from ncenet.learners.processes import processes
from ncenet.loop.estimate_boxes import Speed, boxes_per_image, speed_of_detector
from ncenet.nn.auxiliary import AuxiliaryFactory, stage_channels
from ncenet.nn.backbones import build_backbone
from ncenet.nn.heads import build_head
from ncenet.nn.network import Network
from ncenet.recipe import Recipe
from ncenet.strategies import build_strategy
from ncenet.types import Pool

_PROBE_STEPS = 4


@dataclass(frozen=True)
class Cost:
    """An estimate for one trial.

    Attributes:
        pool: images there are.
        labels: images labelled in all.
        steps: optimizer steps in all.
        train_seconds: spent in fits.
        score_seconds: spent predicting on pool and test set.
        megabytes: of memory: decoded images, network, activations.
        parameters: of the network.
    """

    pool: int
    labels: int
    steps: int
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
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with --classes")
    pool, tested = len(train.pool.ids()), 0 if test is None else len(test.pool.ids())
    loop, fit = recipe.loop, recipe.train
    per_label = 1.0 if loop.budget_unit == "image" else 1 / boxes_per_image(train)
    budgets = [loop.initial + i * loop.query_size for i in range(loop.cycles)]
    sizes = [min(pool, math.ceil(budget * per_label)) for budget in budgets]
    per_epoch = [math.ceil(size / fit.batch_size) for size in sizes]
    steps = sum(n * max(fit.epochs, math.ceil(fit.min_steps / n)) for n in per_epoch)
    scored = sum(min(pool - size, loop.pool_subset or pool) for size in sizes[:-1]) + tested * loop.cycles

    batch = min(fit.batch_size, sizes[-1])
    auxiliary, members = getattr(build_strategy(loop), "auxiliary", None), recipe.model.members
    if recipe.task == "detection":
        speed = speed_of_detector(recipe, names, batch, auxiliary)
    else:
        speed = _speed_of_classifier(recipe, _shape(train.pool, recipe), len(names), batch, auxiliary)
    images_bytes = (pool + tested) * math.prod(speed.shape)
    return Cost(
        pool=pool,
        labels=sizes[-1],
        steps=members * steps,
        train_seconds=members * steps * speed.step,
        score_seconds=members * scored * speed.image,
        # Weights, gradients, momentum and a checkpoint; decoded images if they are kept.
        megabytes=(16 * members * speed.parameters + min(images_bytes, recipe.data.cache_gb * 1e9)) / 1e6,
        parameters=members * speed.parameters,
    )


def _speed_of_classifier(
    recipe: Recipe, shape: tuple[int, ...], classes: int, batch: int, factory: AuxiliaryFactory | None
) -> Speed:
    device = processes().device
    backbone = build_backbone(recipe.model, shape)
    width: int = backbone.out_features  # type: ignore[assignment]
    head = build_head(recipe.model.head, width, classes)
    auxiliary = factory(stage_channels(backbone, shape)) if factory else None
    network = Network(
        backbone, head, dropout=recipe.model.dropout, channels=shape[0], auxiliary=auxiliary
    ).to(device)
    if len(shape) == 3 and recipe.train.channels_last:
        network = network.to(memory_format=torch.channels_last)
    return Speed(
        _seconds_per_step(network, (batch, *shape), device),
        _seconds_per_image(network, shape, device),
        sum(p.numel() for p in network.parameters()),
        shape,
    )


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


def _seconds_per_step(network: Network, shape: tuple[int, ...], device: torch.device) -> float:
    inputs = torch.zeros(shape, device=device)
    targets = torch.zeros(shape[0], dtype=torch.long, device=device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
    network.train()

    def step() -> None:
        optimizer.zero_grad()
        said = network(inputs)
        losses = network.head.loss(said.output, targets)
        extra = 0.0 if network.auxiliary is None else network.auxiliary.loss(said.auxiliary, losses.detach())
        (losses.mean() + extra).backward()
        optimizer.step()

    return _median_seconds(step, device)


def _seconds_per_image(network: Network, shape: tuple[int, ...], device: torch.device) -> float:
    inputs = torch.zeros(PREDICT_BATCH, *shape, device=device)
    network.eval()
    with torch.inference_mode():
        return _median_seconds(lambda: network(inputs), device) / PREDICT_BATCH


def _median_seconds(call: object, device: torch.device) -> float:
    assert callable(call)
    call()
    seconds = []
    for _ in range(_PROBE_STEPS):
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[_PROBE_STEPS // 2]

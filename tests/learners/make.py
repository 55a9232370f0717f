"""Small labelled sets that a network learns in a few steps, and classifiers for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from ncenet.data.pools import ArrayPool
from ncenet.learners.classifier import Classifier
from ncenet.learners.committee import Committee, build_learner
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet, Prediction

CLASSES = ("ant", "bee", "cow")
SIDE = 8


def images(count: int = 24, *, channels: int = 1) -> ArrayPool:
    """Noise around a brightness that tells the class: image i is of class i % 3."""
    noise = np.random.default_rng(0).integers(0, 60, (count, SIDE, SIDE, channels))
    brightness = 80 * (np.arange(count) % 3)
    return ArrayPool((noise + brightness[:, None, None, None]).astype(np.uint8))


def vectors(count: int = 24, *, dimensions: int = 5) -> ArrayPool:
    """Gaussian clouds, one for each class: vector i is of class i % 3."""
    noise = np.random.default_rng(0).standard_normal((count, dimensions))
    noise[np.arange(count), np.arange(count) % 3] += 6
    return ArrayPool(noise.astype(np.float32))


def labeled(pool: ArrayPool, count: int = 18) -> LabeledSet:
    ids = list(pool.ids())[:count]
    return LabeledSet(ids, [CLASSES[int(id) % 3] for id in ids], CLASSES)


def classifier(
    *,
    seed: int = 0,
    backbone: str = "mlp",
    dropout: float = 0.0,
    mirrored: bool = False,
    head: HeadRecipe | None = None,
    own=None,
    auxiliary=None,
    notify=None,
    **train,
) -> Classifier:
    """A classifier that takes few and cheap steps unless told otherwise."""
    return Classifier(
        ModelRecipe(
            backbone=backbone, dropout=dropout, mirrored=mirrored, passes=4, head=head or HeadRecipe()
        ),
        TrainRecipe(**{"epochs": 4, "min_steps": 0, "batch_size": 6, **train}),
        DataRecipe(image_size=SIDE, workers=1),
        Streams(seed),
        backbone=own,
        auxiliary=auxiliary,
        notify=notify,
    )


def committee(members: int = 3, *, notify=None, **train) -> Committee:
    """A committee of such classifiers."""
    return build_learner(
        ModelRecipe(backbone="mlp", members=members),
        TrainRecipe(**{"epochs": 4, "min_steps": 0, "batch_size": 6, "checkpoint_seconds": 0, **train}),
        DataRecipe(image_size=SIDE, workers=1),
        Streams(0),
        notify=notify,
    )


def weights(learner: Classifier) -> dict[str, list]:
    """All parameters and statistics, bit for bit comparable."""
    return {name: tensor.tolist() for name, tensor in learner.network.state_dict().items()}


def losses_of_a_reader(predictions: Iterable[Prediction]) -> list[float]:
    """What a linear map on the features, trained to say 1 while the predictions come in, is wrong by."""
    losses, map = [], None
    for prediction in predictions:
        assert torch.is_grad_enabled(), "the loop runs in its own mode"
        features = torch.nn.functional.normalize(prediction.features)
        if map is None:
            map = torch.zeros(features.shape[1], requires_grad=True)
        loss = (features @ map - 1).square().mean()
        (step,) = torch.autograd.grad(loss, map)
        map = (map - 0.4 * step).detach().requires_grad_()
        losses.append(loss.item())
    return losses

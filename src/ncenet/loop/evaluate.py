"""Accuracy on held-out images, read once, after training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ncenet.data.dataset import TestSet
from ncenet.types import Learner


def evaluate(learner: Learner, test: TestSet) -> tuple[dict[str, Any], list[Sequence[str]]]:
    """Predict the test set.

    Args:
        learner: a fitted learner.
        test: held-out images with labels.

    Returns:
        A record (``images``, ``accuracy``, ``balanced_accuracy``: the mean over the classes that occur,
        ``per_class``, ``seconds``; accuracies in [0, 1]) and one row (id, label, predicted) an image.
    """
    start = time.perf_counter()
    predicted: list[int] = []
    for chunk in learner.predict(test.pool, test.ids, want=frozenset()):
        predicted.extend(chunk.probs.argmax(-1).tolist())
    total = [0] * len(test.class_names)
    right = [0] * len(test.class_names)
    for target, guess in zip(test.targets, predicted, strict=True):
        total[target] += 1
        right[target] += target == guess
    per_class = {name: r / n for name, r, n in zip(test.class_names, right, total, strict=True) if n}
    record = {
        "images": len(predicted),
        "accuracy": sum(right) / len(predicted),
        "balanced_accuracy": sum(per_class.values()) / len(per_class),
        "per_class": per_class,
        "seconds": time.perf_counter() - start,
    }
    names = test.class_names
    rows: list[Sequence[str]] = [
        (id, names[target], names[guess])
        for id, target, guess in zip(test.ids, test.targets, predicted, strict=True)
    ]
    return record, rows

"""How strongly the weights of softmax on stored features are pulled: by its rule, or clearly more strongly.

The rule knows how many labels a class has, and was found on sets whose classes are about equally frequent.
Where most images are of one class, and features say little of the others, a pull a hundred times as strong is
better, and few labels show it: heads that learned four fifths of them are surely wrong on the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

FACTORS = (10.0, 100.0, 1000.0)
"""Times the rule (ours). Weaker pulls than the rule never were better, measured on five sets."""
FOLDS = 5
UP_TO = 200
"""Of more labels nothing is tried (ours): the rule holds there, and fits would take longer than a second."""
MOST = 0.5
"""A stronger pull is tried where a class has so large a part of the labels, or a larger one (ours)."""
CLEARLY = math.log(20)
"""So much higher the log likelihood of labels that were left out has to be, or the rule holds (ours)."""

Fit: TypeAlias = Callable[[float, Tensor, Tensor], Callable[[Tensor], Tensor]]
"""Fits a head with so many times the pull of the rule to vectors and targets; what it says of others."""


def times_the_rule(vectors_LD: Tensor, targets: Tensor, fit: Fit) -> float:
    """How many times the pull of the rule labels that are left out in turn speak for.

    Args:
        vectors_LD: (L, D) labelled vectors.
        targets: (L,) class indices.
        fit: trains a head on some of them, and returns its map from vectors to logits (N, C).

    Returns:
        1 unless half of the labels are of one class, there are up to :data:`UP_TO`, and a stronger pull is
        clearly likelier.
    """
    counts = targets.bincount()
    if len(targets) > UP_TO or not MOST * len(targets) <= counts.max() < len(targets):
        return 1.0
    # By class and dealt out one after the other: each class is in as many folds as can be, without chance.
    order = torch.argsort(targets, stable=True)
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(order), device=order.device) % FOLDS
    chosen, best = 1.0, _log_likelihood(1.0, vectors_LD, targets, fold, fit) + CLEARLY
    for factor in FACTORS:
        found = _log_likelihood(factor, vectors_LD, targets, fold, fit)
        if found > best:
            chosen, best = factor, found
    return chosen


def _log_likelihood(factor: float, vectors: Tensor, targets: Tensor, fold: Tensor, fit: Fit) -> float:
    """Of the labels that are left out in turn and whose class is among the others."""
    total = 0.0
    for part in range(FOLDS):
        apart = fold == part
        judged = apart & torch.isin(targets, targets[~apart])
        if not judged.any():
            continue
        logits = fit(factor, vectors[~apart], targets[~apart])(vectors[judged])
        total -= float(cross_entropy(logits, targets[judged], reduction="sum"))
    return total

"""The recipe of a run that people label: small batches, and images to measure the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ncenet.recipe import Recipe

HELD_OUT = 50
FIRST_BATCH = 25
PER_CLASS = 5
"""The first batch holds so many images for each class, when there are many classes."""
OF_A_DETECTOR = {"train.epochs": 30, "train.min_steps": 300, "train.batch_size": 8, "train.lr": 0.02}
"""What trains the light detector on few images, as in recipes/bccd.yaml."""


def recipe_for_people(images: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a run that begins: small batches, and images to measure the model unless there are some.

    A detector takes smaller steps than a classifier.

    Args:
        images: where they are.
        changes: what else is wanted, by dotted path.

    Raises:
        RecipeError: a change is wrong.

    >>> recipe = recipe_for_people("photos", {"data.classes": ["cat", "dog"]})
    >>> recipe.loop.held_out, recipe.loop.initial, recipe.loop.first
    (50, 25, 'typical')
    """
    wanted = dict(changes or {})
    recipe = Recipe().with_changes({"data.train": images, "data.on_bad_image": "skip"})
    named = recipe.with_changes(wanted)
    sizes: dict[str, Any] = {
        "loop.held_out": 0 if named.data.test is not None else HELD_OUT,
        "loop.initial": max(FIRST_BATCH, PER_CLASS * len(named.data.classes)),
        "loop.query_size": FIRST_BATCH,
        "loop.first": "typical",
    }
    if named.task == "detection":
        sizes |= OF_A_DETECTOR
    return recipe.with_changes(sizes | wanted)

"""From a recipe to its query strategy."""

from __future__ import annotations

from collections.abc import Callable

from ncenet.errors import RecipeError
from ncenet.recipe import LoopRecipe, Recipe
from ncenet.strategies import strategies
from ncenet.strategies.diverse import diversified
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import QueryStrategy

CONDITIONS: dict[str, tuple[Callable[[Recipe], bool], str]] = {
    "classes": (
        lambda recipe: recipe.task == "classification",
        "one class an image, and task detection has none: take confusion or rejection",
    ),
    "committee": (
        lambda recipe: recipe.model.members > 1,
        "model.members > 1: one network is no committee",
    ),
    "nce": (
        lambda recipe: recipe.model.head.name == "nce",
        "model.head.name nce: rows of softmax sum to one",
    ),
    "pairs": (
        lambda recipe: recipe.train.batch_size >= 2,
        "train.batch_size >= 2: it learns from pairs of images",
    ),
    "samples": (
        lambda recipe: recipe.model.dropout > 0 or recipe.model.members > 1,
        "model.dropout > 0 or model.members > 1: without either all passes agree",
    ),
}
"""What a strategy may name in ``requires`` or ``needs``: when a recipe has it, and what to say when not."""


def build_strategy(recipe: LoopRecipe) -> QueryStrategy:
    """The strategy that a recipe names.

    One that has options has a class method ``from_recipe``, which reads them.

    Args:
        recipe: section ``loop``.

    Raises:
        UnknownName: there is no such strategy.
    """
    factory = strategies.get(recipe.strategy)
    from_recipe: Callable[[LoopRecipe], QueryStrategy] | None = getattr(factory, "from_recipe", None)
    return factory() if from_recipe is None else from_recipe(recipe)


def check_fits(strategy: QueryStrategy, recipe: Recipe) -> None:
    """Make sure that the rest of a recipe lets its strategy work.

    Args:
        strategy: what ``recipe.loop`` names. Beside ``needs`` it may have an attribute ``requires``, a set of
            ``"classes"`` (one for each image, so no detection), ``"committee"``, ``"nce"`` (the head) and
            ``"pairs"`` (of images in a batch).
        recipe: the whole run.

    Raises:
        RecipeError: it doesn't; says which field to change.
    """
    asked = strategy.needs | getattr(strategy, "requires", frozenset())
    for name, (met, what) in CONDITIONS.items():
        if name in asked and not met(recipe):
            raise RecipeError(f"strategy {recipe.loop.strategy} needs {what}")


def open_strategy(recipe: Recipe) -> QueryStrategy:
    """The query strategy that a recipe names, with its ways of aggregating anchors and of spreading a query.

    Raises:
        UnknownName: there is no such strategy.
        RecipeError: the rest of the recipe doesn't let it work.
        UsageError: it is to be diversified and doesn't rank images by a score.
    """
    loop = recipe.loop
    strategy = build_strategy(loop)
    check_fits(strategy, recipe)
    if isinstance(strategy, ScoreStrategy):
        strategy = strategy.aggregating(loop.aggregate, loop.aggregate_k)
    return diversified(strategy, loop.strategy, loop.diversify, loop.diversify_factor)

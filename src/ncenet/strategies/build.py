"""From a recipe to its query strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from ncenet.errors import RecipeError, UnknownName, UsageError
from ncenet.given import is_given, missing
from ncenet.recipe import LoopRecipe, ModelRecipe, Recipe
from ncenet.strategies import strategies
from ncenet.strategies.options import checked, options_of
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import QueryStrategy, whole_strategy

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
    "in_radii": (
        lambda recipe: (
            recipe.task == "classification"
            and recipe.model.members == 1
            and recipe.model.head.name == "nce"
            and recipe.model.head.kernel == "gaussian"
        ),
        "the radius of one NCE head with the Gaussian kernel, for one class an image (model.head.name nce, "
        "model.head.kernel gaussian, model.members 1): max-herding takes any features",
    ),
    "pairs": (
        lambda recipe: recipe.train.batch_size >= 2,
        "train.batch_size >= 2: it learns from pairs of images",
    ),
    "scikit-activeml": (
        lambda recipe: find_spec("skactiveml") is not None,
        "scikit-activeml: pip install 'ncenet[bench]'",
    ),
    "samples": (
        lambda recipe: recipe.model.dropout > 0 or recipe.model.members > 1,
        "model.dropout > 0 or model.members > 1: without either all passes agree",
    ),
}
"""What a strategy may name in ``requires`` or ``needs``: when a recipe has it, and what to say when not."""

SAID: dict[str, frozenset[str]] = {
    "classification": frozenset({"probs", "features", "samples", "in_radii", "inputs"}),
    "detection": frozenset({"probs", "features", "samples", "boxes", "inputs"}),
}
"""What a strategy may name in ``needs``, by task: what our learners say of an image."""

ORACLE = "oracle"
"""No strategy but a line that none can be above: it reads hidden labels and test accuracy."""

PASSES: int = ModelRecipe.model_fields["passes"].default


def build_strategy(recipe: LoopRecipe) -> QueryStrategy:
    """The strategy that a recipe names, made with the options that it gives.

    Args:
        recipe: section ``loop``.

    Raises:
        UnknownName: there is no such strategy.
        UsageError: the recipe's strategy was an object, which is not here; or the oracle line, which is for
            simulations alone.
        RecipeError: it has no such option, or the value of one is out of range.
    """
    if is_given(recipe.strategy):
        missing(recipe.strategy, "strategy")
    if recipe.strategy == ORACLE:
        raise UsageError(
            "strategy oracle reads hidden labels and test accuracy: only ncenet simulate and ncenet compare "
            "have it, as the line that no strategy should be above"
        )

    def make(factory: Callable[..., QueryStrategy]) -> QueryStrategy:
        options = checked(factory, recipe.options, where="loop.options.", name=f"strategy {recipe.strategy}")
        return whole_strategy(factory(**{name: getattr(options, name) for name in recipe.options}))

    return strategies.use(recipe.strategy, make)


def check_fits(strategy: QueryStrategy, recipe: Recipe) -> None:
    """Make sure that the rest of a recipe lets its strategy work.

    Args:
        strategy: what ``recipe.loop`` names; see its ``needs`` and ``requires``.
        recipe: the whole run.

    Raises:
        RecipeError: it doesn't; says which field to change.
        UnknownName: it requires what no recipe can have, or needs what no learner of ours says.
    """
    for name in sorted(strategy.requires - CONDITIONS.keys()):
        raise UnknownName("requirement", name, CONDITIONS, where=f"strategy {recipe.loop.strategy}")
    asked = strategy.needs | strategy.requires
    for name, (met, what) in CONDITIONS.items():
        if name in asked and not met(recipe):
            raise RecipeError(f"strategy {recipe.loop.strategy} needs {what}")
    if recipe.model.passes != PASSES and "samples" not in asked:
        raise RecipeError(f"model.passes: strategy {recipe.loop.strategy} makes no passes: leave it out")
    if isinstance(strategy, ScoreStrategy) and recipe.task == "classification":
        how = strategy.options.aggregate
        if how != options_of(ScoreStrategy).model_fields["aggregate"].default:
            raise RecipeError(
                f"loop.options.aggregate: {how} makes one score of those of an image's anchors, and task "
                "classification has none: leave it out"
            )
    if not is_given(recipe.model.backbone):  # a learner of somebody's own may say whatever it likes
        check_needs(strategy, recipe)


def check_needs(strategy: QueryStrategy, recipe: Recipe) -> None:
    """Make sure that a learner of ours says what a strategy reads, before one is trained for it.

    Raises:
        UnknownName: it needs something else, and brings no auxiliary that might say it.
    """
    said = SAID[recipe.task]
    for name in sorted(strategy.needs - said) if strategy.auxiliary is None else ():
        raise UnknownName("need", name, said, where=f"strategy {recipe.loop.strategy}")


def open_strategy(recipe: Recipe) -> QueryStrategy:
    """The query strategy that a recipe names, when it fits the rest of the recipe.

    Raises:
        UnknownName: there is no such strategy.
        RecipeError: the rest of the recipe doesn't let it work, or it doesn't read something that is set.
    """
    strategy = build_strategy(recipe.loop)
    check_fits(strategy, recipe)
    return strategy


def for_strategy(base: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A base recipe with changes, perhaps of the strategy: what the base sets for others is left behind.

    Options of the base go to each strategy that has them, its own too, and its number of passes to those that
    make some.

    Raises:
        RecipeError: as :meth:`~ncenet.recipe.Recipe.with_changes`.
        UnknownName: the changes name a strategy that there isn't.
    """
    recipe, changes = base.with_changes(dict(changes)), dict(changes)
    strategy = recipe.loop.strategy
    if base.loop.options and "loop.options" not in changes:
        recipe = base.with_changes({"loop.options": _options_for(strategy, base.loop), **changes})
    left = recipe.model.passes == base.model.passes != PASSES and "model.passes" not in changes
    if left and (strategy == ORACLE or "samples" not in build_strategy(recipe.loop).needs):
        return recipe.with_changes({"model.passes": PASSES})
    return recipe


def _options_for(strategy: str, base: LoopRecipe) -> dict[str, Any]:
    """Options of a base that a strategy has; the oracle line and an object have those given with them."""
    if strategy == ORACLE or is_given(strategy):
        return dict(base.options) if strategy == base.strategy else {}
    has = strategies.use(strategy, options_of).model_fields
    return {option: value for option, value in base.options.items() if option in has}

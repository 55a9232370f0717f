"""Query strategies: the rules that pick the images to label next, one file each.

A strategy sees predictions and never an oracle. Built-ins enter by being a module of this package, plug-ins
by an entry point of the group ``ncenet.strategies``; nothing of either is imported before it is asked for.
"""

from collections.abc import Callable

from ncenet.recipe import LoopRecipe
from ncenet.registry import Registry
from ncenet.types import QueryStrategy

strategies: Registry[QueryStrategy] = Registry(
    "query strategy", package="ncenet.strategies", group="ncenet.strategies"
)


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

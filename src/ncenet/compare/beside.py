"""A strategy beside others: the comparison that is asked for most often, from one recipe and some names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ncenet.compare.comparison import Arm, Comparison
from ncenet.recipe import Recipe


def beside_comparison(recipe: Recipe, beside: Sequence[str], seeds: int) -> Comparison:
    """A recipe's strategy and others, on the same initial sets; the first of the others is the baseline.

    Options go to all strategies that have them, but for ``diversify``, which is the recipe's own strategy's;
    the others query as they do without it. So the same strategy may stand beside itself.

    Args:
        recipe: what all share, and the strategy that is asked about.
        beside: names of the others.
        seeds: trials of each, with the seeds from the recipe's on.

    Raises:
        UnknownName: there is no such strategy.
        RecipeError: a strategy does not fit the rest of the recipe, or has no such option.
    """
    from ncenet.loop.oracle import open_simulated
    from ncenet.strategies.build import ORACLE, for_strategy

    open_simulated(recipe)  # mistakes come before the first trial runs
    loop, head = recipe.loop, recipe.model.head.name
    spread = loop.options.get("diversify", "none")
    said = "" if spread == "none" else f", {spread}"
    arms = [Arm(name=f"{head} {loop.strategy}{said}", changes={"loop.strategy": loop.strategy})]
    shared = {name: value for name, value in loop.options.items() if not name.startswith("diversify")}
    plain = recipe.with_changes({"loop.options": shared})
    for name in dict.fromkeys(beside):
        if name == loop.strategy and spread == "none":
            continue
        other = for_strategy(plain, {"loop.strategy": name})
        open_simulated(other)
        changes: dict[str, Any] = {"loop.strategy": name}
        if spread != "none":
            changes["loop.options"] = other.loop.options
        arms.append(Arm(name=f"{head} {name}", changes=changes))
    others = [arm.name for arm in arms[1:] if arm.changes["loop.strategy"] != ORACLE]
    return Comparison(
        base=recipe,
        arms=tuple(arms),
        seeds=tuple(range(loop.seed, loop.seed + seeds)),
        baseline=(others or [arms[0].name])[0],
    )

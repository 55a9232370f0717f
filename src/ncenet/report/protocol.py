"""What must be stated with every number: how it was measured, read from the recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ncenet.compare.comparison import Comparison
from ncenet.recipe import Recipe


def protocol_of_comparison(comparison: Comparison) -> dict[str, str]:
    """What must be stated with every number of a comparison, by subject."""
    recipes = {arm.name: comparison.recipe(arm.name, comparison.seeds[0]) for arm in comparison.arms}
    n = len(comparison.seeds)
    return _facts(recipes) | {
        "Initial set": f"{comparison.base.loop.initial:,} random images, the same for all arms of a seed",
        "Seeds": f"{', '.join(map(str, comparison.seeds))} ({n} {'run' if n == 1 else 'runs'} of each arm)",
        "Mean over cycles": "each cycle counts the same; all but the area under the learning curve",
        "±": "standard deviation over seeds",
        "Intervals": "95 %, Student's t on differences paired by seed. Each stands alone: of many arms that "
        "are all the same, one in twenty comes out as better or worse",
    }


def protocol_of_run(recipe: Recipe) -> dict[str, str]:
    """What must be stated with every number of a run, by subject."""
    return _facts({"": recipe}) | {
        "Initial set": f"{recipe.loop.initial:,} random images",
        "Seeds": f"{recipe.loop.seed} (a single run)",
    }


def _facts(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    facts: dict[str, Callable[[Recipe], str]] = {
        "Images": _images,
        "Network": lambda r: f"{r.model.backbone}, {r.model.head.name} head",
        "Query strategy": lambda r: (
            r.loop.strategy
            if r.loop.diversify == "none"
            else f"{r.loop.strategy}, spread by {r.loop.diversify} over the "
            f"{r.loop.diversify_factor * r.loop.query_size:,} images with the highest scores"
        ),
        "Labels": lambda r: (
            f"{r.loop.initial:,} in the first cycle, {r.loop.query_size:,} more in each of the "
            f"{r.loop.cycles - 1} that follow"
        ),
        "Weights": lambda r: (
            "carried over between cycles (warm)" if r.train.warm else "reset before every cycle (cold)"
        ),
        "Training": lambda r: (
            f"{r.train.epochs} epochs, at least {r.train.min_steps:,} steps, of {r.train.batch_size} images"
        ),
        "Tested network": lambda r: "the one of the last epoch; no checkpoint is chosen on the test images",
        "Pool": lambda r: (
            "scored whole"
            if r.loop.pool_subset is None
            else f"a fresh random subset of {r.loop.pool_subset:,} is scored in each cycle"
        ),
        "Scoring": lambda r: "under the test transform, without augmentation",
    }
    return {subject: _agreed({arm: fact(r) for arm, r in recipes.items()}) for subject, fact in facts.items()}


def _agreed(by_arm: Mapping[str, str]) -> str:
    """One fact if all arms share it, else each with the arms that it holds for."""
    arms: dict[str, list[str]] = {}
    for arm, fact in by_arm.items():
        arms.setdefault(fact, []).append(arm)
    if len(arms) == 1:
        return next(iter(arms))
    return "; ".join(f"{fact} ({', '.join(names)})" for fact, names in arms.items())


def _images(recipe: Recipe) -> str:
    data = recipe.data
    tail = "" if data.long_tail is None else f", thinned to a long tail of 1 in {data.long_tail:g}"
    return f"{data.train}{tail}, tested on {data.test or 'its own held-out images'}"

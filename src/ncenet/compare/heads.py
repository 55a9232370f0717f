"""Which arms share a head, and which of them picks at random: what tells the head from the selection."""

from __future__ import annotations

from typing import Any

import yaml

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.data_sets import of_set
from ncenet.errors import RecipeError
from ncenet.recipe import HeadRecipe, Recipe
from ncenet.section import flat
from ncenet.strategies.build import ORACLE


def heads(comparison: Comparison) -> dict[str, HeadRecipe]:
    """The head of each arm, by name of the arm.

    A recipe sets nothing that it does not read, so equal heads have equal settings.
    """
    return {arm.name: _recipe(comparison, arm.name).model.head for arm in comparison.arms}


def strategy_of(comparison: Comparison, arm: str) -> str:
    """Query strategy of an arm."""
    return _recipe(comparison, arm).loop.strategy


def reads_the_test(comparison: Comparison, arm: str) -> bool:
    """Whether an arm is the oracle: no strategy, so it is judged by nobody, and nobody by it."""
    return strategy_of(comparison, arm) == ORACLE


def against_baseline(comparison: Comparison) -> dict[str, str]:
    """Each arm that is judged -> the baseline: all but the baseline itself and the oracle."""
    baseline = comparison.baseline_arm
    names = [arm.name for arm in comparison.arms if arm.name != baseline]
    return {name: baseline for name in names if not reads_the_test(comparison, name)}


def training_of(comparison: Comparison, arm: str) -> Recipe:
    """The recipe of an arm but for its head and how it selects."""
    recipe, plain = _recipe(comparison, arm), Recipe()
    model = recipe.model.model_copy(update={"head": plain.model.head})
    return recipe.model_copy(update={"model": model, "loop": plain.loop})


def random_arm(comparison: Comparison, arm: str) -> str | None:
    """The arm of the same head that picks at random; itself, if it does; None if there is none.

    Of several the one whose recipe differs in the fewest fields.
    """
    recipe = _recipe(comparison, arm)
    others = {
        other.name: _recipe(comparison, other.name)
        for other in comparison.arms
        if strategy_of(comparison, other.name) == "random"
    }
    same = {name: other for name, other in others.items() if other.model.head == recipe.model.head}
    if arm in same:
        return arm
    return min(same, key=lambda name: len(_differing(recipe, same[name])), default=None)


def check_random_arms(comparison: Comparison) -> None:
    """Make sure that what selection gains can be told from what the head gains, on each data set.

    A file is asked for that, wherever it is read; arms put together in Python may be any.

    Raises:
        RecipeError: a head is used without a random arm of the same head; holds the lines to add.
    """
    for name, part in (comparison.sets or {"": comparison}).items():
        try:
            _check_random_arms(part)
        except RecipeError as error:
            raise RecipeError(f"{of_set(name)}{error}") from None


def _check_random_arms(comparison: Comparison) -> None:
    missing: dict[str, Arm] = {}
    for arm in comparison.arms:
        if random_arm(comparison, arm.name) is None:
            head = _recipe(comparison, arm.name).model.head
            missing.setdefault(head.model_dump_json(), arm)
    if missing:
        needed = [_random_twin(comparison, arm) for arm in missing.values()]
        lines = yaml.safe_dump(needed, sort_keys=False, allow_unicode=True, width=1000)
        names = ", ".join(repr(arm.name) for arm in missing.values())
        indented = "".join(f"  {line}\n" for line in lines.splitlines())
        raise RecipeError(
            f"no arm picks at random with the head of {names}: what the head gains could not be told from "
            f"what the selection gains. Add to arms:\n{indented.rstrip()}"
        )


def head_name(head: HeadRecipe) -> str:
    """A head in words: its name, and the settings that are not the default.

    >>> head_name(HeadRecipe(name="softmax")), head_name(HeadRecipe(radius=0.5, kernel="cosine"))
    ('softmax', 'NCE (kernel cosine, radius 0.5)')
    """
    name = {"nce": "NCE"}.get(head.name, head.name)
    default = HeadRecipe()
    changed = [
        f"{field.replace('_', ' ')} {getattr(head, field)}"
        for field in HeadRecipe.model_fields
        if field != "name" and getattr(head, field) != getattr(default, field)
    ]
    return f"{name} ({', '.join(changed)})" if changed else name


def _recipe(comparison: Comparison, arm: str) -> Recipe:
    return comparison.recipe(arm, comparison.seeds[0])


def _random_twin(comparison: Comparison, arm: Arm) -> dict[str, Any]:
    """The arm that is missing beside ``arm``, as it stands in a file."""
    taken = {other.slug for other in comparison.arms}
    strategy = strategy_of(comparison, arm.name)
    names = (arm.name.replace(strategy, "random"), f"{arm.name} random", f"random beside {arm.name}")
    name = next(name for name in names if Arm(name=name).slug not in taken)
    return {"name": name, "changes": {**arm.changes, "loop.strategy": "random"}}


def _differing(one: Recipe, other: Recipe) -> list[str]:
    ours, theirs = flat(one.model_dump()), flat(other.model_dump())
    return [path for path in ours if ours[path] != theirs.get(path)]

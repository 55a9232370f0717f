"""What may not be meant as it stands in a comparison, and does no harm: said before anything runs."""

from __future__ import annotations

from ncenet.compare.comparison import Comparison
from ncenet.compare.data_sets import of_set
from ncenet.recipe import LoopRecipe

ONE_RECIPE = "the same recipe: what sets them apart is chance alone, as in an A/A comparison"


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """Arms that are one, on all data sets or on some, and a seed that nothing reads.

    >>> from ncenet.compare import Arm
    >>> from ncenet.recipe import Recipe
    >>> remarks(Comparison(base=Recipe().with_changes({"loop.seed": 7}), arms=[Arm(name="a")], seeds=[0, 1]))
    ('base.loop.seed 7 is not used: seeds says with which each arm runs (0, 1)',)
    """
    parts = comparison.sets or {"": comparison}
    same: dict[tuple[str, ...], list[str]] = {}
    for name, part in parts.items():
        for group in part.alike:
            same.setdefault(group, []).append(name)
    found = [
        f"{of_set(name)}arms {' and '.join(map(repr, group))} have {ONE_RECIPE}"
        for group, names in same.items()
        for name in ([""] if len(names) == len(parts) else names)
    ]
    seed = comparison.base.loop.seed
    if seed not in (LoopRecipe.model_fields["seed"].default, *comparison.seeds):
        listed = ", ".join(map(str, comparison.seeds))
        found.append(f"base.loop.seed {seed} is not used: seeds says with which each arm runs ({listed})")
    return tuple(found)

"""Strategies beside one another: which arms they make."""

import pytest

from ncenet.cli.trials import beside_comparison
from ncenet.errors import UsageError
from ncenet.recipe import Recipe


def arms(beside, **changes):
    recipe = Recipe().with_changes({f"loop.{name}": value for name, value in changes.items()})
    comparison = beside_comparison(recipe, beside, seeds=2)
    loops = {arm.name: comparison.recipe(arm.name, 1).loop for arm in comparison.arms}
    return comparison, {name: (loop.strategy, loop.diversify) for name, loop in loops.items()}


def test_the_first_beside_is_the_baseline_and_none_stands_twice():
    comparison, made = arms(["random", "margin", "confusion"])
    assert made == {f"nce {name}": (name, "none") for name in ("confusion", "random", "margin")}
    assert comparison.baseline_arm == "nce random"
    assert comparison.seeds == (0, 1)


def test_a_diverse_strategy_may_stand_beside_itself():
    comparison, made = arms(["confusion", "random"], diversify="kmeans")
    assert made == {
        "nce confusion, kmeans": ("confusion", "kmeans"),
        "nce confusion": ("confusion", "none"),
        "nce random": ("random", "none"),
    }
    assert comparison.baseline_arm == "nce confusion"


def test_what_cannot_be_diversified_is_refused_before_a_trial_runs():
    with pytest.raises(UsageError, match="core-set does not rank images by a score"):
        arms(["random"], strategy="core-set", diversify="kcenter")

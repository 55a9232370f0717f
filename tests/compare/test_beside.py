"""Strategies beside one another: which arms they make."""

import pytest

from ncenet.compare.beside import beside_comparison
from ncenet.errors import RecipeError
from ncenet.recipe import Recipe


def arms(beside, **changes):
    recipe = Recipe().with_changes({f"loop.{name}": value for name, value in changes.items()})
    comparison = beside_comparison(recipe, beside, seeds=2)
    loops = {arm.name: comparison.recipe(arm.name, 1).loop for arm in comparison.arms}
    return comparison, {name: (loop.strategy, loop.options) for name, loop in loops.items()}


def test_the_first_beside_is_the_baseline_and_none_stands_twice():
    comparison, made = arms(["random", "margin", "confusion"])
    assert made == {f"nce {name}": (name, {}) for name in ("confusion", "random", "margin")}
    assert comparison.baseline_arm == "nce random"
    assert comparison.seeds == (0, 1)


def test_a_diverse_strategy_may_stand_beside_itself():
    comparison, made = arms(["confusion", "random"], options={"diversify": "kmeans"})
    assert made == {
        "nce confusion, kmeans": ("confusion", {"diversify": "kmeans"}),
        "nce confusion": ("confusion", {}),
        "nce random": ("random", {}),
    }
    assert comparison.baseline_arm == "nce confusion"


def test_what_cannot_be_diversified_is_refused_before_a_trial_runs():
    with pytest.raises(RecipeError, match="core-set has no option 'diversify': it has none"):
        arms(["random"], strategy="core-set", options={"diversify": "kcenter"})


def test_options_go_to_all_that_have_them_but_for_the_spread():
    options = {"diversify": "kmeans", "aggregate": "nms-sum"}
    recipe = Recipe(task="detection").with_changes({"loop.options": options})
    comparison = beside_comparison(recipe, ["entropy", "confusion", "core-set"], seeds=1)
    assert {arm.name: comparison.recipe(arm.name, 0).loop.options for arm in comparison.arms} == {
        "nce confusion, kmeans": options,
        "nce entropy": {"aggregate": "nms-sum"},
        "nce confusion": {"aggregate": "nms-sum"},
        "nce core-set": {},
    }

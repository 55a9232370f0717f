import pytest
import yaml

import ncenet as api
from ncenet.compare import Arm, Comparison
from ncenet.compare.data_sets import DataSet
from ncenet.compare.heads import check_random_arms, head_name, heads, random_arm
from ncenet.errors import RecipeError
from ncenet.recipe import HeadRecipe, Recipe

BASE = Recipe().with_changes({"loop.strategy": "random"})
SOFTMAX = {"model.head.name": "softmax"}


def comparison(*arms):
    return Comparison(base=BASE, arms=[Arm(name=name, changes=changes) for name, changes in arms], seeds=[0])


def test_a_frozen_radius_is_a_head_of_its_own():
    found = heads(
        comparison(
            ("a", {}),
            ("b", {"model.head.radius": 0.5}),
            ("c", SOFTMAX),
        )
    )
    assert found["a"] != found["b"]
    assert found["a"] != found["c"]
    assert head_name(found["b"]) == "NCE (radius 0.5)"


def test_the_random_arm_is_the_one_of_the_same_head():
    asked = comparison(
        ("NCE random", {}),
        ("NCE rejection", {"loop.strategy": "rejection"}),
        ("softmax entropy", {**SOFTMAX, "loop.strategy": "entropy"}),
        ("softmax random", SOFTMAX),
        ("softmax random, long", {**SOFTMAX, "train.epochs": 90}),
        ("softmax margin, long", {**SOFTMAX, "loop.strategy": "margin", "train.epochs": 90}),
    )
    assert random_arm(asked, "NCE rejection") == "NCE random"
    assert random_arm(asked, "NCE random") == "NCE random"
    assert random_arm(asked, "softmax entropy") == "softmax random"
    assert random_arm(asked, "softmax margin, long") == "softmax random, long", "the nearest of two"
    check_random_arms(asked)


def test_a_head_without_random_is_refused_with_the_lines_that_help():
    frozen = {"model.head.radius": 0.5}
    arms = (
        ("NCE random", {}),
        ("rejection-", {**frozen, "loop.strategy": "rejection"}),
        ("confusion-", {**frozen, "loop.strategy": "confusion"}),
        ("softmax entropy", {**SOFTMAX, "loop.strategy": "entropy"}),
    )
    with pytest.raises(
        RecipeError, match="no arm picks at random with the head of 'rejection-', 'softmax"
    ) as e:
        check_random_arms(comparison(*arms))
    lines = yaml.safe_load(str(e.value).split("Add to arms:\n")[1])
    assert [line["name"] for line in lines] == ["random-", "softmax random"]
    whole = comparison(*arms, *((line["name"], line["changes"]) for line in lines))
    check_random_arms(whole)
    assert random_arm(whole, "confusion-") == "random-"


def test_the_lines_that_help_take_no_name_that_is_taken():
    arms = (("softmax random", {}), ("softmax entropy", {**SOFTMAX, "loop.strategy": "entropy"}))
    with pytest.raises(RecipeError, match="name: softmax entropy random"):
        check_random_arms(comparison(*arms))


def test_a_head_is_named_by_what_is_not_the_default():
    assert head_name(HeadRecipe()) == "NCE"


def test_a_file_is_asked_for_a_random_arm_wherever_it_is_read(tmp_path, ncenet):
    """The command and the function alike, before anything is written."""
    asked = comparison(("entropy", {**SOFTMAX, "loop.strategy": "entropy"}))
    (tmp_path / "arms.yaml").write_text(asked.to_yaml())
    why = "no arm picks at random with the head of 'entropy'"
    with pytest.raises(RecipeError, match=why):
        api.compare(tmp_path / "arms.yaml", tmp_path / "out")
    done = ncenet("compare", tmp_path / "arms.yaml", "--out", tmp_path / "out")
    assert done.code == 2 and why in done.err and not (tmp_path / "out").exists()


def test_each_data_set_is_asked_for_a_random_arm():
    several = comparison(("entropy", {"loop.strategy": "entropy"})).model_copy(
        update={"data": (DataSet(train="digits"), DataSet(train="shapes"))}
    )
    with pytest.raises(RecipeError, match="no arm picks at random with the head of 'entropy'"):
        check_random_arms(several)

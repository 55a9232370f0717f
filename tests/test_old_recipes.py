"""Recipes of earlier versions: their names are taken with a pointer, their run folders as they are."""

import warnings

import pytest

from ncenet.errors import RecipeError, Renamed
from ncenet.old_recipes import MOVED
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_file import keep
from ncenet.run.recipe_record import check_recipe
from ncenet.strategies.build import open_strategy

OLD = {name: default for name, (_, default) in MOVED.items()}


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("diversify", "kmeans", "diversify"),
        ("aggregate", "max", "aggregate"),
        ("adversarial_steps", 5, "steps"),
    ],
)
def test_an_old_name_is_taken_with_a_pointer(tmp_path, old, value, new):
    file = tmp_path / "r.yaml"
    file.write_text(f"loop: {{{old}: {value}}}\n")
    with pytest.warns(Renamed, match=rf"loop\.{old} is an option .* say loop\.options\.{new}"):
        assert Recipe.load(file).loop.options == {new: value}
    with pytest.warns(Renamed, match=rf"say loop\.options\.{new}"):
        assert Recipe().with_changes({f"loop.{old}": value}).loop.options == {new: value}


def test_a_change_by_an_old_name_goes_before_what_was_there():
    spread = Recipe().with_changes({"loop.options": {"diversify": "kmeans"}})
    assert spread.with_changes({"loop.diversify": "none"}) == Recipe()


def test_both_names_at_once_are_refused(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("loop:\n  diversify: kmeans\n  options: {diversify: kcenter}\n")
    with pytest.raises(RecipeError, match=r"r\.yaml:2 .*diversify: is called options\.diversify now"):
        Recipe.load(file)


def test_what_nobody_reads_is_refused_by_an_old_name_too():
    with pytest.warns(Renamed):
        recipe = Recipe().with_changes({"loop.adversarial_steps": 5})
    with pytest.raises(RecipeError, match=r"loop\.options\.steps: strategy confusion has no option 'steps'"):
        open_strategy(recipe)


def older(changes, tmp_path):
    """The file that an earlier version left in a run folder: every field of today's, and those that moved."""
    record = Recipe().model_dump(mode="json")
    del record["loop"]["options"]
    record["loop"] |= OLD
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = record
        for parent in parents:
            section = section[parent]
        section[last] = value
    import yaml

    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(record))
    return tmp_path


def test_run_folders_of_earlier_versions_go_on(tmp_path):
    unread = {"model.head.name": "softmax", "model.head.radius": 0.5, "loop.aggregate": "max"}
    folder = older(unread | {"loop.adversarial_steps": 7}, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recipe = Recipe.load(folder / "recipe.yaml")
    assert recipe == Recipe().with_changes({"model.head.name": "softmax"})
    check_recipe(RunFolder(folder), recipe)
    keep(folder / "recipe.yaml", recipe)


def test_what_was_read_in_a_run_folder_of_an_earlier_version_stays(tmp_path):
    folder = older({"loop.strategy": "sraal", "loop.adversarial_steps": 7}, tmp_path)
    with pytest.warns(Renamed, match="say loop.options.steps"):
        assert Recipe.load(folder / "recipe.yaml").loop.options == {"steps": 7}

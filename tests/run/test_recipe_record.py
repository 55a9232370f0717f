"""The ledger knows the recipe: what was changed or cut off stops; what changes no past result may change."""

from __future__ import annotations

import pytest

from ncenet.errors import LedgerError, RecipeError, UsageError
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.opening import open_run, survey
from ncenet.run.recipe_record import recorded
from tests.labels.make import photos

RADIUS = {"model.head.radius": 0.7, "loop.cycles": 9, "loop.pool_subset": 3, "data.workers": 3}


@pytest.fixture
def recipe(tmp_path):
    data = {"data.train": str(photos(tmp_path / "photos")), "data.classes": ("ant", "bee")}
    return Recipe().with_changes(data | RADIUS)


@pytest.fixture
def run(recipe, tmp_path):
    with survey(recipe, tmp_path / "run").begin() as run:
        run.tell({"a.jpg": "ant"}, who="ann")
    return tmp_path / "run"


def start_cycle(run, *, finished):
    with Ledger(run / "ledger.sqlite") as ledger:
        cycle = ledger.start_cycle(ledger.last_seq())
        if finished:
            ledger.finish_fit(cycle, {})


def goes_on(recipe, run):
    survey(recipe, run).begin().close()


def recipes(run):
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        return [(each.cycle, each.recipe) for each in recorded(ledger)]


@pytest.mark.parametrize("begun", [False, True])
def test_a_recipe_that_was_cut_off_anywhere_stops(recipe, tmp_path, begun):
    seen = survey(recipe, tmp_path / "run")
    if begun:
        seen.begin().close()
    file = tmp_path / "run" / "recipe.yaml"
    whole = file.read_bytes()
    assert Recipe.load(file) == recipe
    # Ends of lines and places within them; the last bytes are a newline and the mark.
    lines = [n for n, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({*range(0, len(whole) - 2, 97), *lines[:-1]}):
        file.write_bytes(whole[:cut])
        with pytest.raises(RecipeError):
            open_run(tmp_path / "run", begin=True).close()
    file.write_bytes(whole)
    open_run(tmp_path / "run", begin=True).close()


def test_a_recipe_that_says_another_thing_than_the_ledger_stops_with_its_field(recipe, run):
    start_cycle(run, finished=True)
    file = run / "recipe.yaml"
    file.write_text(file.read_text().replace("radius: 0.7", "radius: 0.8"))
    for step in (lambda: open_run(run), lambda: goes_on(Recipe.load(file), run)):
        with pytest.raises(RecipeError, match=r"radius: 0\.7 there, 0\.8 now(.|\n)*ncenet repair"):
            step()
    open_run(run, read_only=True).close()  # what was answered can be had in any case


def test_a_file_that_a_person_rearranged_is_theirs(recipe, run):
    file = run / "recipe.yaml"
    file.write_text(f"# for the zoo\n{recipe.to_yaml()}")
    goes_on(Recipe.load(file), run)
    assert file.read_text().startswith("# for the zoo\n")


def test_a_recipe_that_is_gone_is_named(run):
    (run / "recipe.yaml").unlink()
    with pytest.raises(UsageError, match=r"recipe\.yaml: is missing; ncenet repair .*run writes it anew"):
        open_run(run)


def test_what_changes_no_outcome_is_no_other_recipe(recipe, run):
    goes_on(recipe.with_changes({"loop.cycles": 20, "data.workers": 1}), run)
    assert recipes(run) == [(0, recipe)]


@pytest.mark.parametrize(
    "change", [{"train.lr": 0.01}, {"loop.strategy": "random"}, {"model.head.radius": 0.5}]
)
def test_before_the_first_fit_what_it_reads_may_change(recipe, run, change):
    goes_on(recipe.with_changes(change), run)
    assert recipes(run) == [(0, recipe), (1, recipe.with_changes(change))]
    goes_on(recipe.with_changes(change), run)
    with pytest.raises(RecipeError, match=r"loop\.seed"):
        goes_on(recipe.with_changes(change | {"loop.seed": 4}), run)


def test_a_fit_that_diverged_goes_on_with_another_rate(recipe, run):
    start_cycle(run, finished=True)
    slower = recipe.with_changes({"train.lr": 0.01})
    with pytest.raises(RecipeError, match=r"train\.lr: 0\.1 there, 0\.01 now"):
        goes_on(slower, run)
    start_cycle(run, finished=False)
    with pytest.raises(RecipeError, match=r"loop\.strategy"):
        goes_on(slower.with_changes({"loop.strategy": "random"}), run)
    goes_on(slower, run)
    assert recipes(run) == [(0, recipe), (2, slower)]
    assert Recipe.load(run / "recipe.yaml") == slower


def test_typical_images_were_looked_for_with_the_model(recipe, tmp_path):
    typical = recipe.with_changes({"loop.first": "typical"})
    goes_on(typical, tmp_path / "run")
    with pytest.raises(RecipeError, match=r"model\.head\.radius"):
        goes_on(typical.with_changes({"model.head.radius": 0.5}), tmp_path / "run")
    goes_on(typical.with_changes({"train.lr": 0.5}), tmp_path / "run")


@pytest.mark.parametrize("what", ["is missing", "is empty"])
def test_a_run_that_lost_its_ledger_does_not_begin_anew(recipe, run, what):
    (run / "cycles" / "000").mkdir(parents=True)
    for file in run.glob("ledger.sqlite*"):
        file.unlink()
    if what == "is empty":
        (run / "ledger.sqlite").touch()
    for step in (lambda: goes_on(recipe, run), lambda: open_run(run, begin=True)):
        with pytest.raises(UsageError, match=rf"ledger\.sqlite: {what}.*from a copy.*ncenet repair"):
            step()
    assert (run / "ledger.sqlite").exists() == (what == "is empty"), "nothing was made"


def test_an_older_ledger_is_not_that_of_the_cycles(recipe, run):
    start_cycle(run, finished=True)
    (run / "cycles" / "003").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"knows 1 cycle, and .*003 is there.*ncenet repair"):
        goes_on(recipe, run)


def test_a_recipe_of_a_later_version_is_named(run):
    with Ledger(run / "ledger.sqlite") as ledger:
        ledger.remember("recipe 2", '{"cycle": 1, "recipe": {"quantum": true}}')
        with pytest.raises(LedgerError, match="its recipe can't be read by this version"):
            recorded(ledger)

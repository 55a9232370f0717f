"""A run is begun, continued and opened in one place, without a learner."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from ncenet.errors import DataError, LedgerError, UsageError
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.opening import open_run, survey
from tests.labels.make import photos


@pytest.fixture
def recipe(tmp_path):
    data = {"data.train": str(photos(tmp_path / "photos")), "data.classes": ("ant", "bee")}
    return Recipe().with_changes(data | {"loop.strategy": "random", "loop.held_out": 1})


def test_a_survey_leaves_a_recipe_and_a_beginning_a_ledger(recipe, tmp_path):
    run = tmp_path / "run"
    seen = survey(recipe, run)
    assert not (run / "ledger.sqlite").exists() and (run / "recipe.yaml").exists()
    assert (seen.class_names, seen.test_set) == (("ant", "bee"), None)
    with seen.begin() as begun:
        assert {item.id for item in begun.ledger.items()} == set(begun.pool.ids())
        (held_out,) = begun.ledger.latest_query().query.ids
        begun.tell({held_out: "ant"}, who="ann")
    with survey(recipe, run).begin() as again, open_run(run, read_only=True) as opened:
        assert again.ledger.labeled() == opened.ledger.labeled() == [(held_out, "ant")]
        assert opened.recipe == recipe and opened.class_names == ("ant", "bee")
        assert opened.pool.ids() == again.pool.ids() and opened.last_model() is None


def test_a_folder_with_a_recipe_alone_is_begun_if_that_is_wanted(recipe, tmp_path):
    survey(recipe, tmp_path / "run")
    with pytest.raises(UsageError, match="a recipe, and nothing was asked yet"):
        open_run(tmp_path / "run", read_only=True)
    with open_run(tmp_path / "run", begin=True, read_only=True) as begun:
        assert len(begun.ledger.items()) == 4
        with pytest.raises(LedgerError, match="readonly"):
            begun.tell({"a.jpg": "ant"}, who="ann")
    with open_run(tmp_path / "run", read_only=True) as opened:
        assert len(opened.ledger.items()) == 4


@pytest.mark.parametrize("read_only", [False, True])
def test_where_no_run_is_none_is_made(tmp_path, read_only):
    with pytest.raises(UsageError, match="no run here; ncenet ask makes one"):
        open_run(tmp_path / "run", read_only=read_only)
    assert not (tmp_path / "run").exists()


def test_images_of_the_callers_own_are_taken(recipe, tmp_path):
    own = survey(recipe, tmp_path / "run").train
    subset = own.subset(own.pool.ids()[:3])
    with survey(recipe, tmp_path / "other", train=subset).begin() as begun:
        assert tuple(item.id for item in begun.ledger.items()) == own.pool.ids()[:3]


def test_reading_and_answering_import_no_torch(recipe, tmp_path):
    survey(recipe, tmp_path / "run").begin().close()
    program = (
        "import sys; from pathlib import Path; from ncenet.run.opening import open_run\n"
        f"with open_run(Path({str(tmp_path / 'run')!r})) as run: run.tell({{'a.jpg': 'ant'}}, who='ann')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def nothing(file):
    file.touch()


def write_ahead(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def tables(file):
    Ledger(file).close()


def names_of_classes(file):
    """What an earlier version left between two of its writes."""
    with Ledger(file) as ledger:
        ledger.remember("class_names", '["ant", "bee"]')


@pytest.mark.parametrize("left", [nothing, write_ahead, tables, names_of_classes])
def test_a_run_that_a_kill_left_half_begun_is_begun_by_whoever_comes_next(recipe, tmp_path, left):
    survey(recipe, tmp_path / "run")
    left(tmp_path / "run" / "ledger.sqlite")
    with pytest.raises(UsageError, match="run: a recipe, and nothing was asked yet; ncenet ask begins"):
        open_run(tmp_path / "run", read_only=True)
    with open_run(tmp_path / "run", begin=True) as run:
        assert [item.id for item in run.ledger.items()] == list(run.pool.ids()) != []
        run.tell({run.pool.ids()[0]: "ant"}, who="ann")


def test_a_run_is_begun_in_one_transaction(recipe, tmp_path, monkeypatch):
    seen = survey(recipe, tmp_path / "run")

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ncenet.run.opening.draw_held_out", killed)
    with pytest.raises(KeyboardInterrupt):
        seen.begin()
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert (ledger.class_names(), ledger.items(), ledger.recall("task")) == ((), [], None)


def test_held_out_images_of_other_classes_are_refused_before_there_is_a_run(recipe, tmp_path):
    for split, names in (("train", "ant bee"), ("test", "ant bee cat")):
        for name in names.split():
            photos(tmp_path / split / name)
    changes = {"data.train": str(tmp_path / "train"), "data.test": str(tmp_path / "test"), "data.classes": ()}
    recipe = recipe.with_changes(changes | {"loop.held_out": 0})
    with pytest.raises(DataError, match=r"\(cat\), which .* do not; .* name all classes with `data\.cl"):
        survey(recipe, tmp_path / "run")
    seen = survey(recipe.with_changes({"data.classes": ("ant", "bee", "cat")}), tmp_path / "run")
    assert seen.test_set.class_names == ("ant", "bee", "cat"), "the run takes the recipe that is put right"

"""Images that were moved are found by their bytes."""

from __future__ import annotations

import pytest

from ncenet.errors import LedgerError, UsageError
from ncenet.ledger import Answer, Ledger
from ncenet.ledger.records import Item
from ncenet.recipe import Recipe
from ncenet.run.opening import open_run, survey
from ncenet.run.relink import match_files, relink
from tests.web.conftest import paint

CHANGES = {"data.classes": ("red", "green", "blue"), "loop.held_out": 4}


@pytest.fixture
def run(tmp_path):
    """A run of 12 images, three of them answered, whose folder was moved to ``moved``."""
    paint(tmp_path / "photos", 12)
    recipe = Recipe().with_changes({"data.train": str(tmp_path / "photos"), **CHANGES})
    with survey(recipe, tmp_path / "run").begin() as begun:
        begun.tell({"r000.png": "red", "g001.png": "green", "b002.png": "blue"}, who="ann")
    (tmp_path / "photos").rename(tmp_path / "moved")
    return tmp_path / "run"


def labels(folder):
    with open_run(folder) as run:
        survey(run.recipe, folder).begin().close()
        return dict(run.ledger.labeled()), run.ledger.problems(), run.pool


def test_a_folder_that_was_moved_is_named_anew_and_nothing_else(run, tmp_path):
    paint(tmp_path / "more", 13)
    (tmp_path / "more" / "r012.png").rename(tmp_path / "moved" / "r012.png")
    found = relink(run, str(tmp_path / "moved"))
    assert str(found) == "12 of 12 images found by their bytes; 1 new"
    assert found.recipe.data.train == str(tmp_path / "moved") and not (run / "images.csv").exists()
    told, problems, pool = labels(run)
    assert told == {"r000.png": "red", "g001.png": "green", "b002.png": "blue"} and problems == {}
    assert "r012.png" in pool.ids(), "what is new joins"


def test_files_of_another_name_keep_their_ids(run, tmp_path):
    moved = tmp_path / "moved"
    before = {file.name: file.read_bytes() for file in moved.iterdir()}
    (moved / "2026").mkdir()
    (moved / "r000.png").rename(moved / "2026" / "first, or so.png")
    (moved / "g001.png").rename(moved / "swap")
    (moved / "b002.png").rename(moved / "g001.png")  # two that changed names
    (moved / "swap").rename(moved / "b002.png")
    (moved / "r009.png").unlink()
    paint(tmp_path / "more", 14)
    (tmp_path / "more" / "r012.png").rename(moved / "fresh.png")
    (tmp_path / "more" / "g013.png").rename(moved / "r009.png")
    found = relink(run, str(moved))
    assert str(found) == (
        "11 of 12 images found by their bytes, 3 of them under another name; 1 missing: r009.png; 1 new; "
        "1 left out, named like other images: r009.png"
    )
    told, problems, pool = labels(run)
    assert told == {"r000.png": "red", "g001.png": "green", "b002.png": "blue"}
    assert problems == {"r009.png": "not there any more"}
    assert pool.read("r000.png") == before["r000.png"] and pool.read("g001.png") == before["g001.png"]
    assert "fresh.png" in pool.ids()
    again = relink(run, str(moved))  # once more, from where it is
    assert len(again.found) == 12 and again.missing == ["r009.png"]


def test_a_labelled_image_that_is_missing_is_named_and_nothing_changes(run, tmp_path):
    (tmp_path / "moved" / "r000.png").unlink()
    before = (run / "recipe.yaml").read_text()
    with pytest.raises(LedgerError, match=r"1 image not in .+moved: r000.png; restore them"):
        relink(run, str(tmp_path / "moved"))
    assert (run / "recipe.yaml").read_text() == before


def test_a_skipped_image_may_be_missing(run, tmp_path):
    with Ledger(run / "ledger.sqlite") as ledger:
        ledger.tell({"g004.png": Answer.SKIP, "b005.png": Answer.UNSURE}, who="ann", cycle=0)
    for name in ("g004.png", "b005.png"):
        (tmp_path / "moved" / name).unlink()
    assert set(relink(run, str(tmp_path / "moved")).missing) == {"g004.png", "b005.png"}


def test_a_place_without_any_of_the_images_is_refused(run, tmp_path):
    paint(tmp_path / "others", 15)
    for n in range(12):
        next((tmp_path / "others").glob(f"?{n:03}.png")).unlink()
    with pytest.raises(UsageError, match=r"others: holds none of 12 images of "):
        relink(run, str(tmp_path / "others"))


def test_copies_get_the_file_of_their_name_first_and_share_what_is_left():
    items = [Item(name, "1") for name in "abcd"] + [Item("e", "2"), Item("f", "2"), Item("g", "", "broken")]
    found, missing = match_files(items, {"x": "1", "c": "1", "y": "1"})
    assert found == {"a": "x", "b": "y", "c": "c", "d": "c"} and missing == ["e", "f"]

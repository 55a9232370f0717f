"""Photographs that appear while people label."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ncenet.data.pools import FolderPool
from ncenet.run.opening import survey
from ncenet.web import arrivals as module
from ncenet.web.arrivals import Arrivals, watched
from tests.web.conftest import Page, paint, truth


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files count at once, and looks follow each other."""
    monkeypatch.setattr("ncenet.data.scan_cache.SETTLED_SECONDS", 0)
    monkeypatch.setattr(module, "PAUSE", 0.02)


def until(done):
    """Wait for what other threads do, however loaded the machine is."""
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < 120, "it never came true"
        time.sleep(0.02)


def bring(tmp_path, photos, *numbers):
    """Put images into a folder whose names hold these numbers."""
    found = []
    for file in sorted(paint(tmp_path / "later", 1 + max(numbers)).iterdir()):
        if int(file.stem[1:]) in numbers:
            found.append(file.name)
            file.rename(photos / file.name)
    return found


def test_they_are_asked_for_and_learned(opened, recipe, tmp_path):
    project = opened()
    page, photos = Page(project), Path(recipe.data.train)
    names = bring(tmp_path, photos, 40, 41, 42)
    until(lambda: project.snapshot()["images"] == 43)
    assert names == sorted(set(project.pool.ids()) - {f"{'rgb'[n % 3]}{n:03}.png" for n in range(40)})
    page.label(6)
    project.trainer.finish()

    def all_are_answered():
        for turn in page.turns(4):  # drawn by chance, so at times there is none among them
            page.tell(turn["id"], truth(turn["id"]), hash=turn["hash"])
        return len(project.ledger.labeled()) == 43

    until(all_are_answered)
    told = dict(project.ledger.labeled())
    assert {id: told[id] for id in names} == {id: truth(id) for id in names}
    assert page.get(f"/images/view/{project.pool.content_hash(names[0])}").status_code == 200
    assert not project.held_out & set(names), "what measures was drawn before"
    project.trainer.finish()  # a lesson that knows of them
    assert project.ledger.cycles()


def test_a_copy_of_an_image_that_measures_is_asked_of_nobody(opened, recipe, tmp_path):
    project = opened()
    photos, measures = Path(recipe.data.train), min(project.held_out)
    whole = {"wanted": {}, "start": 0, "count": 100}
    assert Page(project).post("/api/pool", whole).json()["total"] == 34
    (photos / "copy.png").write_bytes((photos / measures).read_bytes())
    (new,) = bring(tmp_path, photos, 40)
    until(lambda: project.snapshot()["images"] == 42)
    listed = Page(project).post("/api/pool", whole).json()
    assert listed["total"] == 35 and new in {image["id"] for image in listed["images"]}
    shown = {turn.id for turn in project.turns("window-1", "ann", [], 80)}
    assert len(shown) > 30 and "copy.png" not in shown
    project.ledger.tell({"copy.png": truth(measures)}, who="bob", cycle=0)
    assert project.snapshot()["batch"]["answered"] == 0, "and trains nothing"


def test_what_appears_before_anybody_looked_enters_no_ledger(recipe, tmp_path):
    """The process that trains opens the folder anew, with the look that the page had."""
    seen = survey(recipe, tmp_path / "run").found.scan
    bring(tmp_path, Path(recipe.data.train), 40)
    with survey(recipe, tmp_path / "run", seen=seen).begin() as run:
        assert len(run.ledger.items()) == 40 and all(item.hash for item in run.ledger.items())


def test_half_a_file_is_told_of_and_tried_again_when_it_has_changed(tmp_path):
    photos = paint(tmp_path / "photos", 3)
    looks = Arrivals(FolderPool(photos), lambda _: None)
    whole = (photos / "r000.png").read_bytes()
    (photos / "late.png").write_bytes(whole[:200])
    arrived = looks.look()
    assert [problem.id for problem in arrived.problems] == ["late.png"] and not arrived.hashes
    assert not looks.look(), "told once"
    (photos / "late.png").write_bytes(whole)
    assert list(looks.look().hashes) == ["late.png"] and not looks.look()


def test_a_file_that_is_being_written_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("ncenet.data.scan_cache.SETTLED_SECONDS", 60)
    photos = paint(tmp_path / "photos", 3)
    looks = Arrivals(FolderPool(photos, ["r000.png"]), lambda _: None)
    assert not looks.look()
    (photos.parent / "gone").mkdir()
    photos.rename(photos.parent / "gone" / "photos")
    assert not looks.look(), "a folder that is away for a while is no end"


def test_lists_and_other_places_are_not_watched(tmp_path):
    photos = paint(tmp_path / "photos", 3)
    (photos / "list.csv").write_text("path\nr000.png\n")
    assert watched(str(photos), FolderPool(photos)) is not None
    assert watched(str(photos / "list.csv"), FolderPool(photos, ["r000.png"])) is None
    assert watched(str(tmp_path), FolderPool(photos)) is None
    assert watched("digits", object()) is None

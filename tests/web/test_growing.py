"""Held-out sets that grow with the answers, and what looks like a held-out image."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from ncenet.recipe import Recipe
from ncenet.run.held_out import held_out_ids, measuring
from ncenet.web.serve import open_project
from tests.web.conftest import CLASSES, IdleTrainer, Page, paint
from tests.web.test_guess import AtOnce


def learn(project, page, count):
    """Answer so many images, and have models follow."""
    for _ in range(count):
        page.label(1)
        if project.trainer.busy:
            project.trainer.finish()


def test_more_images_measure_as_answers_come_and_none_of_them_ever_trains(opened):
    project = opened(changes={"loop.held_out_share": 0.25})
    page = Page(project)
    project.trainer.finish()
    drawn = held_out_ids(project.ledger)
    assert len(drawn) == 10, "a quarter of forty, drawn at the start"
    sizes = []
    for _ in range(5):
        learn(project, page, 8)
        sizes.append(project.snapshot()["heldOut"]["size"])
        others = len(project.ledger.closed_ids() - set(drawn))
        assert sizes[-1] == len(measuring(project.ledger)) == max(6, round(others / 3))
    assert sizes[0] == 6 and sizes[-1] == 10, sizes
    assert project.ledger.closed_ids() == set(project.pool.ids()), "in the end all are asked for"
    last = project.ledger.cycles()[-1]
    assert project.ledger.fit_report(last.number)["labeled"] <= 30


def test_what_is_not_due_yet_is_asked_for_when_nothing_else_is_left(opened):
    project = opened(changes={"loop.held_out_share": 0.5, "loop.held_out": 2})
    page = Page(project)
    project.trainer.finish()
    assert len(held_out_ids(project.ledger)) == 20
    learn(project, page, 40)
    assert project.ledger.closed_ids() == set(project.pool.ids())
    assert page.turns(4) == []


def test_a_run_of_before_keeps_its_held_out_images(opened):
    project = opened()
    assert measuring(project.ledger) == held_out_ids(project.ledger)
    assert len(measuring(project.ledger)) == 6


@pytest.fixture
def twins(tmp_path, monkeypatch):
    """A run on features, of photographs of which every fourth has a twin that differs by a pixel."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos = paint(tmp_path / "photos", 80)
    for file in sorted(photos.iterdir())[::4]:
        pixels = np.array(PIL.Image.open(file))
        pixels[0, 0, 0] ^= 1
        PIL.Image.fromarray(pixels).save(file.with_stem(f"{file.stem}-twin"))
    sizes = {"loop.held_out": 30, "loop.initial": 15, "loop.query_size": 10, "loop.first": "typical"}
    recipe = Recipe().with_changes(
        {"data.train": str(photos), "data.classes": CLASSES, "model.features": "gist"} | sizes
    )
    project = open_project(recipe, tmp_path / "run", you="ann", trains=IdleTrainer, embeds=AtOnce)
    yield project
    project.close()


def twin_of(id):
    return id.replace("-twin", "") if "-twin" in id else id.replace(".png", "-twin.png")


def test_near_copies_of_held_out_images_train_nothing_and_are_not_asked_for(twins):
    held_out, page = set(held_out_ids(twins.ledger)), Page(twins)
    wanted = {twin_of(id) for id in held_out} & set(twins.pool.ids()) - held_out
    assert wanted, "the draw split some pairs"
    other = min(wanted)
    page.tell(other, page_truth(other))  # somebody answers one before anybody knows
    twins.trainer.finish()
    assert twins.ledger.apart.ids() == wanted, "twins, and nothing else"
    learn(twins, page, 60)
    last = twins.ledger.cycles()[-1]
    learned = {id for id, _ in twins.ledger.labeled(last.upto)}
    assert other in learned, "its label stays"
    assert twins.ledger.fit_report(last.number)["labeled"] == len(learned - held_out - wanted)
    labels = {id for id, _ in twins.ledger.labeled()}
    assert labels & wanted == {other}, "none else was asked for"
    assert twins.snapshot()["heldOut"]["copies"] == len(wanted)


def page_truth(id):
    return next(name for name in CLASSES if name[0] == id[0])

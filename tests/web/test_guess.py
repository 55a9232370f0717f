"""A first guess on features, before the first fit is due: told as one, and without any consequence."""

from __future__ import annotations

import pytest

from ncenet.loop import opinions
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.opinions import read_opinions
from ncenet.web import due
from ncenet.web.due import Fresh, guess_is_due, to_ask
from ncenet.web.embedding import embed_missing
from ncenet.web.serve import open_project
from ncenet.web.trainer import OneImage, opinion_of
from tests.web.conftest import CLASSES, IdleTrainer, Page, paint, truth


class AtOnce:
    """Embeds in this process, before it returns."""

    def __init__(self, notify):
        self.notify = notify

    def start(self, job):
        embed_missing(job, self.notify, give_way=False)

    def close(self):
        pass


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos = str(paint(tmp_path / "photos", 80))
    sizes = {"loop.held_out": 15, "loop.initial": 25, "loop.query_size": 10, "loop.first": "typical"}
    recipe = Recipe().with_changes(
        {"data.train": photos, "data.classes": CLASSES, "model.features": "gist"} | sizes
    )
    project = open_project(recipe, tmp_path / "run", you="ann", trains=IdleTrainer, embeds=AtOnce)
    yield project
    project.close()


def test_it_suggests_from_twenty_answers_on_and_is_called_provisional(project):
    page, trainer = Page(project), project.trainer
    trainer.finish()  # what to ask first
    page.label(19)
    assert not trainer.lessons[-1].guess
    while not trainer.busy:
        page.label(1)
    assert trainer.lessons[-1].guess
    trained = [label for id, label in project.ledger.labeled() if id not in project.held_out]
    assert 4 <= len(trained) < 25 and len(set(trained)) == 2, "one class says nothing yet"
    asked = project.ledger.latest_query()
    trainer.finish()
    assert project.ledger.cycles() == [] and project.ledger.latest_query() == asked, "it chooses nothing"
    state = page.get("/api/state").json()
    assert state["curve"] == [] and state["training"]["phase"] == "idle"
    for id in (
        asked.query.ids[-1],
        next(iter({*project.pool.ids()} - {*asked.query.ids} - project.held_out)),
    ):
        told = page.post("/api/why", {"id": id}).json()
        assert told["provisional"] and len(told["likelihoods"]) >= 2, "of every image that it looked at"
    assert page.post("/api/why", {"id": min(project.held_out)}).json() == {"from": "held-out"}
    page.label(4)
    assert not trainer.busy
    page.label(1)
    assert trainer.busy and trainer.lessons[-1].guess, "and anew after five"


def until_measured(project):
    """Answer until a model has been measured."""
    page, trainer = Page(project), project.trainer
    trainer.finish()
    while not project.ledger.cycles():
        page.label(1)
        if trainer.busy:
            trainer.finish()
    return page, trainer


def test_a_model_that_was_measured_takes_its_place(project):
    page, trainer = until_measured(project)
    told = page.post("/api/why", {"id": project.ledger.latest_query().query.ids[-1]}).json()
    assert told["cycle"] == 1 and not told["provisional"] and told["labeled"] == 25
    assert not trainer.lessons[-1].guess


@pytest.mark.parametrize(
    ("fresh", "answers", "classes", "before", "changes", "due"),
    [
        (Fresh(4, 25, 0), 20, 2, 0, {}, True),
        (Fresh(4, 25, 0), 19, 2, 0, {}, False),
        (Fresh(3, 25, 0), 40, 2, 0, {}, False),
        (Fresh(8, 25, 0), 23, 1, 0, {}, False),
        (Fresh(8, 25, 0), 24, 2, 4, {}, False),
        (Fresh(9, 25, 0), 24, 2, 4, {}, True),
        (Fresh(25, 25, 0), 40, 2, 4, {}, False),
        (Fresh(4, 25, 1), 40, 2, 0, {}, False),
        (Fresh(4, 25, 0), 40, 2, 0, {"model.features": None}, False),
        (Fresh(4, 25, 0), 40, 2, 0, {"task": "detection"}, False),
    ],
)
def test_when_it_is_due(fresh, answers, classes, before, changes, due):
    recipe = Recipe().with_changes({"model.features": "gist"} | changes)
    assert guess_is_due(fresh, recipe, answers=answers, classes=classes, before=before) == due


def test_of_a_pool_too_large_to_look_at_any_image_is_looked_at_when_asked(project, monkeypatch):
    """Suggestions and reasons, beyond the images that a model looks at by itself after each fit."""
    monkeypatch.setattr(opinions, "MOST_VECTORS", 70)
    monkeypatch.setattr(due, "GROUPED", 20)
    page, trainer = until_measured(project)
    said = read_opinions(RunFolder(project.folder).cycle(1))
    (unseen, *_) = sorted({*project.pool.ids()} - {*said.ids} - project.held_out)
    looked = []

    def look(lesson, id):
        looked.append(id)
        return opinion_of(OneImage(lesson, id), lambda event: None)

    monkeypatch.setattr(trainer, "look", look, raising=False)
    told = page.post("/api/why", {"id": unseen}).json()
    assert looked == [unseen] and told["cycle"] == 1
    assert dict(told["likelihoods"])[truth(unseen)] > 0.5, "with what the page suggests"
    assert len(told["near"]) == 3 and all(one["image"] and one["label"] for one in told["near"])
    page.post("/api/why", {"id": said.ids[0]})
    page.post("/api/why", {"id": min(project.held_out)})
    assert looked == [unseen], "others need no second look, and of held-out ones nothing is told"


def test_on_features_a_query_holds_enough_for_groups(project):
    page, trainer = Page(project), project.trainer
    trainer.finish()
    assert trainer.lessons[0].query_size == 50, "twice the first batch"
    while not project.ledger.cycles():
        page.label(1)
        if trainer.busy:
            trainer.finish()
    assert trainer.lessons[-1].query_size == 128 and page.get("/api/state").json()["groups"] is True
    fresh = Fresh(10, 10, 1)
    assert to_ask(fresh, project.recipe, classes=3) == 128
    assert to_ask(fresh, project.recipe, classes=81) == 324, "of each class a group, whoever named them"
    assert to_ask(fresh, project.recipe.with_changes({"loop.query_size": 100}), classes=3) == 200
    assert to_ask(fresh, project.recipe.with_changes({"model.features": None}), classes=3) == 20, (
        "twice a batch"
    )

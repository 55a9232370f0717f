"""The ML backend of a project with boxes: what a detector finds, and which image comes next."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from ncenet.boxes import Boxes
from ncenet.label_studio.annotations import label_of
from ncenet.label_studio.backend import MlBackend
from ncenet.label_studio.tasks import label_config
from ncenet.learners.box_counts import ExpectedBoxes
from ncenet.run.opening import OpenRun
from ncenet.strategies.build import build_strategy
from tests.labels.make import new_run
from tests.learners.make_scenes import (
    CLASSES,
    HEIGHT,
    WIDTH,
    fitted_detector,
    scenes,
)


@pytest.fixture(scope="module")
def learner():
    return fitted_detector(epochs=30)


@pytest.fixture
def run(tmp_path, learner):
    """Eight scenes as files, the first four labelled, and a model of the first cycle."""
    pool, truth = scenes()
    (tmp_path / "photos").mkdir()
    for id in pool.ids():
        PIL.Image.fromarray(pool.load(id)).save(tmp_path / "photos" / f"{id}.png")
    begun = new_run(tmp_path / "run", tmp_path / "photos", CLASSES, task="detection")
    labels = {f"{id}.png": boxes.to_label() for id, boxes in list(zip(pool.ids(), truth, strict=True))[:4]}
    begun.ledger.tell(labels, who="ann", cycle=0)
    (begun.folder / "cycles" / "001").mkdir(parents=True)
    learner.save(begun.folder / "cycles" / "001" / "model.safetensors")
    yield begun
    begun.ledger.close()


def following(run, **changes):
    """The same run, with other settings."""
    aggregate = changes.pop("aggregate", "mean")
    settings = {f"loop.{name}": value for name, value in changes.items()}
    if aggregate != "mean":
        settings["loop.options"] = {"aggregate": aggregate}
    return OpenRun(run.folder, run.recipe.with_changes(settings), run.ledger)


def predicted(run):
    ids = [item.id for item in run.ledger.items()]
    tasks = [{"id": n, "data": {"ncenet_id": id}} for n, id in enumerate(ids)]
    return ids, MlBackend(run).predict({"tasks": tasks, "label_config": label_config(CLASSES, "detection")})


def test_boxes_are_those_that_the_detector_suggests(run, learner):
    ids, said = predicted(run)
    pool = run.pool
    expected = ExpectedBoxes(dict(run.ledger.labeled()), pool, learner)
    suggested = {each.id: expected.suggest(each) for each in learner.detect(pool, ids)}
    assert sum(map(len, suggested.values())) >= 8, "the detector has learned something"
    for id, prediction in zip(ids, said, strict=True):
        back = Boxes.from_label(label_of(prediction["result"], "detection"))
        assert back.labels == suggested[id].labels
        np.testing.assert_allclose(back.boxes, suggested[id].boxes, atol=1e-9)
        assert [each["score"] for each in prediction["result"]] == list(suggested[id].scores)
        assert prediction["model_version"] == "cycle 1"
        for each in prediction["result"]:
            assert (each["original_width"], each["original_height"]) == (WIDTH, HEIGHT)
            assert 0 <= each["value"]["x"] <= each["value"]["x"] + each["value"]["width"] <= 100


def test_boxes_answer_the_question_that_the_project_has(run):
    config = label_config(CLASSES, "detection").replace('"boxes"', '"things"').replace('"image"', '"photo"')
    ids = [item.id for item in run.ledger.items()]
    tasks = [{"id": n, "data": {"ncenet_id": id}} for n, id in enumerate(ids)]
    said = MlBackend(run).predict({"tasks": tasks, "label_config": config})
    assert {(each["from_name"], each["to_name"]) for one in said for each in one["result"]} == {
        ("things", "photo")
    }


@pytest.mark.parametrize(
    ("strategy", "followed", "how"),
    [
        ("rejection", "rejection", "mean"),
        ("rejection", "rejection", "nms-sum"),
        ("entropy", "entropy", "nms-sum"),
        ("ll4al", "confusion", "nms-sum"),
        ("core-set", "confusion", "mean"),
        ("random", "confusion", "mean"),
    ],
)
def test_the_next_task_is_the_image_that_the_strategy_would_ask_for(run, learner, strategy, followed, how):
    run = following(run, strategy=strategy, aggregate=how)
    ids, said = predicted(run)
    expected = build_strategy(following(run, strategy=followed, aggregate=how).recipe.loop)
    (chunk,) = learner.predict(run.pool, ids, want=frozenset({"boxes"}))
    scores = expected.image_scores(chunk).numpy()
    np.testing.assert_array_equal(np.argsort([each["score"] for each in said]), np.argsort(-scores))


def test_one_model_suggests_the_same_until_the_next_one(run):
    *_, asked, other = (item.id for item in run.ledger.items())
    backend, task = MlBackend(run), {"tasks": [{"id": 1, "data": {"ncenet_id": asked}}]}
    before = backend.predict(task)
    run.ledger.tell({other: Boxes(((1, 2, 30, 40),) * 9, CLASSES[:1] * 9).to_label()}, who="bob", cycle=1)
    assert backend.predict(task) == before

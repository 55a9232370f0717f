"""A detector without its run: the objects of images, their scores as a query has them, and the way home."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

import ncenet
from ncenet.errors import DataError, UsageError
from ncenet.models.graph import graph_of
from ncenet.models.model import DetectionModel, Model
from ncenet.recipe import LoopRecipe, Recipe
from ncenet.strategies.build import build_strategy
from tests.learners.make_scenes import (
    CLASSES,
    HEIGHT,
    WIDTH,
    fitted_detector,
    scenes,
)


@pytest.fixture(scope="module")
def learner():
    return fitted_detector(epochs=8)


@pytest.fixture
def file(tmp_path, learner):
    learner.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(file):
    return ncenet.load(file)


def pixels(row):
    pool, _ = scenes()
    return pool.load(pool.ids()[row])


def queried(learner, name, how, k):
    """Scores of the images as a query strategy sees them."""
    pool, _ = scenes()
    options = {"aggregate": how} | ({"aggregate_k": k} if how == "top-k" else {})
    strategy = build_strategy(LoopRecipe(strategy=name, options=options))
    (chunk,) = learner.predict(pool, pool.ids(), want=frozenset({"boxes"}))
    return strategy.image_scores(chunk).numpy()


def test_the_objects_are_those_of_the_detector(learner, model):
    pool, _ = scenes()
    assert isinstance(model, DetectionModel)
    assert (model.class_names, model.shape) == (CLASSES, (3, 64, 64))
    (said,) = model.score(pool, pool.ids())
    assert said.found == tuple(learner.detect(pool, pool.ids()))
    assert (said.ids, len(said), said.class_names) == (list(pool.ids()), 8, CLASSES)


@pytest.mark.parametrize(
    ("how", "k"), [("mean", 100), ("top-k", 7), ("max", 100), ("nms-sum", 100), ("nms-mean", 100)]
)
def test_the_scores_are_those_of_a_query(learner, model, how, k):
    pool, _ = scenes()
    model.aggregate_by(how, k)
    (said,) = model.score(pool, pool.ids())
    np.testing.assert_array_equal(said.rejection, queried(learner, "rejection", how, k))
    np.testing.assert_array_equal(said.confusion, queried(learner, "confusion", how, k))


def test_images_as_they_come_and_boxes_in_their_own_pixels(model, tmp_path):
    large = PIL.Image.fromarray(pixels(1)).resize((3 * WIDTH, 2 * HEIGHT), PIL.Image.Resampling.NEAREST)
    large.save(tmp_path / "a.png")
    (small,) = model.predict(pixels(1)).found
    (found,) = model.predict(tmp_path / "a.png").found
    assert found.id == str(tmp_path / "a.png") and found.labels[0] == small.labels[0]
    scale = np.array([3, 2, 3, 2])
    np.testing.assert_allclose(found.boxes[0], scale * small.boxes[0], atol=6)
    together = model.predict([tmp_path / "a.png", pixels(0), pixels(2)])
    assert together.ids == ["0", "1", "2"] and together.rejection.shape == (3,)
    assert model.learner.held == (), "nothing is kept of what was looked at"


def test_the_way_out_and_home_changes_nothing(model, tmp_path):
    model.aggregate_by("top-k", 5)
    model.save_pretrained(tmp_path / "cells")
    again = DetectionModel.from_pretrained(tmp_path / "cells")
    before, after = model.predict(pixels(1)), again.predict(pixels(1))
    assert after.found == before.found
    np.testing.assert_array_equal(after.rejection, before.rejection)
    np.testing.assert_array_equal(after.confusion, before.confusion)
    assert (again.aggregate, again.aggregate_k) == ("top-k", 5)
    config = json.loads((tmp_path / "cells" / "config.json").read_text())
    assert (config["class_names"], config["side"], config["aggregate"]) == (list(CLASSES), 64, "top-k")
    again.save_pretrained(tmp_path / "copy")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "cells" / name).read_bytes()


def test_the_model_of_a_run_aggregates_as_the_run_does(learner, tmp_path):
    folder = tmp_path / "run" / "cycles" / "001"
    folder.mkdir(parents=True)
    learner.save(folder / "model.safetensors")
    recipe = Recipe(task="detection").with_changes({"loop.options": {"aggregate": "top-k", "aggregate_k": 3}})
    (tmp_path / "run" / "recipe.yaml").write_text(recipe.to_yaml())
    for place in (tmp_path / "run", folder / "model.safetensors"):
        model = ncenet.load(place)
        assert (model.aggregate, model.aggregate_k) == ("top-k", 3)
    (tmp_path / "elsewhere").mkdir()
    learner.save(tmp_path / "elsewhere" / "model.safetensors")
    assert ncenet.load(tmp_path / "elsewhere").aggregate == "mean"


def test_a_graph_holds_no_suppression(model):
    model.aggregate_by("nms-sum")
    with pytest.raises(UsageError, match=r'aggregated by nms-sum.*safetensors.*aggregate_by\("mean"\)'):
        graph_of(model)


def test_one_kind_is_not_read_as_the_other(file, model, tmp_path):
    with pytest.raises(DataError, match=r"holds 'ncenet-detector-1'.*DetectionModel\.from_pretrained"):
        Model.from_pretrained(file)
    model.save_pretrained(tmp_path / "cells")
    config = tmp_path / "cells" / "config.json"
    config.write_text(config.read_text().replace('"red"', '"green"'))
    with pytest.raises(DataError, match=r"config\.json does not belong to model\.safetensors"):
        ncenet.load(tmp_path / "cells")

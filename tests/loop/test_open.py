"""From a recipe to a loop: what the recipe sets besides the loop itself."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import PIL.Image
import pytest
import torch

from ncenet.data import scan_cache
from ncenet.data.pools import EncodedPool
from ncenet.errors import RecipeError, UnreadableImages, UsageError
from ncenet.loop.networks import check_network
from ncenet.loop.open import open_loop
from ncenet.loop.simulate import simulate
from ncenet.recipe import DataRecipe, Recipe, TrainRecipe
from ncenet.run.opening import survey
from ncenet.strategies import strategies
from ncenet.strategies.build import open_strategy
from ncenet.web.serve import open_project
from tests.loop.fakes import CountingLearner


@pytest.mark.parametrize(("threads", "then"), [(None, 1), (3, 3)])
def test_threads_are_set_when_the_recipe_names_them(tmp_path, threads, then):
    recipe = Recipe(data=DataRecipe(train="digits"), train=TrainRecipe(threads=threads))
    loop, _ = open_loop(recipe, tmp_path / "run")
    try:
        with loop.ledger:
            assert torch.get_num_threads() == 1, "not before there is a network"
            assert loop.learner is loop.learner
        assert torch.get_num_threads() == then
    finally:
        torch.set_num_threads(1)


class Passes:
    """A strategy of a plug-in that says what it needs, and nothing more."""

    needs = frozenset({"samples"})

    def query(self, view, query_size, *, rng):
        raise NotImplementedError


@pytest.fixture
def plugged():
    with strategies.temporarily(passes=Passes):
        yield


PASSES = "model.dropout > 0 or model.members > 1: without either all passes agree"
COMMITTEE = "model.members > 1: one network is no committee"
NCE = "model.head.name nce: rows of softmax sum to one"
PAIRS = "train.batch_size >= 2: it learns from pairs of images"
CLASSES = "one class an image, and task detection has none: take confusion or rejection"
SOFTMAX = {"model.head.name": "softmax"}
SPREAD = {"loop.options": {"diversify": "kmeans"}}
BOXES = {"task": "detection"}


@pytest.mark.parametrize(
    ("strategy", "changes", "mended", "lacking"),
    [
        ("bald", {}, {"model.dropout": 0.1}, PASSES),
        ("bald", {}, {"model.members": 2}, PASSES),
        ("bald", BOXES, {"model.dropout": 0.1}, PASSES),
        ("passes", {}, {"model.dropout": 0.1}, PASSES),
        ("vote-entropy", {}, {"model.members": 2}, COMMITTEE),
        ("consensus-entropy", {"model.dropout": 0.1}, {"model.members": 2}, COMMITTEE),
        ("rejection", SOFTMAX, {"model.head.name": "nce"}, NCE),
        ("rejection", SOFTMAX | SPREAD, {"model.head.name": "nce"}, NCE),
        ("ll4al", {"train.batch_size": 1}, {"train.batch_size": 2}, PAIRS),
        ("badge", BOXES, {"task": "classification"}, CLASSES),
        ("sraal", BOXES, {"task": "classification"}, CLASSES),
    ],
)
def test_a_strategy_that_does_not_fit_is_refused(plugged, strategy, changes, mended, lacking):
    recipe = Recipe().with_changes({"loop.strategy": strategy} | changes)
    with pytest.raises(RecipeError) as raised:
        open_strategy(recipe)
    assert str(raised.value) == f"strategy {strategy} needs {lacking}"
    open_strategy(recipe.with_changes(mended))


@pytest.mark.parametrize("start", [simulate, open_loop, survey, partial(open_project, you="ann")])
def test_nothing_is_written_before_that(tmp_path, plugged, start):
    recipe = Recipe().with_changes({"data.train": "digits", "loop.strategy": "passes"})
    with pytest.raises(RecipeError, match="strategy passes needs"):
        start(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("start", [simulate, open_loop])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model.backbone": "mlp", "model.mirrored": True}, "model.mirrored is for images, and these are"),
        ({"model.backbone": "small"}, "backbone small takes images, got vectors: name `model.features=data`"),
        ({"model.backbone": "lite0"}, "backbone lite0 takes images, got vectors: name `model.features=data`"),
        ({"model.features": "gist"}, "feature vectors already, nothing to embed: `model.features=data`"),
        ({"model.features": "data", "data.train": "digits"}, "vectors, and these are images: name a network"),
        ({"model.backbone": "timm:resnet18"}, "backbone timm:resnet18 takes images, got vectors"),
        ({"model.backbone": "identity", "data.train": "digits"}, "takes feature vectors, got images"),
    ],
)
def test_a_network_for_other_inputs_is_refused_before_anything_is_written(tmp_path, start, changes, why):
    np.savez(tmp_path / "train.npz", X=np.eye(20, 5, dtype=np.float32), y=np.arange(20) % 2)
    recipe = Recipe().with_changes({"data.train": str(tmp_path / "train.npz"), "loop.held_out": 5} | changes)
    with pytest.raises(UsageError, match=why):
        start(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match=why):
        check_network(recipe)


def test_a_learner_of_ones_own_says_itself_what_it_takes(tmp_path):
    np.savez(tmp_path / "train.npz", X=np.eye(20, 5, dtype=np.float32), y=np.arange(20) % 2)
    recipe = Recipe().with_changes({"data.train": str(tmp_path / "train.npz")})
    learner = CountingLearner()
    loop, _ = open_loop(recipe, tmp_path / "run", learner=learner)
    loop.ledger.close()
    assert loop.learner is learner, "vectors are its own affair: the recipe's backbone takes images"


def test_images_are_decoded_again_only_when_they_changed(tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(scan_cache.time, "time", lambda now=time.time: now() + 3600)  # the files are old
    original = EncodedPool.probe
    monkeypatch.setattr(EncodedPool, "probe", lambda self, of: decoded.append(of) or original(self, of))
    for place, count in (("photos", 4), ("test/a", 1), ("test/b", 1)):
        (tmp_path / place).mkdir(parents=True)
        for n in range(count):
            PIL.Image.fromarray(np.full((8, 8, 3), 9 * n, np.uint8)).save(tmp_path / place / f"{n}.png")
    data = DataRecipe(train=str(tmp_path / "photos"), test=str(tmp_path / "test"), classes=("a", "b"))
    recipe, run = Recipe(data=data), tmp_path / "run"

    def reopened() -> list[str]:
        decoded.clear()
        loop, _ = open_loop(recipe, run)
        loop.ledger.close()
        return decoded

    survey(recipe, run)
    assert sorted(decoded) == ["0.png", "1.png", "2.png", "3.png", "a/0.png", "b/0.png"]
    assert reopened() == []
    (tmp_path / "photos" / "2.png").write_bytes(b"hello")
    with pytest.raises(UnreadableImages, match=r"2\.png: not an image"):
        reopened()
    assert decoded == ["2.png"]
    assert "pool,2.png,not an image" in (run / "bad_images.csv").read_text()
    (run / "looks-pool.csv").unlink()
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "2.png")
    assert sorted(reopened()) == ["0.png", "1.png", "2.png", "3.png"]

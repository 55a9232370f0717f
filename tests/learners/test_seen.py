"""What the frozen part of a detector makes of images: computed once, kept, and the same either way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ncenet
from ncenet.data.pools import ArrayPool
from ncenet.functional.average_precision import judge_all, mean_average_precision
from ncenet.learners.box_lesson import Objects
from ncenet.learners.detector import Detector
from ncenet.models.graph import traced, write_onnx
from ncenet.nn.packaged import installed
from ncenet.nn.ssd import SSD
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from tests.learners.make_scenes import CLASSES, labeled_scenes, scenes

pytestmark = [
    pytest.mark.usefixtures("global_generators_untouched"),
    pytest.mark.skipif(not installed("lite0"), reason="the extra 'features' is not installed"),
]


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def learned(learner):
    """Everything that learns; weights that never do are millions."""
    state = learner.network.state_dict()
    return {name: value.tolist() for name, value in state.items() if ".stages." not in name}


@pytest.fixture
def looks(monkeypatch):
    """How many images were looked at, in the order of the calls."""
    counted, look = [], SSD.look

    def counting(network, images):
        counted.append(len(images))
        return look(network, images)

    monkeypatch.setattr(SSD, "look", counting)
    return counted


def detector(*, gb=1.0, head="nce", seed=0, **train):
    return Detector(
        ModelRecipe(backbone="lite0", head=HeadRecipe(name=head), anchor_features=16),
        TrainRecipe(**{"epochs": 2, "min_steps": 0, "batch_size": 4, "lr": 0.02, **train}),
        DataRecipe(image_size=64, workers=1, cache_gb=gb),
        Streams(seed),
    )


def fitted(learner, pool=None, cycle=1):
    there, truth = scenes()
    pool = pool or there
    learner.fit(labeled_scenes(pool, truth), pool, cycle=cycle)
    return learner


def test_each_image_is_looked_at_once_and_its_mirror_image_once(looks):
    learner = fitted(detector(epochs=12))
    assert sum(looks) == 16, "eight images, and their mirror images"
    looks.clear()
    pool, _ = scenes()
    list(learner.detect(pool, pool.ids()))
    fitted(detector(epochs=12), cycle=2)
    assert sum(looks) == 0, "by no detect, no later fit, and no other learner"


def test_how_many_images_are_looked_at_is_told_before_a_fit_and_before_predictions(looks):
    pool, truth = scenes(20)
    learner, told = detector(), []
    learner.notify = told.append
    learner.fit(labeled_scenes(pool, truth, 6), pool, cycle=1)
    assert [event["event"] for event in told][:2] == ["maps", "fit"], "all of them before the first step"
    assert told[0] == {"event": "maps", "done": 12, "total": 12} and sum(looks) == 12, (
        "and their mirror images"
    )
    told.clear()
    list(learner.predict(pool, pool.ids(), want=frozenset()))
    assert told == [{"event": "maps", "done": 14, "total": 14}], "six are there"
    told.clear()
    list(learner.predict(pool, pool.ids(), want=frozenset()))
    assert told == [] and sum(looks) == 26


def test_without_room_nothing_is_kept_and_everything_is_the_same(looks, tmp_path):
    kept = fitted(detector(epochs=3))
    count = sum(looks)
    looks.clear()
    learner = fitted(detector(epochs=3, gb=0))
    assert sum(looks) > count and learned(learner) == learned(kept)
    assert len(list((tmp_path / "cache").rglob("*-maps-*"))) == 1, "that of the first alone"


def test_a_full_store_takes_no_more(looks, tmp_path):
    def size():
        return sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*.arrow"))

    kept = fitted(detector(epochs=1, gb=1e-9))
    assert 0 < size() < 2e5, "the first batch"
    learner, before = fitted(detector(epochs=3, gb=1e-9)), size()
    assert size() == before
    assert learned(fitted(detector(epochs=3))) == learned(learner) != learned(kept)


def test_an_image_that_changes_is_looked_at_again(looks):
    pool, _ = scenes()
    fitted(detector(flip=False), pool)
    looks.clear()
    pixels = pool.array.copy()
    pixels[3] = 255 - pixels[3]
    fitted(detector(flip=False), ArrayPool(pixels))
    assert sum(looks) == 1


def test_other_sides_have_rows_of_their_own(looks):
    fitted(detector(flip=False))
    looks.clear()
    other = detector(flip=False)
    other.data = other.data.model_copy(update={"image_size": 96})
    fitted(other)
    assert sum(looks) == 8


def test_a_mirrored_row_is_that_of_the_mirror_image_and_so_are_its_objects():
    learner = fitted(detector())
    pool, truth = scenes()
    (row,) = learner.seen_of(pool).batch([pool.ids()[0]], [True])
    image = learner.inputs(pool, [pool.ids()[0]]).flip(-1)
    torch.testing.assert_close(row, learner.network.look(image)[0], atol=1e-2, rtol=1e-2)
    there = Objects.of(truth[0], (96, 80), CLASSES)
    turned = there.mirrored
    np.testing.assert_allclose(turned.boxes[:, 0], 1 - there.boxes[:, 2])
    np.testing.assert_allclose(turned.boxes[:, [1, 3]], there.boxes[:, [1, 3]])
    torch.testing.assert_close(turned.mirrored.boxes, there.boxes)


def test_distorted_images_are_looked_at_every_time(looks):
    fitted(detector(epochs=3, box_augment=True))
    assert sum(looks) == 24


@pytest.mark.parametrize("head", ["nce", "softmax"])
def test_it_learns_to_find_the_objects(head):
    learner = fitted(detector(head=head, epochs=60, batch_size=8, flip=False, lr=0.05))
    pool, truth = scenes()
    found = list(learner.detect(pool, pool.ids()))
    assert mean_average_precision(judge_all(found, truth, CLASSES)).mean > 0.8


def test_resumed_equals_uninterrupted(tmp_path):
    def killed(event):
        if event["step"] >= 4:
            raise KeyboardInterrupt

    pool, truth = scenes()
    plan = {"epochs": 4, "checkpoint_seconds": 0}
    whole = fitted(detector(**plan))
    checkpoint, labels = tmp_path / "checkpoint.pt", labeled_scenes(pool, truth)
    learner = detector(**plan)
    learner.notify = killed
    with pytest.raises(KeyboardInterrupt):
        learner.fit(labels, pool, cycle=1, resume=checkpoint)
    resumed = detector(**plan)
    resumed.fit(labels, pool, cycle=1, resume=checkpoint)
    assert learned(resumed) == learned(whole)


def test_a_file_holds_the_network_and_images_that_are_handed_over_are_not_kept(tmp_path, looks, monkeypatch):
    learner = fitted(detector())
    learner.save(tmp_path / "model.safetensors")
    pool, _ = scenes()
    monkeypatch.setattr("ncenet.nn.lite.packaged", lambda name: pytest.fail("the file holds the weights"))
    model = ncenet.load(tmp_path / "model.safetensors")
    expected = tuple(learner.detect(pool, pool.ids()))
    looks.clear()
    (said,) = model.score(pool, pool.ids())
    assert said.found == expected
    assert sum(looks) == 8


def check_graph(run, learner, pool):
    """Stored maps are in half precision, and those of the graph are not."""
    for ids in (pool.ids(), pool.ids()[:3]):
        with torch.no_grad():
            boxes, likelihood, *_ = run(learner.inputs(pool, ids).contiguous())
        (chunk,) = learner.predict(pool, ids, want=frozenset())
        np.testing.assert_allclose(likelihood, chunk.probs, atol=2e-2)
        assert boxes.shape == (len(ids), 4 * (64 + 16 + 4), 4)


def test_one_graph_holds_the_network_and_the_detector(tmp_path):
    learner, (pool, _) = fitted(detector()), scenes()
    learner.save(tmp_path / "model.safetensors")
    check_graph(traced(ncenet.load(tmp_path / "model.safetensors")).module(), learner, pool)


@pytest.mark.slow
def test_onnx_runtime_agrees(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    learner, (pool, _) = fitted(detector()), scenes()
    learner.save(tmp_path / "model.safetensors")
    write_onnx(ncenet.load(tmp_path / "model.safetensors"), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    check_graph(lambda pixels: session.run(None, {"pixels": pixels.numpy()}), learner, pool)


def test_a_file_is_sketched_before_its_network_is_made(tmp_path):
    learner = fitted(detector())
    learner.save(tmp_path / "model.safetensors")
    devices = []

    class Sketched(Detector):
        def rebuilt(self, about):
            network = super().rebuilt(about)
            devices.append(network.mean.device.type)
            return network

    again = Sketched(learner.model, learner.train, learner.data, Streams(0))
    again.load(tmp_path / "model.safetensors")
    assert devices == ["meta", "cpu"]

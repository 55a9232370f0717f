"""The detector: what it predicts, finds, keeps on disk and refuses; that it learns, and resumes."""

from __future__ import annotations

import math

import pytest
import torch

from ncenet.boxes import Boxes
from ncenet.data import images
from ncenet.data.pools import ArrayPool, FolderPool
from ncenet.errors import DataError, NotFitted, UnknownName, UsageError
from ncenet.functional.average_precision import judge_all, mean_average_precision
from ncenet.functional.boxes import iou
from ncenet.nn.detection_backbones import VGG16, LightNet
from ncenet.nn.loss_prediction import LossPredictor
from ncenet.recipe import HeadRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet
from tests.data.make import encode, photo, write
from tests.learners.make import losses_of_a_reader, vectors, weights
from tests.learners.make_scenes import CLASSES, HEIGHT, WIDTH, detector, labeled_scenes, scenes

pytestmark = pytest.mark.usefixtures("global_generators_untouched")

NOTHING: frozenset[str] = frozenset()
ANCHORS = 4 * (8**2 + 4**2 + 2**2)


def fitted(count=None, **options):
    pool, truth = scenes()
    learner = detector(**options)
    learner.fit(labeled_scenes(pool, truth, count), pool, cycle=1)
    return learner, pool, truth


HEADS = {
    "gaussian": HeadRecipe(),
    "frozen": HeadRecipe(radius=0.5),
    "cosine": HeadRecipe(kernel="cosine"),
    "softmax": HeadRecipe(name="softmax"),
}


def test_the_light_detector_sees_its_images_as_they_are_unless_told_otherwise():
    assert (VGG16.augment, LightNet.augment) == (True, False)
    plain, default, distorted = (
        weights(fitted(epochs=1, box_augment=augment)[0]) for augment in (False, None, True)
    )
    assert plain == default != distorted


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_to_find_the_objects(head):
    pool, truth = scenes()
    learner = detector(head=HEADS[head], epochs=80, batch_size=8, lr=0.05, box_augment=False, flip=False)
    report = learner.fit(labeled_scenes(pool, truth), pool, cycle=1)
    assert report.accuracy > 0.9 and math.isfinite(report.loss)
    found = list(learner.detect(pool, pool.ids()))
    assert [each.id for each in found] == list(pool.ids())
    assert mean_average_precision(judge_all(found, truth, CLASSES), method="area").mean > 0.9
    if head == "gaussian":
        assert report.details["radius"]["background"] < 3, "the background must not claim every anchor"
    for each, there in zip(found, truth, strict=True):
        assert list(each.scores) == sorted(each.scores, reverse=True)
        for x1, y1, x2, y2 in each.boxes:
            assert 0 <= x1 < x2 <= WIDTH and 0 <= y1 < y2 <= HEIGHT, "pixels of the original"
        if len(there):
            best = iou(torch.tensor(there.boxes), torch.tensor(each.boxes)).amax(1)
            assert (best > 0.5).all()


class TestPredict:
    def test_shapes(self):
        learner, pool, _ = fitted(model={"dropout": 0.2})
        (bare,) = learner.predict(pool, pool.ids(), want=NOTHING)
        assert bare.probs.shape == (8, ANCHORS, 3), "the background is the last column"
        assert bare.features is None and bare.extras == {}
        want = frozenset({"features", "boxes", "samples"})
        (full,) = learner.predict(pool, pool.ids(), want=want)
        assert torch.equal(full.probs, bare.probs)
        assert full.features.shape == (8, learner.network.backbone.channels[1])
        assert full.extras["boxes"].shape == (8, ANCHORS, 4)
        assert full.extras["samples"].shape == (3, 8, ANCHORS, 3)
        assert ((full.probs >= 0) & (full.probs <= 1)).all()

    def test_most_anchors_see_the_background(self):
        learner, pool, _ = fitted(epochs=15)
        (prediction,) = learner.predict(pool, pool.ids(), want=NOTHING)
        assert (prediction.probs.argmax(-1) == 2).float().mean() > 0.8

    def test_rows_of_softmax_sum_to_one(self):
        learner, pool, _ = fitted(head=HeadRecipe(name="softmax"))
        (prediction,) = learner.predict(pool, pool.ids(), want=NOTHING)
        torch.testing.assert_close(prediction.probs.sum(-1), torch.ones(8, ANCHORS))

    @pytest.mark.parametrize("chunk", [5, 8])
    def test_chunks_in_the_order_of_the_ids(self, chunk):
        learner, pool, _ = fitted()
        ids = list(reversed(pool.ids()))
        whole = {id: next(learner.predict(pool, [id], want=NOTHING)).probs[0] for id in ids}
        chunks = list(learner.predict(pool, ids, want=NOTHING, chunk=chunk))
        assert [id for each in chunks for id in each.ids] == ids
        assert max(len(each.ids) for each in chunks) == chunk
        for each in chunks:
            expected = torch.stack([whole[id] for id in each.ids])
            torch.testing.assert_close(each.probs, expected, atol=1e-4, rtol=1e-3)

    def test_whoever_reads_may_learn_from_it_meanwhile(self):
        learner, pool, _ = fitted()
        losses = losses_of_a_reader(learner.predict(pool, pool.ids(), want=frozenset({"features"}), chunk=2))
        assert len(losses) == 4 and losses == sorted(losses, reverse=True) and losses[-1] < 0.5

    def test_twice_the_same_and_nothing_changed(self):
        learner, pool, _ = fitted(model={"dropout": 0.2})
        before = weights(learner)
        want = frozenset({"samples"})
        (first,) = learner.predict(pool, pool.ids(), want=want)
        (again,) = learner.predict(pool, pool.ids(), want=want)
        assert torch.equal(first.probs, again.probs)
        assert torch.equal(first.extras["samples"], again.extras["samples"])
        assert not torch.equal(first.extras["samples"][0], first.extras["samples"][1])
        assert weights(learner) == before

    def test_anchors_in_pixels(self):
        learner, pool, _ = fitted()
        anchors = learner.anchors(pool, pool.ids()[0])
        assert anchors.shape == (ANCHORS, 4)
        centers = (anchors[:, :2] + anchors[:, 2:]) / 2
        assert centers.amin(0).tolist() == pytest.approx([WIDTH / 16, HEIGHT / 16], rel=1e-4)
        assert centers.amax(0).tolist() == pytest.approx([WIDTH * 15 / 16, HEIGHT * 15 / 16], rel=1e-4)

    def test_pixels_are_those_of_the_upright_image_by_its_header(self, tmp_path, monkeypatch):
        turned = photo(height=40, width=80)
        exif = turned.getexif()
        exif[0x0112] = 6  # stored lying on its side: it is shown as 40 wide and 80 high
        pool = FolderPool(write(tmp_path, {"a.jpg": encode(turned, "JPEG", exif=exif)}))
        learner, _, _ = fitted(epochs=1)
        (said,) = learner.predict(pool, pool.ids(), want=frozenset({"boxes"}))

        def decode(*_):
            raise AssertionError("an image is not decoded for its size")

        monkeypatch.setattr(images, "probe_bytes", decode)
        monkeypatch.setattr(images, "decode", decode)
        (found,) = learner.objects(pool, said)
        right, lower = (max(box[edge] for box in found.boxes) for edge in (2, 3))
        assert 20 < right <= 40 < lower <= 80
        anchors = learner.anchors(pool, "a.jpg")
        centers = (anchors[:, :2] + anchors[:, 2:]) / 2
        assert centers.amax(0).tolist() == pytest.approx([40 * 15 / 16, 80 * 15 / 16], rel=1e-4)

    def test_before_a_fit(self, tmp_path):
        pool, _ = scenes()
        with pytest.raises(NotFitted, match="call fit or load first"):
            next(detector().detect(pool, pool.ids()))
        with pytest.raises(NotFitted):
            detector().save(tmp_path / "model.safetensors")
        assert list(tmp_path.iterdir()) == []


class TestLabels:
    """Images without objects, of difficult objects alone, with boxes beyond their edges: all are learned."""

    @pytest.mark.parametrize("augment", [True, False])
    @pytest.mark.parametrize("head", ["nce", "softmax"])
    def test_odd_images_train_and_count(self, head, augment):
        pool, _ = scenes(4)
        odd = [
            Boxes(),
            Boxes(((5.0, 5.0, 40.0, 40.0),), ("red",), (True,)),
            Boxes(((-20.0, -20.0, 30.0, 30.0), (200.0, 200.0, 210.0, 210.0)), ("red", "blue")),
            Boxes(((5.0, 5.0, 5.2, 40.0),), ("blue",)),  # less than a pixel of the network's square
        ]
        learner = detector(head=HeadRecipe(name=head), box_augment=augment)
        report = learner.fit(labeled_scenes(pool, odd), pool, cycle=1)
        assert report.labeled == 4 and math.isfinite(report.loss) and report.loss > 0
        (prediction,) = learner.predict(pool, pool.ids(), want=NOTHING)
        assert prediction.probs.isfinite().all()

    @pytest.mark.parametrize("boxes", [Boxes(), Boxes(((5.0, 5.0, 40.0, 40.0),), ("red",), (True,))])
    def test_nothing_but_such_images(self, boxes):
        pool, _ = scenes(3)
        learner = detector()
        report = learner.fit(labeled_scenes(pool, [boxes] * 3), pool, cycle=1)
        assert math.isfinite(report.loss) and report.loss > 0, "the background is learned"

    def test_one_image(self):
        learner, pool, _ = fitted(count=1)
        assert next(learner.predict(pool, pool.ids(), want=NOTHING)).probs.isfinite().all()

    def test_gray_images(self):
        pool, truth = scenes(channels=1)
        learner = detector()
        learner.fit(labeled_scenes(pool, truth), pool, cycle=1)
        assert learner.channels == 1
        color, _ = scenes()
        with pytest.raises(DataError, match=r"the pool has 3 channels, not 1"):
            next(learner.predict(color, color.ids(), want=NOTHING))

    def test_refused(self):
        pool, _ = scenes(2)
        with pytest.raises(UsageError, match="the labelled set is empty"):
            detector().fit(LabeledSet([], [], CLASSES), pool, cycle=1)
        with pytest.raises(DataError, match="not boxes in JSON"):
            detector().fit(LabeledSet(pool.ids(), ["red", "blue"], CLASSES), pool, cycle=1)
        with pytest.raises(UnknownName, match="green"):
            wrong = Boxes(((0.0, 0.0, 9.0, 9.0),), ("green",)).to_label()
            detector().fit(LabeledSet(pool.ids(), [wrong] * 2, CLASSES), pool, cycle=1)
        with pytest.raises(UsageError, match="detection needs images, and these are feature vectors"):
            points = vectors(2)
            detector().fit(LabeledSet(points.ids(), ["[]"] * 2, CLASSES), points, cycle=1)

    def test_a_constant_image_has_no_deviation_to_divide_by(self):
        pool, truth = scenes(3)
        flat = ArrayPool(pool.array * 0 + 7)
        learner = detector()
        learner.fit(labeled_scenes(flat, truth), flat, cycle=1)
        assert next(learner.predict(flat, flat.ids(), want=NOTHING)).probs.isfinite().all()


class TestRandomNumbers:
    def test_same_seed_same_weights(self):
        first, again, other = (weights(fitted(seed=seed)[0]) for seed in (0, 0, 1))
        assert first == again != other

    @pytest.mark.parametrize("stream", ["weights", "order", "augment", "dropout"])
    def test_each_stream_matters(self, monkeypatch, stream):
        before = weights(fitted(model={"dropout": 0.2}, epochs=1)[0])
        seed = Streams.seed
        monkeypatch.setattr(
            Streams, "seed", lambda streams, name, *keys: seed(streams, name, *keys) ^ (name == stream)
        )
        assert weights(fitted(model={"dropout": 0.2}, epochs=1)[0]) != before

    @pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
    def test_resumed_equals_uninterrupted(self, tmp_path, warm):
        class Interrupt(Exception):
            pass

        def interrupt(event):
            if event["step"] == 6:
                raise Interrupt

        pool, truth = scenes()
        labels = labeled_scenes(pool, truth)
        plan = {"epochs": 5, "warm": warm, "checkpoint_seconds": 0, "model": {"dropout": 0.2}}
        before = None
        if warm:
            first = detector(**plan)
            first.fit(labeled_scenes(pool, truth, 5), pool, cycle=1)
            before = tmp_path / "before.safetensors"
            first.save(before)

        def fit(learner, resume):
            return learner.fit(labels, pool, cycle=2, before=before, resume=resume)

        whole = detector(**plan)
        expected = fit(whole, None)
        checkpoint = tmp_path / "checkpoint.pt"
        with pytest.raises(Interrupt):
            fit(detector(**plan, notify=interrupt), checkpoint)
        told = []
        resumed = detector(**plan, notify=told.append)
        report = fit(resumed, checkpoint)
        assert [event["step"] for event in told] == [6, 8, 10], "two epochs were on disk"
        assert weights(resumed) == weights(whole)
        assert (report.loss, report.accuracy) == (expected.loss, expected.accuracy)

    def test_a_checkpoint_of_other_boxes_is_ignored(self, tmp_path):
        class Interrupt(Exception):
            pass

        pool, truth = scenes()
        checkpoint, plan = tmp_path / "checkpoint.pt", {"epochs": 2, "checkpoint_seconds": 0}

        def stop_second(event):
            if event["step"] == event["steps"]:
                raise Interrupt

        with pytest.raises(Interrupt):
            detector(**plan, notify=stop_second).fit(
                labeled_scenes(pool, truth), pool, cycle=1, resume=checkpoint
            )
        assert checkpoint.exists()
        told = []
        moved = [Boxes(), *truth[1:]]
        detector(**plan, notify=told.append).fit(
            labeled_scenes(pool, moved), pool, cycle=1, resume=checkpoint
        )
        assert len(told) == 2, "all epochs were trained"


class TestFile:
    def test_round_trip(self, tmp_path):
        learner, pool, _ = fitted()
        file = tmp_path / "model.safetensors"
        learner.save(file)
        assert [each.name for each in tmp_path.iterdir()] == [file.name]
        other = detector(seed=5, side=None)  # the file knows the side
        other.load(file)
        assert (other.class_names, other.channels, other.cycle) == (CLASSES, 3, 1)
        assert other.network.backbone.side == 64
        assert weights(other) == weights(learner)
        assert list(other.detect(pool, pool.ids())) == list(learner.detect(pool, pool.ids()))

    def test_equal_models_are_equal_files(self, tmp_path):
        for name in "ab":
            fitted()[0].save(tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_of_something_else(self, tmp_path):
        file = tmp_path / "model.safetensors"
        fitted()[0].save(file)
        with pytest.raises(DataError, match="trained with another model recipe"):
            detector(head=HeadRecipe(name="softmax")).load(file)
        file.write_text("not a model")
        with pytest.raises(DataError, match="not a model file"):
            detector().load(file)

    def test_added_classes_start_afresh(self, tmp_path):
        learner, pool, truth = fitted(warm=True)
        file = tmp_path / "model.safetensors"
        learner.save(file)
        names = (*CLASSES, "green")
        labels = labeled_scenes(pool, truth)
        learner.fit(LabeledSet(labels.ids, labels.labels, names), pool, cycle=2, before=file)
        assert next(learner.predict(pool, pool.ids(), want=NOTHING)).probs.shape[-1] == 4


class TestHeadOptions:
    def test_the_radius_of_each_class_and_of_the_background_is_recorded(self):
        pool, truth = scenes()
        report = detector().fit(labeled_scenes(pool, truth), pool, cycle=1)
        assert set(report.details["radius"]) == {*CLASSES, "background"}

    def test_class_means_and_live_prototypes(self):
        pool, truth = scenes()
        head = HeadRecipe(init="class-mean", prototypes_per_class=2)
        learner = detector(head=head, epochs=1, lr=1e-8)
        report = learner.fit(labeled_scenes(pool, truth), pool, cycle=1)
        drawn = detector(head=HeadRecipe(prototypes_per_class=2), epochs=1, lr=1e-8)
        drawn.fit(labeled_scenes(pool, truth), pool, cycle=1)
        assert not torch.allclose(learner.network.head.prototypes, drawn.network.head.prototypes, atol=0.1)
        assert set(report.details["live_prototypes"]) == {*CLASSES, "background"}
        assert all(0 <= count <= 2 for count in report.details["live_prototypes"].values())


def test_an_auxiliary_learns_a_loss_per_image(tmp_path):
    learner, pool, _ = fitted(auxiliary=LossPredictor)
    want = frozenset({LossPredictor.extra})
    (prediction,) = learner.predict(pool, pool.ids(), want=want)
    said = prediction.extras[LossPredictor.extra]
    assert said.shape == (8,) and said.std() > 0
    file = tmp_path / "model.safetensors"
    learner.save(file)
    other = detector(auxiliary=LossPredictor)
    other.load(file)
    assert torch.equal(next(other.predict(pool, pool.ids(), want=want)).extras[LossPredictor.extra], said)
    bare = detector()
    bare.load(file)
    assert next(bare.predict(pool, pool.ids(), want=want)).extras == {}
    fitted()[0].save(file)
    with pytest.raises(DataError, match="without the module that tells predicted_loss"):
        other.load(file)

"""The classifier: what it predicts, what it keeps on disk, what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

import ncenet.learners.model_file as model_file
from ncenet.data.pools import ArrayPool
from ncenet.data.tensors import ImageTensors
from ncenet.errors import DataError, NotFitted, UnreadableImage, UsageError
from ncenet.recipe import HeadRecipe
from ncenet.types import LabeledSet
from tests.learners.make import CLASSES, classifier, images, labeled, losses_of_a_reader, vectors, weights

pytestmark = pytest.mark.usefixtures("global_generators_untouched")

NOTHING: frozenset[str] = frozenset()


def fitted(pool=None, *, count=18, cycle=1, **options):
    pool = images() if pool is None else pool
    learner = classifier(**options)
    learner.fit(labeled(pool, count), pool, cycle=cycle)
    return learner, pool


def probs(learner, pool, ids=None):
    chunks = learner.predict(pool, pool.ids() if ids is None else ids, want=NOTHING)
    return torch.cat([chunk.probs for chunk in chunks])


def test_labelled_images_are_normalised_by_a_few_at_a_time(monkeypatch):
    asked, batch = [], ImageTensors.batch
    monkeypatch.setattr(
        ImageTensors, "batch", lambda self, ids: (asked.append(len(ids)), batch(self, ids))[1]
    )
    learner, pool = fitted(images(150), count=150, epochs=1, batch_size=32)
    assert asked[:3] == [64, 64, 22] and max(asked) == 64
    pixels = torch.from_numpy(pool.array).double()
    torch.testing.assert_close(learner.network.mean.double(), pixels.mean().reshape(1))
    torch.testing.assert_close(learner.network.std.double(), pixels.std(correction=0).reshape(1))


def test_mirrored_says_the_same_of_an_image_and_its_mirror_image_saved_or_not(tmp_path):
    learner, pool = fitted(backbone="small", mirrored=True)
    said = probs(learner, pool)
    torch.testing.assert_close(probs(learner, ArrayPool(pool.array[:, :, ::-1].copy())), said)
    learner.save(tmp_path / "model.safetensors")
    loaded = classifier(backbone="small", mirrored=True)
    loaded.load(tmp_path / "model.safetensors")
    assert torch.equal(probs(loaded, pool), said)


def test_vectors_have_no_mirror_image():
    with pytest.raises(UsageError, match=r"model\.mirrored is for images, and these are vectors"):
        fitted(vectors(), mirrored=True)


class TestPredict:
    @pytest.mark.parametrize("chunk", [7, 12, 24])
    def test_chunks_in_the_order_of_the_ids(self, chunk):
        learner, pool = fitted(backbone="small")
        one_by_one = {id: probs(learner, pool, [id])[0] for id in pool.ids()}
        ids = list(reversed(pool.ids()))
        chunks = list(learner.predict(pool, ids, want=NOTHING, chunk=chunk))
        assert [len(each.ids) for each in chunks] == [len(ids[i : i + chunk]) for i in range(0, 24, chunk)]
        assert [id for each in chunks for id in each.ids] == ids
        for each in chunks:
            expected = torch.stack([one_by_one[id] for id in each.ids])
            assert torch.allclose(each.probs, expected, atol=1e-5)

    def test_no_ids_no_predictions(self):
        learner, pool = fitted()
        assert list(learner.predict(pool, [], want=NOTHING)) == []

    def test_whoever_reads_may_learn_from_it_meanwhile(self):
        learner, pool = fitted()
        losses = losses_of_a_reader(learner.predict(pool, pool.ids(), want=frozenset({"features"}), chunk=6))
        assert len(losses) == 4 and losses == sorted(losses, reverse=True) and losses[-1] < 0.5

    def test_only_what_is_wanted_comes(self):
        learner, pool = fitted(dropout=0.3)
        (bare,) = learner.predict(pool, pool.ids(), want=NOTHING)
        assert bare.features is None
        assert bare.extras == {}
        (full,) = learner.predict(pool, pool.ids(), want=frozenset({"features", "samples"}))
        assert torch.equal(full.probs, bare.probs)
        assert full.probs.shape == (24, 3)
        assert full.features.shape == (24, 128)
        assert full.extras["samples"].shape == (4, 24, 3), "M passes, N images, C classes"

    def test_features_are_what_meets_the_head(self):
        learner, pool = fitted()
        (prediction,) = learner.predict(pool, pool.ids(), want=frozenset({"features"}))
        with torch.no_grad():
            head = learner.network.head
            assert torch.allclose(head.probs(head(prediction.features)), prediction.probs, atol=1e-6)

    def test_samples_scatter_around_the_prediction_and_repeat(self):
        learner, pool = fitted(dropout=0.3, epochs=10)
        want = frozenset({"samples"})
        (first,) = learner.predict(pool, pool.ids(), want=want)
        (again,) = learner.predict(pool, pool.ids(), want=want)
        samples = first.extras["samples"]
        assert torch.equal(samples, again.extras["samples"])
        assert not torch.equal(samples[0], samples[1])
        assert ((samples >= 0) & (samples <= 1)).all()
        agree = (samples.mean(0).argmax(-1) == first.probs.argmax(-1)).float().mean()
        assert agree > 0.7

    def test_scoring_leaves_weights_and_statistics_alone(self):
        learner, pool = fitted(backbone="small", dropout=0.3)
        before = weights(learner)
        assert any("running_mean" in name for name in before)
        for _ in learner.predict(pool, pool.ids(), want=frozenset({"features", "samples"})):
            assert not any(part.training for part in learner.network.modules())
        assert weights(learner) == before

    def test_samples_without_dropout_are_refused(self):
        learner, pool = fitted()
        with pytest.raises(UsageError, match=r"need dropout: set model\.dropout"):
            next(learner.predict(pool, pool.ids(), want=frozenset({"samples"})))

    def test_inputs_of_another_shape_are_refused(self):
        learner, _ = fitted()
        with pytest.raises(DataError, match=r"reads inputs of shape \(1, 8, 8\), got \(3, 8, 8\)"):
            next(learner.predict(images(channels=3), ["00000"], want=NOTHING))

    def test_before_a_fit_there_is_nothing_to_predict_or_save(self, tmp_path):
        learner = classifier()
        with pytest.raises(NotFitted, match="call fit or load first"):
            next(learner.predict(images(), ["00000"], want=NOTHING))
        with pytest.raises(NotFitted):
            learner.save(tmp_path / "model.safetensors")
        assert list(tmp_path.iterdir()) == []


class TestInputs:
    @pytest.mark.parametrize(
        ("pool", "backbone", "shape"),
        [
            (images(), "small", (1, 8, 8)),
            (images(channels=3), "small", (3, 8, 8)),
            (images(channels=3), "mlp", (3, 8, 8)),
            (vectors(), "mlp", (5,)),
            (vectors(), "identity", (5,)),
        ],
        ids=["gray", "rgb", "rgb-mlp", "vectors", "vectors-identity"],
    )
    @pytest.mark.parametrize("head", ["nce", "softmax"])
    def test_images_and_vectors_are_learned(self, pool, backbone, shape, head):
        plan = {"backbone": backbone, "head": HeadRecipe(name=head), "epochs": 20, "crop_padding": 0}
        learner, pool = fitted(pool, **plan)
        assert learner.shape == shape
        predicted = probs(learner, pool, pool.ids()[18:]).argmax(-1).tolist()
        assert predicted == [0, 1, 2, 0, 1, 2], "images that were not among the labelled"

    @pytest.mark.parametrize("backbone", ["mlp", "identity"])
    def test_vectors_are_normalised_by_those_of_the_whole_pool(self, backbone):
        rows = np.stack([vectors().load(id) for id in vectors().ids()])
        rows[:18, 4] = 1e-3 * rows[:18, 4]  # hardly varies among the labelled
        learner, _ = fitted(ArrayPool(rows), backbone=backbone, epochs=1)
        expected = torch.from_numpy(rows.std(0))
        torch.testing.assert_close(learner.network.std, expected, rtol=1e-5, atol=0)

    def test_a_vector_that_cannot_be_read_normalises_nothing(self):
        class Broken(ArrayPool):
            def load(self, id):
                if id == "00020":
                    raise UnreadableImage(id, "gone")
                return super().load(id)

        rows = vectors().array
        learner, _ = fitted(Broken(rows), backbone="identity", epochs=1)
        expected = torch.from_numpy(np.delete(rows, 20, 0).std(0))
        torch.testing.assert_close(learner.network.std, expected, rtol=1e-5, atol=0)

    @pytest.mark.parametrize("backbone", ["mlp", "identity"])
    def test_a_vector_that_would_spoil_the_normalisation_is_refused_by_its_id(self, backbone):
        rows = vectors().array.copy()
        rows[20] *= 1e6
        with pytest.raises(
            DataError, match=r"pool: 1 vector lies more than .* that of '00020' [0-9,]+ times"
        ):
            fitted(ArrayPool(rows), backbone=backbone, epochs=1)

    def test_images_are_normalised_by_the_labelled_ones(self):
        pool = images()
        brighter = ArrayPool(np.stack([pool.load(id) + 80 * (int(id) >= 18) for id in pool.ids()]))
        learner, _ = fitted(brighter, backbone="small", epochs=1)
        seen = np.stack([pool.load(id) for id in list(pool.ids())[:18]])
        torch.testing.assert_close(learner.network.mean, torch.tensor([seen.mean()]).float())

    def test_a_module_of_ones_own(self):
        class Own(nn.Module):
            out_features = 7

            def __init__(self):
                super().__init__()
                self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.Tanh())

            def forward(self, batch):
                return self.net(batch)

        learner, pool = fitted(own=Own, backbone="not looked up")
        assert isinstance(learner.network.backbone, Own)
        (prediction,) = learner.predict(pool, pool.ids(), want=frozenset({"features"}))
        assert prediction.features.shape == (24, 7)

    def test_nothing_labelled(self):
        with pytest.raises(UsageError, match="the labelled set is empty"):
            classifier().fit(LabeledSet([], [], CLASSES), images(), cycle=1)

    @pytest.mark.parametrize("backbone", ["small", "mlp", "resnet18"])
    def test_one_image(self, backbone):
        """Batch normalisation over a single 1 x 1 map has no variance; the fit must not mind."""
        learner, pool = fitted(count=1, backbone=backbone, epochs=1, min_steps=2)
        assert torch.isfinite(probs(learner, pool)).all()

    def test_batches_of_one_image(self):
        pool = images()
        learner = classifier(backbone="small", batch_size=1, epochs=5)
        report = learner.fit(LabeledSet(pool.ids()[:4], [CLASSES[0]] * 4, CLASSES), pool, cycle=1)
        assert report.steps == 20
        assert report.accuracy == 1, "an image that fills up a batch counts once"

    @pytest.mark.parametrize("head", ["nce", "softmax"])
    def test_one_class_among_three(self, head):
        pool = images()
        ids = pool.ids()[:18:3]
        learner = classifier(head=HeadRecipe(name=head), epochs=20)
        learner.fit(LabeledSet(ids, [CLASSES[0]] * 6, CLASSES), pool, cycle=1)
        predicted = probs(learner, pool, ids)
        assert predicted.shape == (6, 3)
        assert (predicted.argmax(-1) == 0).all()

    def test_a_constant_image_has_no_deviation_to_divide_by(self):
        pool = ArrayPool(images().array * 0 + 7)
        learner, pool = fitted(pool)
        assert torch.isfinite(probs(learner, pool)).all()


class TestFile:
    def test_round_trip(self, tmp_path):
        learner, pool = fitted(backbone="small", cycle=3)
        file = tmp_path / "model.safetensors"
        learner.save(file)
        assert [each.name for each in tmp_path.iterdir()] == [file.name]
        other = classifier(backbone="small", seed=5)
        other.load(file)
        assert (other.class_names, other.shape, other.cycle) == (CLASSES, (1, 8, 8), 3)
        assert weights(other) == weights(learner)
        assert torch.equal(probs(other, pool), probs(learner, pool))

    def test_equal_models_are_equal_files(self, tmp_path):
        for name in "ab":
            fitted(backbone="small")[0].save(tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def refused(self, file, learner=None):
        with pytest.raises(DataError) as caught:
            (learner or classifier()).load(file)
        assert str(caught.value).startswith(f"{file}: ")
        return str(caught.value)

    def test_text(self, tmp_path):
        file = tmp_path / "notes.safetensors"
        file.write_text("not a model")
        assert "not a model file" in self.refused(file)

    def test_missing(self, tmp_path):
        assert "not a model file" in self.refused(tmp_path / "nowhere")

    @pytest.mark.parametrize("part", [0, 4, 100, -1])
    def test_truncated(self, tmp_path, part):
        file = tmp_path / "model.safetensors"
        fitted()[0].save(file)
        file.write_bytes(file.read_bytes()[:part])
        assert "not a model file" in self.refused(file)

    def test_weights_of_something_else(self, tmp_path):
        file = tmp_path / "other.safetensors"
        save_file({"weight": torch.zeros(2)}, file)
        assert "expected 'ncenet-classifier-1'" in self.refused(file)

    def test_another_recipe(self, tmp_path):
        file = tmp_path / "model.safetensors"
        fitted()[0].save(file)
        assert "another model recipe" in self.refused(file, classifier(head=HeadRecipe(name="softmax")))

    @pytest.mark.parametrize("change", ["one option fewer", "one option more"])
    def test_a_recipe_of_another_time(self, tmp_path, change):
        learner, _ = fitted()
        learner.save(tmp_path / "now.safetensors")
        with safe_open(tmp_path / "now.safetensors", "pt") as stored:
            about = json.loads(stored.metadata()["ncenet"])
        if change == "one option fewer":
            del about["model"]["head"]["cross_entropy"]
        else:
            about["model"]["head"]["temperature"] = 1.0
        file = tmp_path / "then.safetensors"
        save_file(load_file(tmp_path / "now.safetensors"), file, metadata={"ncenet": json.dumps(about)})
        if change == "one option more":
            assert "another model recipe" in self.refused(file)
        else:
            again = classifier()
            again.load(file)
            assert weights(again) == weights(learner), "an option that did not exist stands at its default"

    def test_another_module_of_ones_own(self, tmp_path):
        class Own(nn.Linear):
            def forward(self, batch):
                return super().forward(batch.flatten(1))

        file = tmp_path / "model.safetensors"
        fitted(own=lambda: Own(64, 7))[0].save(file)
        other = classifier(own=lambda: Own(64, 8))
        assert "its backbone.weight is 7 x 64, and 8 x 64 was expected" in self.refused(file, other)
        with pytest.raises(NotFitted):
            _ = other.network

    def test_an_interrupted_save_leaves_the_old_file(self, tmp_path, monkeypatch):
        learner, _ = fitted()
        file = tmp_path / "model.safetensors"
        learner.save(file)
        before = file.read_bytes()

        def interrupt(weights, metadata):
            raise KeyboardInterrupt

        monkeypatch.setattr(model_file, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            learner.save(file)
        assert file.read_bytes() == before


class TestWarmAndCold:
    def first_loss(self, before=None, **options):
        told, pool = [], images()
        learner = classifier(notify=told.append, epochs=12, **options)
        learner.fit(labeled(pool), pool, cycle=2, before=before)
        return told[0]["loss"], learner

    @pytest.fixture
    def before(self, tmp_path):
        learner, _ = fitted(epochs=20)
        file = tmp_path / "before.safetensors"
        learner.save(file)
        return file

    def test_warm_starts_from_the_model_before(self, before):
        cold, _ = self.first_loss(warm=True)
        warm, _ = self.first_loss(before, warm=True)
        assert warm < cold / 2

    def test_cold_does_not_look_at_it(self, before):
        _, alone = self.first_loss()
        _, beside = self.first_loss(before)
        assert weights(alone) == weights(beside)

    def test_warm_takes_no_step_back(self, before):
        """With a learning rate of next to nothing the weights stay those of the model before."""
        pool = images()
        learner = classifier(warm=True, lr=1e-12, epochs=1)
        learner.fit(labeled(pool), pool, cycle=2, before=before)
        loaded = classifier()
        loaded.load(before)
        for name, tensor in loaded.network.state_dict().items():
            assert torch.allclose(learner.network.state_dict()[name], tensor, atol=1e-6), name

    def test_warm_starts_afresh_when_classes_were_added(self, before):
        pool, learner = images(), classifier(warm=True)
        more = labeled(pool)
        more = LabeledSet(more.ids, more.labels, (*CLASSES, "dodo"))
        learner.fit(more, pool, cycle=2, before=before)
        cold = classifier(warm=False)
        cold.fit(more, pool, cycle=2)
        assert learner.network.head.num_classes == len(CLASSES) + 1
        assert weights(learner) == weights(cold)

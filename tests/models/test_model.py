"""A model without its run: loaded from each place, asked about every kind of image."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

import ncenet
from ncenet.errors import DataError, MissingExtra, UnreadableImage, UsageError
from ncenet.functional.scores import confusion, rejection, vote_entropy
from ncenet.models.model import Model
from ncenet.recipe import LoopRecipe
from ncenet.strategies.build import build_strategy
from tests.learners.make import CLASSES, SIDE, classifier, committee, images, labeled, vectors


@pytest.fixture(scope="module")
def learner():
    learner = classifier(epochs=8)
    learner.fit(labeled(images()), images(), cycle=1)
    return learner


@pytest.fixture
def file(tmp_path, learner):
    learner.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(file):
    return ncenet.load(file)


def pixels(row=3):
    return images().load(images().ids()[row])


class TestScores:
    def test_are_those_of_the_learner(self, learner, model):
        ids = images().ids()[:7]
        (chunk,) = learner.predict(images(), ids, want=frozenset())
        (scores,) = model.score(images(), ids)
        assert (scores.ids, scores.class_names, len(scores)) == (ids, CLASSES, 7)
        np.testing.assert_array_equal(scores.likelihood, chunk.probs)
        np.testing.assert_array_equal(scores.rejection, rejection(chunk.probs))
        np.testing.assert_array_equal(scores.confusion, confusion(chunk.probs))
        assert scores.predicted == tuple(CLASSES[c] for c in chunk.probs.argmax(-1).tolist())
        assert set(scores.predicted) > {"ant"}, "it learned something"

    def test_an_image_is_an_image_whatever_it_comes_as(self, model, tmp_path):
        picture = PIL.Image.fromarray(pixels()[..., 0])
        picture.save(tmp_path / "a.png")
        encoded = io.BytesIO()
        picture.convert("RGB").save(encoded, "PNG")
        given = [tmp_path / "a.png", str(tmp_path / "a.png"), picture, encoded.getvalue(), pixels(),
                 pixels()[..., 0], pixels().repeat(3, axis=2)]  # fmt: skip
        together = model.predict(given)
        assert together.ids == [str(row) for row in range(len(given))]
        for row, image in enumerate(given):
            alone = model.predict(image)
            np.testing.assert_allclose(alone.likelihood[0], together.likelihood[0], atol=1e-6)
            np.testing.assert_allclose(together.likelihood[row], together.likelihood[0], atol=1e-6)
        assert model.predict(tmp_path / "a.png").ids == [str(tmp_path / "a.png")]

    def test_images_are_resized_and_arrays_may_be_stacked(self, model):
        large = pixels().repeat(4, axis=0).repeat(4, axis=1)
        np.testing.assert_allclose(
            model.predict(large).likelihood, model.predict(pixels()).likelihood, atol=0.05
        )
        assert len(model.predict(np.stack([pixels(0), pixels(1)]))) == 2

    def test_a_model_of_colours_sees_gray_images(self, tmp_path):
        learner = classifier()
        learner.fit(labeled(images(channels=3)), images(channels=3), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        model = Model.from_pretrained(tmp_path)
        gray = model.predict(pixels()[..., 0])
        np.testing.assert_array_equal(gray.likelihood, model.predict(pixels().repeat(3, axis=2)).likelihood)

    def test_feature_vectors(self, tmp_path):
        learner = classifier(backbone="identity")
        learner.fit(labeled(vectors()), vectors(), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        model = Model.from_pretrained(tmp_path)
        rows = vectors().array[:4]
        (expected,) = learner.predict(vectors(), vectors().ids()[:4], want=frozenset())
        np.testing.assert_array_equal(model.predict(rows).likelihood, expected.probs)
        assert len(model.predict(rows[0])) == 1

    def test_nothing_is_kept_of_what_was_looked_at(self, model):
        before = model.learner.held
        model.predict([pixels()])
        assert model.learner.held == before

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (
                torch.zeros(3, 8, 8, dtype=torch.uint8),
                "a Tensor is no path, bytes, Pillow image or array uint8",
            ),
            (None, "a NoneType is no path"),
            (np.zeros((0, 6, 3), np.uint8), r"got uint8 \(0, 6, 3\)"),
            (np.zeros((4, 6, 4), np.uint8), r"got uint8 \(4, 6, 4\)"),
            ("/dev/zero", "is no regular file, but a device or a pipe"),
            (b"", "empty file"),
        ],
    )
    def test_what_is_no_image(self, model, given, why):
        with pytest.raises(DataError, match=why):
            model.predict([given, pixels()])

    def test_mistakes(self, model, tmp_path):
        with pytest.raises(UnreadableImage, match=r"no\.png: no such file or directory"):
            model.predict(tmp_path / "no.png")
        with pytest.raises(UnreadableImage, match="0: not an image"):
            model.predict(b"hello")
        with pytest.raises(DataError, match=r"image 0: arrays are uint8 \(H, W\).*got float64 \(8, 8, 1\)"):
            model.predict(np.zeros((8, 8)))


class TestCommittee:
    def test_scores_are_those_of_its_strategies(self, tmp_path):
        learner = committee(epochs=2)
        learner.fit(labeled(images()), images(), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        model = ncenet.load(tmp_path)
        (chunk,) = learner.predict(images(), images().ids(), want=frozenset({"samples"}))
        (scores,) = model.score(images(), images().ids())
        np.testing.assert_array_equal(scores.likelihood, chunk.probs)
        np.testing.assert_array_equal(scores.rejection, rejection(chunk.probs))
        votes = [member.probs for each in learner.members
                 for member in each.predict(images(), images().ids(), want=frozenset())]  # fmt: skip
        np.testing.assert_allclose(scores.vote_entropy, vote_entropy(torch.stack(votes)), atol=1e-6)
        consensus = build_strategy(LoopRecipe(strategy="consensus-entropy")).score(chunk)
        np.testing.assert_array_equal(scores.consensus_entropy, consensus)
        model.save_pretrained(tmp_path / "votes")
        again = ncenet.load(tmp_path / "votes").predict([pixels(0), pixels(1)])
        np.testing.assert_array_equal(again.vote_entropy, model.predict([pixels(0), pixels(1)]).vote_entropy)

    def test_one_network_does_not_vote(self, model):
        scores = model.predict(pixels())
        assert not model.votes and scores.vote_entropy is None and scores.consensus_entropy is None


class TestPlaces:
    def test_an_exported_folder(self, model, tmp_path):
        model.save_pretrained(tmp_path / "out" / "pets")
        again = Model.from_pretrained(tmp_path / "out" / "pets")
        assert again.class_names == CLASSES and again.shape == (1, SIDE, SIDE)
        np.testing.assert_array_equal(again.predict(pixels()).likelihood, model.predict(pixels()).likelihood)
        config = json.loads((tmp_path / "out" / "pets" / "config.json").read_text())
        assert config["class_names"] == list(CLASSES) and config["model"]["backbone"] == "mlp"
        with pytest.raises(UsageError, match="is there already"):
            model.save_pretrained(tmp_path / "out" / "pets")

    def test_a_config_of_another_model(self, model, tmp_path):
        model.save_pretrained(tmp_path / "pets")
        config = tmp_path / "pets" / "config.json"
        config.write_text(config.read_text().replace('"ant"', '"cat"'))
        with pytest.raises(DataError, match=r"config\.json does not belong to model\.safetensors"):
            Model.from_pretrained(tmp_path / "pets")

    def test_the_last_model_of_a_run(self, learner, tmp_path):
        for cycle in (1, 2, 10):
            learner.cycle = cycle
            (tmp_path / "cycles" / f"{cycle:03d}").mkdir(parents=True)
            learner.save(tmp_path / "cycles" / f"{cycle:03d}" / "model.safetensors")
        learner.cycle = 1
        assert Model.from_pretrained(tmp_path).learner.cycle == 10

    def test_another_model_does_not_take_the_place_of_the_last(self, learner, tmp_path):
        for cycle in ("001", "002", "010"):
            learner.save(tmp_path / "cycles" / cycle / "model.safetensors")
            (tmp_path / "cycles" / cycle / "fit.json").write_text("{}")
        learner.save(tmp_path / "cycles" / "copy of 010" / "model.safetensors")
        assert ncenet.load(tmp_path).file.parent.name == "010"
        (tmp_path / "cycles" / "010" / "model.safetensors").unlink()
        with pytest.raises(DataError, match=r"cycles/010/.*: the model of the last cycle is missing"):
            ncenet.load(tmp_path)
        assert ncenet.load(tmp_path / "cycles" / "002" / "model.safetensors").file.parent.name == "002"

    def test_the_hub_and_nothing_but_the_hub_uses_the_network(self, model, tmp_path, monkeypatch):
        import huggingface_hub

        asked = []

        def download(repository, **options):
            asked.append((repository, options["revision"], options["allow_patterns"]))
            return str(tmp_path / "pets")

        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        model.save_pretrained(tmp_path / "pets")
        assert Model.from_pretrained("hub:ann/pets", revision="v1").class_names == CLASSES
        assert asked == [("ann/pets", "v1", ["model.safetensors", "config.json"])]
        with pytest.raises(UsageError, match=r"ann/pets: no such file or folder; .* is written hub:"):
            Model.from_pretrained("ann/pets")
        assert len(asked) == 1

    def test_a_hub_that_does_not_answer(self, monkeypatch):
        import huggingface_hub

        def refused(*_, **__):
            raise OSError("no route")

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refused)
        with pytest.raises(DataError, match="hub:ann/pets cannot be fetched: no route"):
            Model.from_pretrained("hub:ann/pets")
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[hub\]'"):
            Model.from_pretrained("hub:ann/pets")

    def test_places_without_a_model(self, tmp_path):
        with pytest.raises(UsageError, match=r"no model here: no model\.safetensors"):
            Model.from_pretrained(tmp_path)
        (tmp_path / "text").write_text("hello")
        with pytest.raises(DataError, match="text: not a model file"):
            Model.from_pretrained(tmp_path / "text")
        save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
        with pytest.raises(DataError, match=r"no model that ncenet can read by itself; .* learner="):
            ncenet.load(tmp_path / "other.safetensors")


def test_loading_downloads_no_pretrained_weights(tmp_path, monkeypatch):
    """The weights of the file replace them."""
    timm = pytest.importorskip("timm")
    wanted = []
    create = timm.create_model

    def spy(name, **options):
        wanted.append(options["pretrained"])
        return create(name, **options | {"pretrained": False})

    monkeypatch.setattr(timm, "create_model", spy)
    monkeypatch.setattr("ncenet.nn.backbones.cached_weights", lambda about: tmp_path / "kept.safetensors")
    learner = classifier(backbone="timm:test_resnet")
    learner.model = learner.model.model_copy(update={"pretrained": True})
    learner.fit(labeled(images()), images(), cycle=1)
    learner.save(tmp_path / "model.safetensors")
    Model.from_pretrained(tmp_path)
    assert wanted == [True, False, False], "the second on paper alone, to see whether the weights fit"


@pytest.mark.parametrize("name", ["pets.onnx", "pets.PT2"])
def test_a_graph_for_other_runtimes_is_called_one(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match=f"{name}: a graph for other runtimes: read here are run folders"):
        ncenet.load(tmp_path / name)

"""One callable from batch to batch: what it says, what it is given, and where it fits."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

import ncenet
from ncenet.errors import DataError, UnknownName, UsageError
from ncenet.models import scorer as module
from ncenet.strategies.margin import Margin
from tests.learners.make import CLASSES, classifier, committee, images, labeled, vectors
from tests.learners.make_scenes import HEIGHT, WIDTH, fitted_detector, scenes

COUNT = 12


def png(pixels):
    data = io.BytesIO()
    PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    learner = classifier(epochs=8)
    learner.fit(labeled(images()), images(), cycle=1)
    written = tmp_path_factory.mktemp("model") / "model.safetensors"
    learner.save(written)
    return written


@pytest.fixture(scope="module")
def batch():
    ids = list(images().ids())[:COUNT]
    return {"id": ids, "image": [png(images().load(id)) for id in ids]}


class TestWhatItSays:
    def test_is_what_the_model_says(self, file, batch):
        said = ncenet.Scorer(file)(batch)
        scores = ncenet.load(file).predict(batch["image"])
        assert list(said) == ["id", "predicted", "likelihood", "rejection", "confusion", "reason"]
        assert said["id"].tolist() == batch["id"] and set(said["reason"]) == {""}
        np.testing.assert_array_equal(said["likelihood"], scores.likelihood)
        np.testing.assert_array_equal(said["rejection"], scores.rejection)
        np.testing.assert_array_equal(said["confusion"], scores.confusion)
        assert tuple(said["predicted"]) == scores.predicted and len(set(scores.predicted)) > 1

    def test_embeddings_and_the_score_of_any_strategy_that_ranks(self, file, batch):
        said = ncenet.Scorer(file, ("embedding", "margin"))(batch)
        pool = images()
        (chunk,) = ncenet.load(file).learner.predict(pool, batch["id"], want=frozenset({"features"}))
        assert said["embedding"].dtype == np.float16
        np.testing.assert_allclose(said["embedding"], chunk.features, rtol=2e-3, atol=1e-4)
        np.testing.assert_array_equal(said["margin"], Margin().score(chunk))

    def test_passes_with_dropout_disagree_and_say_the_same_each_time(self, tmp_path, batch):
        learner = classifier(dropout=0.5, epochs=2)
        learner.fit(labeled(images()), images(), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        first = ncenet.Scorer(tmp_path / "model.safetensors", ("bald",))(batch)["bald"]
        assert np.ptp(first) > 0
        again = ncenet.Scorer(tmp_path / "model.safetensors", ("bald",))
        np.testing.assert_array_equal(again(batch)["bald"], first)
        np.testing.assert_array_equal(again(batch)["bald"], first)

    def test_a_committee_says_how_it_votes(self, tmp_path, batch):
        learner = committee(epochs=2)
        learner.fit(labeled(images()), images(), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        said = ncenet.Scorer(tmp_path / "model.safetensors", ("vote-entropy",))(batch)
        scores = ncenet.load(tmp_path / "model.safetensors").predict(batch["image"])
        np.testing.assert_allclose(said["vote-entropy"], scores.vote_entropy, atol=1e-3)
        assert np.ptp(said["vote-entropy"]) > 0.1

    def test_a_detector_says_boxes_in_the_pixels_of_the_image(self, tmp_path):
        learner, (pool, _) = fitted_detector(epochs=8), scenes()
        learner.save(tmp_path / "model.safetensors")
        model = ncenet.load(tmp_path / "model.safetensors")
        said = ncenet.Scorer(model, least=0.3)({"image": [png(pool.load(id)) for id in pool.ids()]})
        scores = model.predict([png(pool.load(id)) for id in pool.ids()])
        assert sum(map(len, said["boxes"])) > 0, "it finds something"
        np.testing.assert_allclose(said["confusion"], scores.confusion, rtol=1e-6)
        for found, seen in zip(said["boxes"], scores.found, strict=True):
            kept = [score for score in seen.scores if score >= 0.3]
            assert [each["likelihood"] for each in found] == kept
            for each, box in zip(found, seen.boxes, strict=False):
                assert each["box"] == pytest.approx(box, abs=1e-3)
                assert each["box"][2] <= WIDTH + 1e-3 and each["box"][3] <= HEIGHT + 1e-3

    def test_vectors_for_a_model_of_vectors(self, tmp_path):
        learner = classifier(backbone="identity")
        learner.fit(labeled(vectors()), vectors(), cycle=1)
        learner.save(tmp_path / "model.safetensors")
        rows = vectors().array.copy()
        rows[3, 0] = np.nan
        said = ncenet.Scorer(tmp_path / "model.safetensors")({"image": rows, "id": range(len(rows))})
        assert said["reason"][3] == "not a vector of 5 finite numbers" and said["id"].tolist() == [*range(24)]
        assert np.isnan(said["rejection"]).nonzero()[0].tolist() == [3]


class TestWhatItIsGiven:
    def test_an_image_is_an_image_whatever_it_comes_as(self, file, tmp_path):
        pixels = images().load("00003")
        (tmp_path / "a.png").write_bytes(png(pixels))
        forms = [
            png(pixels),
            pixels,
            pixels[..., 0],
            PIL.Image.fromarray(pixels[..., 0]),
            {"bytes": png(pixels), "path": None},
            {"bytes": None, "path": str(tmp_path / "a.png")},
            str(tmp_path / "a.png"),
        ]
        said = ncenet.Scorer(file)({"image": forms})
        assert set(said["reason"]) == {""} and said["id"][1] == "00001"
        for row in said["likelihood"]:
            np.testing.assert_array_equal(row, said["likelihood"][0])

    def test_a_broken_image_is_a_row_with_a_reason(self, file, batch, tmp_path):
        broken = [b"no image", None, b"", str(tmp_path / "gone.png"), np.zeros((2, 2, 7), np.uint8)]
        mixed = {"id": [*batch["id"], *"vwxyz"], "image": [*batch["image"], *broken]}
        said = ncenet.Scorer(file, ("likelihood", "embedding"))(mixed)
        reasons = said["reason"].tolist()
        assert reasons[:COUNT] == [""] * COUNT
        assert [reason.split(":")[0] for reason in reasons[COUNT:-2]] == [
            "not an image",
            "no bytes in this row",
            "empty file",
        ]
        assert "gone.png" in reasons[-2] and "(2, 2, 7)" in reasons[-1]
        alone = ncenet.Scorer(file, ("likelihood", "embedding"))(batch)
        np.testing.assert_array_equal(said["likelihood"][:COUNT], alone["likelihood"])
        assert np.isnan(said["likelihood"][COUNT:]).all() and np.isnan(said["embedding"][COUNT:]).all()
        assert said["predicted"][COUNT:].tolist() == [None] * 5

    def test_a_batch_of_broken_images_and_one_of_none_have_the_same_columns(self, file, batch):
        scorer = ncenet.Scorer(file, ("likelihood", "embedding"))
        columns = {name: (rows.dtype, rows.shape[1:]) for name, rows in scorer(batch).items()}
        for images_ in ([b"x", b"y"], []):
            said = scorer({"id": ["a", "b"][: len(images_)], "image": images_})
            assert {name: (rows.dtype, rows.shape[1:]) for name, rows in said.items()} == columns
            assert {len(rows) for rows in said.values()} == {len(images_)}

    def test_columns_that_come_along(self, file, batch):
        said = ncenet.Scorer(file, keep=("camera",))(batch | {"camera": list("ab") * 6})
        assert said["camera"].tolist() == list("ab") * 6

    def test_other_names_of_columns(self, file, batch):
        said = ncenet.Scorer(file, id="key", image="jpg")({"key": batch["id"], "jpg": batch["image"]})
        assert said["key"].tolist() == batch["id"]

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"picture": []}, "no column 'image', only picture"),
            ({"image": [b"a", b"b"], "id": ["a"]}, "2 images and 1 ids"),
        ],
    )
    def test_a_batch_that_is_none(self, file, given, why):
        with pytest.raises(DataError, match=why):
            ncenet.Scorer(file)(given)

    @pytest.mark.parametrize(
        ("outputs", "error", "why"),
        [
            (("boxes",), UsageError, "has 'likelihood'"),
            (("core-set",), UsageError, "more than the likelihoods of one image"),
            (("margn",), UnknownName, "did you mean 'margin'"),
            ("margin", UsageError, "several names"),
        ],
    )
    def test_an_output_that_it_has_not(self, file, outputs, error, why):
        with pytest.raises(error, match=why):
            ncenet.Scorer(file, outputs)


class TestWhereItFits:
    def test_a_pickle_holds_no_model_and_says_the_same(self, file, batch, tmp_path):
        scorer = ncenet.Scorer(file)
        scorer(batch)
        assert len(pickle.dumps(scorer)) < 1000 < file.stat().st_size
        (tmp_path / "scorer.pickle").write_bytes(pickle.dumps((scorer, batch)))
        code = (
            "import pickle, sys; s, b = pickle.loads(open(sys.argv[1], 'rb').read()); "
            "open(sys.argv[2], 'wb').write(pickle.dumps(s(b)))"
        )
        words = [sys.executable, "-c", code, str(tmp_path / "scorer.pickle"), str(tmp_path / "said.pickle")]
        subprocess.run(words, check=True)
        there, here = pickle.loads((tmp_path / "said.pickle").read_bytes()), scorer(batch)
        for name, rows in here.items():
            np.testing.assert_array_equal(there[name], rows)

    def test_a_process_reads_the_model_once(self, file, batch, monkeypatch):
        module.model_of.cache_clear()
        reads, read = [], module.load
        monkeypatch.setattr(module, "load", lambda source: reads.append(source) or read(source))
        for _ in range(3):
            pickle.loads(pickle.dumps(ncenet.Scorer(file)))(batch)
        assert len(reads) == 1

    def test_of_a_model_that_was_written_anew_it_reads_the_new_one(self, tmp_path, batch):
        learner = classifier(epochs=1)
        for seed in (0, 1):
            learner = classifier(epochs=1 + 5 * seed)
            learner.fit(labeled(images()), images(), cycle=1)
            learner.save(tmp_path / "model.safetensors")
            said = ncenet.Scorer(tmp_path / "model.safetensors")(batch)
            expected = ncenet.load(tmp_path / "model.safetensors").predict(batch["image"])
            np.testing.assert_array_equal(said["likelihood"], expected.likelihood)

    def test_datasets_map(self, file, batch, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        data = datasets.Dataset.from_dict(batch)
        scored = data.map(ncenet.Scorer(file), batched=True, batch_size=5, remove_columns="image")
        here = ncenet.Scorer(file)(batch)
        assert scored["id"][:] == batch["id"]
        np.testing.assert_allclose(np.array(scored["likelihood"][:]), here["likelihood"], rtol=1e-5)
        assert scored["predicted"][:] == here["predicted"].tolist()

    def test_pandas_frames_as_spark_hands_them_over(self, file, batch):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(batch)
        said = ncenet.Scorer(file, ("rejection",))(frame)
        assert (
            pandas.DataFrame(said)["rejection"].tolist() == ncenet.Scorer(file)(batch)["rejection"].tolist()
        )


def test_names_of_classes(file):
    assert ncenet.Scorer(file).class_names == CLASSES

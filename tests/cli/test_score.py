"""``score``, and the export of models: from a run to tables and files."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow.parquet
import pytest

from ncenet import load
from ncenet.cli import main
from ncenet.data import open_dataset
from ncenet.recipe import Recipe
from ncenet.types import LabeledSet
from tests.commands import SMALL_RUN
from tests.data.detection.make import samples, write_voc
from tests.data.make import jpeg, write
from tests.learners.make_scenes import detector


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished simulation on digits."""
    folder = tmp_path_factory.mktemp("score") / "run"
    main(["simulate", "digits", *SMALL_RUN, "--out", str(folder)])
    return folder


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


class TestScore:
    def test_every_image_has_a_row(self, ncenet, run):
        done = ncenet("score", run, "digits")
        assert done.code == 0, done.err
        table = rows(done.out)
        assert len(table) == 1297 and list(table[0]) == [
            "id",
            "predicted",
            "likelihood",
            "rejection",
            "confusion",
        ]
        model = load(run)
        pool = open_dataset("digits").pool
        assert [row["id"] for row in table] == list(pool.ids())
        scores = model.predict(pool.load(table[700]["id"]))
        assert table[700]["predicted"] == scores.predicted[0]
        for column, expected in (("likelihood", scores.likelihood.max()), ("rejection", scores.rejection[0]),
                                 ("confusion", scores.confusion[0])):  # fmt: skip
            assert float(table[700][column]) == pytest.approx(expected, abs=1e-4)

    def test_the_forms_say_the_same(self, ncenet, run, tmp_path):
        for name in ("a.csv", "a.json", "a.jsonl", "a.parquet"):
            done = ncenet("score", run, "digits", "--out", name, "--per-class")
            assert (done.code, done.out) == (0, ""), done.err
            assert f"1,297 images in {name}" in done.said
        lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
        assert json.loads((tmp_path / "a.json").read_text()) == lines
        assert [{k: str(v) for k, v in row.items()} for row in lines] == rows(
            (tmp_path / "a.csv").read_text()
        )
        table = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
        assert [row["id"] for row in table] == [row["id"] for row in lines]
        per_class = np.array([[row[f"likelihood[{digit}]"] for digit in range(10)] for row in lines])
        np.testing.assert_allclose(per_class.max(1), [row["likelihood"] for row in lines])
        np.testing.assert_allclose([row["likelihood[3]"] for row in table], per_class[:, 3], atol=1e-6)

    def test_json_to_print(self, ncenet, run):
        assert len(json.loads(ncenet("score", run, "digits", "--json").out)) == 1297

    def test_an_image_that_cannot_be_read(self, ncenet, run, tmp_path):
        write(tmp_path / "photos", {"a.png": b"broken", "b.jpg": jpeg(0, width=8, height=8)})
        done = ncenet("score", run, "photos", "--out", "a.csv")
        assert done.code == 1 and "a.png: not an image" in done.said
        assert done.said.endswith("leave such images out with --on-bad-image skip")
        assert list(tmp_path.glob("a.csv*")) == []
        done = ncenet("score", run, "photos", "--on-bad-image", "skip")
        assert done.code == 0
        assert [row["id"] for row in rows(done.out)] == ["b.jpg"]
        assert "left out a.png: not an image" in done.said

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            ("nowhere digits", 2, "nowhere: no such file or folder"),
            ("RUN digits --out a.txt", 2, "a.txt: the name ends in none of .csv, .json, .jsonl, .parquet"),
            ("RUN cifar", 2, "cifar: no built-in data set of this name"),
        ],
    )
    def test_wrong_usage(self, ncenet, run, words, code, message):
        done = ncenet("score", *words.replace("RUN", str(run)).split())
        assert (done.code, message in done.said) == (code, True), done.err


@pytest.fixture(scope="module")
def detected(tmp_path_factory):
    """What a run of a detector leaves of its model, and images that it may be asked about."""
    root = tmp_path_factory.mktemp("detected")
    voc = write_voc(root / "digits", {"trainval": samples(6), "test": ()})
    data = open_dataset(str(voc), task="detection")
    oracle = data.required_oracle().answer(list(data.pool.ids()))
    learner = detector()
    learner.fit(LabeledSet(list(oracle), list(oracle.values()), data.class_names), data.pool, cycle=1)
    (root / "run" / "cycles" / "001").mkdir(parents=True)
    learner.save(root / "run" / "cycles" / "001" / "model.safetensors")
    recipe = Recipe(task="detection").with_changes({"loop.options": {"aggregate": "max"}})
    (root / "run" / "recipe.yaml").write_text(recipe.to_yaml())
    return root / "run", voc


class TestDetectors:
    def test_every_image_has_a_row(self, ncenet, detected):
        run, voc = detected
        done = ncenet("score", run, voc)
        assert done.code == 0, done.err
        table = rows(done.out)
        pool = open_dataset(str(voc), task="detection").pool
        assert [row["id"] for row in table] == list(pool.ids()), "ids are those of a run"
        (expected,) = load(run).score(pool, pool.ids())
        assert list(table[0]) == ["id", "objects", "rejection", "confusion"]
        for row, found, score in zip(table, expected.found, expected.rejection, strict=True):
            assert int(row["objects"]) == sum(each >= 0.5 for each in found.scores)
            assert float(row["rejection"]) == pytest.approx(score, abs=1e-5)

    def test_boxes_of_likely_objects(self, ncenet, detected):
        run, voc = detected
        lines = json.loads(ncenet("score", run, voc, "--json", "--boxes", "--least", "0.2").out)
        found = [each for line in lines for each in line["boxes"]]
        assert [len(line["boxes"]) for line in lines] == [line["objects"] for line in lines]
        assert found and all(each["likelihood"] >= 0.2 for each in found)
        assert sum(line["objects"] for line in lines) < 6 * 200, "the others are left out"

    def test_plain_images(self, ncenet, detected, tmp_path):
        write(tmp_path / "photos", {"b.jpg": jpeg(0, width=80, height=60)})
        done = ncenet("score", detected[0], "photos")
        assert done.code == 0 and [row["id"] for row in rows(done.out)] == ["b.jpg"], done.err

    def test_the_exported_folder_scores_alike(self, ncenet, detected, tmp_path):
        run, voc = detected
        assert ncenet("export", run, "model", "--model", "safetensors").code == 0
        assert ncenet("score", "model", voc).out == ncenet("score", run, voc).out
        assert ncenet("export", run, "model.pt2").code == 0
        assert (tmp_path / "model.pt2").read_bytes()[:2] == b"PK"

    def test_classifiers_find_no_boxes(self, ncenet, run):
        for words in (["--boxes"], ["--least", "0.3"]):
            done = ncenet("score", run, "digits", *words)
            assert done.code == 2 and "--boxes and --least are for detectors" in done.said


class TestExportOfModels:
    def test_safetensors(self, ncenet, run, tmp_path):
        assert ncenet("export", run, "model", "--model", "safetensors").code == 0
        assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
            "config.json",
            "model.safetensors",
        ]
        done = ncenet("score", "model", "digits")
        assert rows(done.out) == rows(ncenet("score", run, "digits").out)

    def test_of_an_earlier_cycle(self, ncenet, run, tmp_path):
        assert ncenet("export", run, "first", "--model", "safetensors", "--cycle", 1).code == 0
        assert (load(tmp_path / "first").learner.cycle, load(run).learner.cycle) == (1, 2)
        done = ncenet("export", run, "ninth", "--model", "safetensors", "--cycle", 9)
        assert done.code == 2 and "cycle 9 has no model" in done.said

    def test_the_end_of_the_name_says_which(self, ncenet, run, tmp_path):
        assert ncenet("export", run, "model.pt2").code == 0
        assert (tmp_path / "model.pt2").read_bytes()[:2] == b"PK"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ("a.csv --cycle 1", "--cycle names a model"),
            ("out --model onnx --format csv", "--format, --link and --raw are for labels"),
            ("out --model onnx --link", "--format, --link and --raw are for labels"),
            ("out --model tflite", "onnx"),
        ],
    )
    def test_wrong_usage(self, ncenet, run, words, message):
        done = ncenet("export", run, *words.split())
        assert (done.code, message in done.said) == (2, True), done.err

"""Shares beside likelihoods: what a model says how often it is right, wherever it comes from."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import ncenet
from ncenet.cli import main
from ncenet.data.open import open_dataset
from ncenet.errors import DataError, UsageError
from ncenet.functional.calibration import calibration_error
from ncenet.loop.open import open_loop
from ncenet.loop.simulate import simulate
from ncenet.models.score_shards import model_hash
from ncenet.models.scores import Scores
from ncenet.recipe import Recipe
from tests.data.make import jpeg, write

RECIPE = Recipe().with_changes(
    {
        "data.train": "textures",
        "model.features": "gist",
        "loop.strategy": "random",
        "loop.initial": 60,
        "loop.query_size": 30,
        "loop.cycles": 2,
    }
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "textures"
    simulate(RECIPE, folder)
    return folder


def asked_of(model):
    """What a model says of the held-out images, and what they are."""
    test = open_dataset("textures", split="test")
    true = test.required_oracle().answer(test.pool.ids())
    chunks = list(model.score(test.pool, test.pool.ids()))
    return Scores.joined(chunks), torch.tensor([model.class_names.index(true[id]) for id in test.pool.ids()])


def test_a_share_means_how_often_the_class_is_right_and_a_likelihood_does_not(run):
    said, targets = asked_of(ncenet.load(run))
    assert said.share.sum(1) == pytest.approx(1, abs=1e-5)
    assert (said.share.argmax(1) == said.likelihood.argmax(1)).all(), "no decision changes"
    likelihood, share = (
        calibration_error(torch.from_numpy(n), targets) for n in (said.likelihood, said.share)
    )
    assert share < 0.1 < 0.25 < likelihood


def test_it_is_the_temperature_that_the_test_recorded(run):
    recorded = json.loads((run / "cycles/002/test.json").read_text())["calibration"]
    assert ncenet.load(run).temperature == recorded["temperature"] is not None
    first = ncenet.load(run / "cycles/001/model.safetensors")
    assert first.temperature is None, "of a simulation the last cycle alone is calibrated"
    assert asked_of(first)[0].share is None


def test_it_goes_along_with_an_exported_model(run, tmp_path):
    model = ncenet.load(run)
    model.save_pretrained(tmp_path / "out")
    again = ncenet.load(tmp_path / "out")
    assert json.loads((tmp_path / "out/config.json").read_text())["temperature"] == model.temperature
    assert again.temperature == model.temperature
    again.save_pretrained(tmp_path / "twice")
    assert ncenet.load(tmp_path / "twice").temperature == model.temperature


def test_it_is_shown_in_the_place_of_a_likelihood_of_seven_percent(run):
    said, _ = asked_of(ncenet.load(run))
    assert f"{said.share[0].max():.2f}" in repr(said) and f"{said.likelihood[0].max():.2f}" not in repr(said)


def test_score_has_a_column_of_it(run, tmp_path):
    file = tmp_path / "scores.csv"
    main(["score", str(run), "textures", "--out", str(file)])  # gray images, of which features are made
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0])[:4] == ["id", "predicted", "likelihood", "share"]
    assert all(float(row["share"]) > float(row["likelihood"]) for row in rows)


def test_shards_have_the_shares_of_every_class(run, tmp_path):
    write(tmp_path / "in", {f"{n}.jpg": jpeg(n) for n in range(3)})
    data = {f"image_{n}": (tmp_path / f"in/{n}.jpg").read_bytes() for n in range(3)}
    pq.write_table(pa.table({"id": list(data), "image": list(data.values())}), tmp_path / "in.parquet")
    main(["score", str(run), str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out")])
    (file,) = (tmp_path / "out").iterdir()
    there, said = pq.read_table(file), ncenet.load(run).predict(list(data.values()))
    assert there.column_names[:4] == ["id", "predicted", "likelihood", "share"]
    assert np.array(there["share"].to_pylist()) == pytest.approx(said.share, abs=1e-5)


def test_a_shard_of_another_temperature_is_scored_anew(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    record = tmp_path / "run/cycles/002/test.json"
    said = json.loads(record.read_text())
    record.write_text(json.dumps(said | {"calibration": said["calibration"] | {"temperature": 3.0}}))
    for outputs, same in ((None, False), (("likelihood",), True)):
        one, other = (ncenet.Scorer(folder, outputs) for folder in (run, tmp_path / "run"))
        assert (model_hash(one) == model_hash(other)) is same
    assert ncenet.Scorer(run).outputs == ("likelihood", "share", "rejection", "confusion")


def test_where_there_is_none_none_can_be_asked_for(run):
    first = run / "cycles/001/model.safetensors"
    assert "share" not in ncenet.Scorer(first).outputs
    with pytest.raises(UsageError, match="has no share: nothing says how often its likelihoods are right"):
        ncenet.Scorer(first, ("share",))


def test_without_held_out_images_labels_that_were_left_out_tell_it(tmp_path):
    write(tmp_path / "photos", {f"{n % 3}/{n}.jpg": jpeg(n) for n in range(90)})
    changes = {"data.train": str(tmp_path / "photos"), "loop.initial": 40, "loop.query_size": 20}
    loop, train = open_loop(RECIPE.with_changes(changes), tmp_path / "run")
    with loop.ledger:
        for size in (40, 20, 2):
            loop.tell(train.required_oracle().answer(loop.ask(size).ids), who="ann")
        loop.ask(20)
    first, second = (
        json.loads((tmp_path / f"run/cycles/00{cycle}/left_out.json").read_text())["temperature"]
        for cycle in (1, 2)
    )
    assert ncenet.load(tmp_path / "run/cycles/001").temperature == first != second
    assert ncenet.load(tmp_path / "run/cycles/002").temperature == second is not None
    assert not (tmp_path / "run/cycles/003/left_out.json").exists(), "not for two labels more"
    assert ncenet.load(tmp_path / "run").temperature == second, "which says nothing else of this model"


def test_softmax_needs_none(tmp_path):
    simulate(RECIPE.with_changes({"model.head.name": "softmax", "loop.cycles": 1}), tmp_path)
    assert ncenet.load(tmp_path).temperature is None


def test_damage_beside_an_exported_model_is_named(run, tmp_path):
    ncenet.load(run).save_pretrained(tmp_path / "out")
    config = tmp_path / "out/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"temperature": -1}))
    with pytest.raises(DataError, match=r"config\.json: damaged: temperature"):
        ncenet.load(tmp_path / "out")


def test_a_damaged_test_leaves_the_model_sound(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    record = tmp_path / "run/cycles/002/test.json"
    record.write_bytes(record.read_bytes()[:40])
    model = ncenet.load(tmp_path / "run")
    assert model.temperature is None and asked_of(model)[0].share is None

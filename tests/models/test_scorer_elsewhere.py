"""The samples of docs/scale.md for Spark and Daft: in the shapes that they call, and on the engines."""

from __future__ import annotations

import os
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest

import ncenet
from tests.models.make_shards import BROKEN, model, shards

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
OUTPUTS = ("rejection", "confusion")
COUNT = 22


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photographs with an id, of which one is broken, and a model under the path of the page."""
    folder = tmp_path_factory.mktemp("photos")
    model(folder / "runs")
    shards(folder / "shards")
    (folder / "photos").mkdir()
    for file in sorted((folder / "shards").glob("*.parquet")):
        rows = pq.read_table(file)
        names = [{"key": "id"}.get(name, name) for name in rows.column_names]
        pq.write_table(rows.rename_columns(names), folder / "photos" / file.name)
    return folder


@pytest.fixture
def expected(place):
    """What a plain loop says of each image."""
    scorer = ncenet.Scorer(place / "runs/model.safetensors", OUTPUTS)
    whole = pq.read_table(place / "photos").to_pydict()
    said = scorer(whole)
    assert whole["image"].count(BROKEN) == 1
    return {
        id: (float(rejection), str(reason))
        for id, rejection, reason in zip(said["id"], said["rejection"], said["reason"], strict=True)
    }


def sample(engine, place):
    """The page's own lines for an engine, with the addresses of this place."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = [block for block in blocks if engine in block]
    return text.replace("s3://bucket/photos/", str(place / "photos")).replace(
        "runs/pets", str(place / "runs/model.safetensors")
    )


def alike(found, expected):
    assert {id: reason for id, (_, reason) in found.items()} == {id: r for id, (_, r) in expected.items()}
    values = [(found[id][0], expected[id][0]) for id in expected]
    np.testing.assert_allclose(*zip(*values, strict=True), rtol=1e-5)


def test_frames_of_pandas_one_after_the_other(place, expected):
    """What Spark's `mapInPandas` gives to a function, and takes back."""
    frames = [pq.read_table(file).to_pandas() for file in sorted((place / "photos").glob("*.parquet"))]
    frames[0] = frames[0].assign(image=frames[0]["image"].map(bytearray))
    score = {"scorer": ncenet.Scorer(place / "runs/model.safetensors", OUTPUTS)}
    text = sample("mapInPandas", place)
    exec(text[: text.index("scored =")], score)
    found = pandas.concat(score["score"](iter(frames)), ignore_index=True)
    assert list(found.columns) == ["id", *OUTPUTS, "reason"] and len(found) == COUNT
    alike({row.id: (row.rejection, row.reason) for row in found.itertuples()}, expected)


@pytest.mark.scale
@pytest.mark.filterwarnings("ignore")  # Spark's own
def test_on_spark(place, expected, monkeypatch):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    from pyspark.sql import SparkSession

    root = str(Path(ncenet.__file__).parents[1])
    paths = [root, str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    settings = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in (settings | {"spark.driver.host": "127.0.0.1"}).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        words = {"spark": spark, "scorer": ncenet.Scorer(place / "runs/model.safetensors", OUTPUTS)}
        exec(sample("mapInPandas", place), words)
        rows = words["scored"].collect()
    finally:
        spark.stop()
    assert len(rows) == COUNT
    # What pandas has as nan, scores of images that can't be read, is null in Spark.
    found = {row.id: (float("nan") if row.rejection is None else row.rejection, row.reason) for row in rows}
    alike(found, expected)


@pytest.mark.scale
@pytest.mark.filterwarnings("ignore")  # Daft's own
def test_on_daft(place, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("daft", reason="daft is not installed")
    words = {"ncenet": ncenet}
    exec(sample("daft", place).replace("gpus=1", ""), words)
    rows = words["scored"].select("id", "rejection").to_pylist()
    assert len(rows) == COUNT
    for row in rows:
        np.testing.assert_allclose(row["rejection"], expected[row["id"]][0], rtol=1e-5)

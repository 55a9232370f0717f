"""A disk that gets full while a large model is written: the file is named, nothing half is left."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.data.make import jpeg, write

QUICK = ("--epochs", "1", "--min-steps", "2", "--batch-size", "4", "--backbone", "mlp", "--image-size", "64")


@pytest.fixture
def answered(ncenet, tmp_path):
    """A run that has what a model needs, and the answers that it holds."""
    write(tmp_path, {f"photos/{n}.jpg": jpeg(n, width=64, height=64) for n in range(10)})
    assert (
        ncenet("ask", "r", "--data", "photos", "--classes", "a,b", "-n", "6", "--out", "q.csv", *QUICK).code
        == 0
    )
    with Path("q.csv").open() as text:
        labels = {row["id"]: "ab"[n % 2] for n, row in enumerate(csv.DictReader(text))}
    Path("told.json").write_text(json.dumps(labels))
    assert ncenet("tell", "r", "told.json").code == 0
    return labels


@pytest.mark.parametrize("room", [200_000, 3_000_000])
def test_while_a_model_is_saved(ncenet, answered, disk_for, room):
    with disk_for(room):
        done = ncenet("ask", "r", "-n", "2", "--json")
    assert done.code == 1
    assert done.said.endswith("error r/cycles/001/model.safetensors: File too large")
    assert not list(Path("r").rglob("*.partial"))
    assert ncenet("export", "r", "labels.jsonl").code == 0
    assert len(Path("labels.jsonl").read_text().splitlines()) == len(answered)
    again = ncenet("ask", "r", "-n", "2", "--json")
    assert again.code == 0
    assert len(json.loads(again.out)) == 2
    assert Path("r/cycles/001/model.safetensors").stat().st_size > room


def test_while_one_is_exported(ncenet, answered, disk_for):
    assert ncenet("ask", "r", "-n", "2", "--json").code == 0
    for out, format in (("model", "safetensors"), ("model.pt2", "torch"), ("model.onnx", "onnx")):
        with disk_for(500_000):
            done = ncenet("export", "r", out, "--model", format)
        assert (done.code, done.said) == (1, f"error {out}: File too large")
        assert not Path(out).exists()
        assert not list(Path().glob(".*partial"))
    shutil.rmtree("r/cycles/001")
    assert "r: " in ncenet("export", "r", "model", "--model", "safetensors").said

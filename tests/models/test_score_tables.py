"""Tables of scores: each form of file gives back what was said."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest

from ncenet.boxes import Detections
from ncenet.models.score_file import write_scores
from ncenet.models.score_tables import BoxTable, ClassTable
from ncenet.models.scores import BoxScores, Scores

CLASSES = ("red", 'blue "2"')
BOX, OTHER = (1.5, 2.0, 30.25, 40.0), (0.0, 0.0, 8.0, 9.0)
FOUND = (
    Detections("a.jpg", (BOX, OTHER, OTHER), (CLASSES[1], "red", "red"), (0.75, 0.5, 0.25)),
    Detections("ü,b.jpg", (), (), ()),
)


def boxes():
    of_images = np.array([1.5, 2.0], np.float32), np.array([1.0, 1.25], np.float32)
    return BoxScores(FOUND, CLASSES, *of_images)


def read(file):
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text))
    if file.suffix == ".parquet":
        return pyarrow.parquet.read_table(file).to_pylist()
    text = file.read_text(encoding="utf-8")
    return json.loads(text) if file.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def written(tmp_path, table, said, suffix):
    file = tmp_path / f"scores{suffix}"
    assert write_scores([said, said], table, file, as_json=False) == 2 * len(said)
    rows = read(file)
    assert rows[: len(said)] == rows[len(said) :]
    return rows[: len(said)]


EXPECTED = [
    {
        "id": "a.jpg",
        "objects": 2,
        "rejection": 1.5,
        "confusion": 1.0,
        "objects[red]": 1,
        'objects[blue "2"]': 1,
        "boxes": [
            {"box": list(BOX), "label": CLASSES[1], "likelihood": 0.75},
            {"box": list(OTHER), "label": "red", "likelihood": 0.5},
        ],
    },
    {
        "id": "ü,b.jpg",
        "objects": 0,
        "rejection": 2.0,
        "confusion": 1.25,
        "objects[red]": 0,
        'objects[blue "2"]': 0,
        "boxes": [],
    },
]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_boxes(tmp_path, suffix):
    table = BoxTable(CLASSES, per_class=True, boxes=True)
    assert written(tmp_path, table, boxes(), suffix) == EXPECTED


def test_boxes_in_csv_are_json(tmp_path):
    rows = written(tmp_path, BoxTable(CLASSES, per_class=True, boxes=True), boxes(), ".csv")
    assert [json.loads(row["boxes"]) for row in rows] == [row["boxes"] for row in EXPECTED]
    others = [name for name in EXPECTED[0] if name != "boxes"]
    assert [[row[name] for name in others] for row in rows] == [
        [str(row[name]) for name in others] for row in EXPECTED
    ]


@pytest.mark.parametrize(("least", "count"), [(0.0, 3), (0.5, 2), (0.51, 1), (1.0, 0)])
def test_only_likely_objects_count(tmp_path, least, count):
    (first, _) = written(tmp_path, BoxTable(CLASSES, least, boxes=True), boxes(), ".json")
    assert first["objects"] == len(first["boxes"]) == count


def test_without_boxes(tmp_path):
    (first, _) = written(tmp_path, BoxTable(CLASSES), boxes(), ".json")
    assert list(first) == ["id", "objects", "rejection", "confusion"]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_votes_of_a_committee(tmp_path, suffix):
    said = Scores(
        ["a"],
        CLASSES,
        np.array([[0.25, 0.75]], np.float32),
        *(np.array([value], np.float32) for value in (1.0, 1.5, 0.125, 0.375)),
    )
    (row,) = written(tmp_path, ClassTable(CLASSES, votes=True, per_class=True), said, suffix)
    assert row.pop("predicted") == CLASSES[1]
    assert row.pop("id") == "a"
    assert {name: float(value) for name, value in row.items()} == {
        "likelihood": 0.75,
        "rejection": 1.0,
        "confusion": 1.5,
        "vote_entropy": 0.125,
        "consensus_entropy": 0.375,
        "likelihood[red]": 0.25,
        'likelihood[blue "2"]': 0.75,
    }

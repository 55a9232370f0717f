"""Copies of one image, with the same bytes, under different labels: told by name, before a fit."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data.dataset import Dataset, Oracle
from ncenet.data.pools import ArrayPool
from ncenet.errors import UnreadableImages
from ncenet.recipe import Recipe
from ncenet.run.opening import survey
from tests.data.make import jpeg, write

FILES = {f"{label}/{n}.jpg": jpeg(10 * n + ord(label), width=16, height=12) for label in "ab" for n in (1, 2)}


def told(tmp_path, source="photos", **changes):
    """What a run says of its images when it is begun, and the rows of its list of copies."""
    notes = []

    def notify(event):
        if event["event"] == "note":
            notes.append(event["text"])

    recipe = Recipe().with_changes(
        {"data.train": str(tmp_path / source), "loop.strategy": "random"} | changes
    )
    try:
        survey(recipe, tmp_path / "run", notify=notify)
    finally:
        rows = (tmp_path / "run/duplicates.csv").read_text().splitlines()[1:]
        shutil.rmtree(tmp_path / "run")
    return [note for note in notes if "copies with another label" in note], rows


def test_copies_in_two_folders_of_classes_are_told(tmp_path):
    write(tmp_path / "photos", FILES | {"b/also.jpg": FILES["a/1.jpg"], "a/same.jpg": FILES["a/2.jpg"]})
    (note,), rows = told(tmp_path)
    assert note.startswith(
        "an image has copies with another label: a/1.jpg and b/also.jpg; one of them is wrong"
    )
    assert "duplicates.csv of the run lists all copies" in note and str(tmp_path) not in note, "told once"
    assert rows == [
        "0,pool,a/1.jpg,differ",
        "0,pool,b/also.jpg,differ",
        "1,pool,a/2.jpg,",
        "1,pool,a/same.jpg,",
    ]


def test_copies_of_one_label_contradict_nobody(tmp_path):
    write(tmp_path / "photos", FILES | {"a/same.jpg": FILES["a/2.jpg"]})
    assert told(tmp_path) == ([], ["0,pool,a/2.jpg,", "0,pool,a/same.jpg,"])


def test_many_are_counted_and_the_first_named(tmp_path):
    copies = {f"b/{n}.jpg": jpeg(n, width=16, height=12) for n in range(9)}
    write(tmp_path / "photos", copies | {f"a/{name[2:]}": data for name, data in copies.items()})
    (note,), rows = told(tmp_path)
    assert note.startswith(
        "9 images have copies with another label, such as a/0.jpg and b/0.jpg; a/1.jpg and "
    )
    assert len(rows) == 18 and all(row.endswith(",differ") for row in rows)


def test_copies_of_test_images_count(tmp_path):
    write(tmp_path / "photos", FILES)
    write(tmp_path / "test", {"a/x.jpg": FILES["b/1.jpg"], "b/y.jpg": FILES["b/2.jpg"]})
    (note,), rows = told(tmp_path, **{"data.test": str(tmp_path / "test")})
    assert "b/1.jpg and a/x.jpg" in note
    assert rows[0] == "0,pool,b/1.jpg,differ" and "1,test,b/y.jpg," in rows


def test_a_table_and_boxes_count_as_folders_do(tmp_path):
    images = [jpeg(1), jpeg(2), jpeg(1), jpeg(2)]
    pq.write_table(pa.table({"image": images, "label": ["a", "b", "b", "b"]}), tmp_path / "t.parquet")
    (note,), _ = told(tmp_path, "t.parquet")
    assert "t/00000 and t/00002" in note

    boxes = [[1, 1, 10, 10], [2, 2, 8, 8]]
    write(tmp_path / "boxes", {f"{n}.jpg": data for n, data in enumerate(images)})
    objects = [(0, boxes[0]), (0, boxes[1]), (2, boxes[1]), (2, boxes[0]), (1, boxes[0]), (3, boxes[1])]
    record = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(4)],
        "annotations": [{"image_id": n, "category_id": 1, "bbox": box} for n, box in objects],
        "categories": [{"id": 1, "name": "red"}],
    }
    (tmp_path / "boxes/a.json").write_text(json.dumps(record))
    (note,), _ = told(tmp_path, "boxes", task="detection")
    assert "1.jpg and 3.jpg" in note and "0.jpg" not in note, "the order of boxes says nothing"


def test_they_are_told_also_where_something_else_stops_the_run(tmp_path):
    write(tmp_path / "photos", FILES | {"b/also.jpg": FILES["a/1.jpg"], "b/broken.jpg": b"no image"})
    with pytest.raises(UnreadableImages, match=r"b/broken\.jpg"):
        told(tmp_path, **{"data.on_bad_image": "stop"})
    assert not (tmp_path / "run").exists()


def test_no_label_is_handed_out_for_it():
    oracle = Oracle({"a": "cat", "b": "dog", "c": "[not boxes]"})
    assert oracle.differ(["a", "b"]) and not oracle.differ(["a"]) and not oracle.differ(["a", "nobody's"])
    assert oracle.differ(["c"], Oracle({"x": "cat"}), ["x"]) and not oracle.differ([], oracle, ["a"])
    assert oracle.asked == 0


def test_images_in_memory_too(tmp_path):
    train = Dataset.labelled(
        "mine", ArrayPool(np.zeros((2, 3), np.float32), ids=["a", "b"]), {"a": "cat", "b": "dog"}
    )
    recipe = Recipe().with_changes({"loop.strategy": "random", "loop.held_out": 1})
    seen = survey(recipe, tmp_path / "run", train=train)
    assert any("a and b" in note for note in seen.train.notes)

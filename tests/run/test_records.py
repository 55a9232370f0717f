"""Records of cycles: what is written comes back; what is damaged is named, whatever the damage."""

from __future__ import annotations

import json
from functools import partial

import pytest

from ncenet.errors import DamagedRecord, DataError
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import (
    SCHEMA,
    read_asked,
    read_fit,
    read_found,
    read_predicted,
    read_query,
    read_reasons,
    read_test,
    write_fit,
    write_found,
    write_predicted,
    write_query,
    write_reasons,
    write_test,
)
from ncenet.run.records import Asked, BoxTest, ClassTest, Fit, FoundObject, PredictedImage, Reason
from ncenet.types import FitReport, Query

FIT = Fit.of(
    3, FitReport(20, 40, 1.5, 0.25, 0.9, {"radius": {"cat": 1.0}}), labeled=20, seconds=1.6, boxes=31
)
CLASSES = ClassTest(3, 20, 50, 0.8, 0.75, {"cat": 0.8}, 0.1)
BOXES = BoxTest(3, 20, 50, 0.3, {"cat": 0.3}, 0.1, 70, (0.2, 0.4), 0.35, {"cat": 0.35})
ASKED = Asked(3, "margin", 2, 0.5, 0.1, 2, 30, 30)
QUERY = Query(("a, b.png", 'say "c".png'), (0.1 + 0.2, -0.0))
IMAGES = (PredictedImage("a\n.png", "cat", "dog"), PredictedImage("=b.png", "dog", "dog"))
FOUND = (FoundObject("a.png", 0.0, 1.5, 10.0, 20.2, "cat", 0.9123),)
REASONS = {
    "a.png": Reason(0.5, 1.5, (("b.png", "cat"),), likelihoods={"cat": 0.9}),
    "schema": Reason(0.5, 1.5, boxes=({"box": [1, 2, 3, 4], "label": "cat", "score": 0.5},)),
}
FILES = {
    "fit": (write_fit, read_fit, FIT, None),
    "test": (write_test, read_test, CLASSES, None),
    "asked": (lambda files, asked: write_query(files, asked, QUERY), read_asked, ASKED, None),
    "query": (lambda files, query: write_query(files, ASKED, query), read_query, QUERY, None),
    "predicted": (write_predicted, read_predicted, IMAGES, None),
    "detections": (write_found, read_found, FOUND, None),
    "reasons": (write_reasons, read_reasons, REASONS, {}),
}
each_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture
def files(tmp_path):
    files = RunFolder(tmp_path / "run").cycle(3)
    files.path.mkdir(parents=True)
    return files


@each_file
def test_what_is_written_comes_back_and_what_is_missing_is_none(files, name):
    write, read, record, nothing = FILES[name]
    assert read(files) == nothing
    write(files, record)
    assert read(files) == record


def test_a_test_of_boxes_comes_back_as_one(files):
    write_test(files, BOXES)
    assert read_test(files) == BOXES and (BOXES.headline, BOXES.balanced_accuracy) == (0.3, None)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"null", b"[1, 2]", b'"text"', b"\xff\xfe\x00", b"[" * 100_000, b"id,n\n1", "torn", "zeros"],
    ids=["empty", "open", "null", "list", "text", "bytes", "deep", "other", "torn", "zeros"],
)
@each_file
def test_what_is_damaged_is_named_with_what_to_do(files, name, damage):
    write, read, record, _ = FILES[name]
    write(files, record)
    file = getattr(files, name)
    whole = file.read_bytes()
    if damage == "torn":
        damage = whole[: len(whole) // 2]
    elif damage == "zeros":  # what some file systems leave after a power cut
        damage = bytes(len(whole))
    file.write_bytes(damage)
    with pytest.raises(DamagedRecord) as raised:
        read(files)
    said = str(raised.value)
    assert said.startswith(f"{file}: damaged, ") and "\n" not in said and len(said) < 500
    assert said.endswith(f"; ncenet repair {files.path.parents[1]} sets it aside")


@pytest.mark.parametrize(
    ("read", "name", "record", "key", "value"),
    [
        (read_fit, "fit", FIT, "labeled", -1),
        (read_fit, "fit", FIT, "labeled", True),
        (read_fit, "fit", FIT, "labeled", "20"),
        (read_fit, "fit", FIT, "steps", 10**400),
        (read_test, "test", CLASSES, "accuracy", 1.5),
        (read_test, "test", CLASSES, "accuracy", float("nan")),
        (read_test, "test", CLASSES, "per_class", []),
        (read_test, "test", BOXES, "mAP_interval", [0.1]),
        (read_asked, "asked", ASKED, "strategy", None),
        (read_asked, "asked", ASKED, "select_seconds", float("inf")),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_field(files, read, name, record, key, value):
    write = partial(write_query, query=QUERY) if name == "asked" else FILES[name][0]
    write(files, record)
    file = getattr(files, name)
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(DamagedRecord, match=rf"{file.name}: damaged, {key}"):
        read(files)


def test_a_record_without_a_schema_was_written_before_there_were_any(files):
    write_fit(files, FIT)
    record = json.loads(files.fit.read_text())
    assert record.pop("schema") == SCHEMA
    files.fit.write_text(json.dumps(record))
    assert read_fit(files) == FIT


def test_a_record_of_a_later_version_is_no_damage(files):
    write_fit(files, FIT)
    record = json.loads(files.fit.read_text())
    files.fit.write_text(json.dumps(record | {"schema": SCHEMA + 1, "steps": "many"}))
    with pytest.raises(DataError, match="written by a newer ncenet") as raised:
        read_fit(files)
    assert not isinstance(raised.value, DamagedRecord)


@pytest.mark.parametrize("row", ["0,a.png,high", "0,a.png", '0,"a.png,1.0', "0,a.png,1.0\n1,b.p"])
def test_a_row_that_is_none_damages_a_table(files, row):
    write_query(files, ASKED, QUERY)
    files.query.write_text(f"rank,id,score\n{row}" + "\n" * (not row.endswith("p")))
    with pytest.raises(DamagedRecord, match=r"query\.csv: damaged, "):
        read_query(files)

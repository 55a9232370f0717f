"""A box that one way in accepts, every way in accepts, as the same box; what one refuses, all refuse."""

from __future__ import annotations

import csv
import json
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncenet.boxes import Boxes
from ncenet.data.open import open_dataset
from ncenet.errors import NcenetError
from ncenet.label_studio.annotations import record_of
from ncenet.label_studio.backend import MlBackend
from ncenet.label_studio.tasks import label_config, our_control
from ncenet.labels.changes import apply, effects_of
from ncenet.labels.transfer import read_labels
from ncenet.web.messages import Parcel, deliveries
from tests.data.make import jpeg
from tests.labels.make import new_run

WIDTH, HEIGHT, NAME = 400, 300, "a.jpg"
"""Half a percent is more than a pixel in width, a pixel more in height: 2 and 1.5."""

near = [-3, -2.2, -1.7, -1.2, -0.9, -0.3, -1e-9, 0, 0.2, 0.5, 0.9, 1.3, 7, 7.25]
beyond = [-100, -7, -0.5, -1e-9, 0, 1e-9, 0.3, 0.9, 1.2, 1.7, 2.2, 3, 100]
left = st.sampled_from([*near, WIDTH - 5, WIDTH - 0.5, WIDTH + 1])
right = st.sampled_from([*near, *(WIDTH + by for by in beyond)])
top = st.sampled_from([*near, HEIGHT - 5, HEIGHT - 0.5, HEIGHT + 1])
bottom = st.sampled_from([*near, *(HEIGHT + by for by in beyond)])
boxes = st.tuples(left, top, right, bottom).filter(lambda b: b[2] - b[0] > 1.01 and b[3] - b[1] > 1.01)
fractions = st.tuples(*[st.sampled_from([0, 0.1, 0.3])] * 2, *[st.sampled_from([0.4, 0.6, 1])] * 2)
"""Boxes wider than a pixel, which VOC can hold, and fractions, which no form in pixels may."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ways")
    (folder / "photos").mkdir()
    (folder / "photos" / NAME).write_bytes(jpeg(0, width=WIDTH, height=HEIGHT))
    with new_run(folder / "run", folder / "photos", ("ant", "bee"), task="detection") as run:
        yield run


def image_in(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(jpeg(0, width=WIDTH, height=HEIGHT))
    return folder


def of_dataset(path):
    dataset = open_dataset(str(path), task="detection", classes=("ant", "bee"))
    if dataset.problems:
        raise NcenetError(str(dataset.problems[0]))
    ((_, label),) = dataset.required_oracle().answer(list(dataset.pool.ids())).items()
    return label


def of_import(run, path, format=None):
    changes = read_labels(run, path, format=format, otherwise="me")
    apply(run.ledger, changes, on_conflict="replace")
    return run.ledger.review.standing(NAME).label


def csv_data(run, folder, box, label):
    rows = [("path", "x1", "y1", "x2", "y2", "label"), (NAME, *box, "ant")]
    with (image_in(folder) / "boxes.csv").open("w", newline="") as text:
        csv.writer(text).writerows(rows)
    return of_dataset(folder / "boxes.csv")


def parquet_data(run, folder, box, label):
    folder.mkdir()
    columns = {"image": [jpeg(0, width=WIDTH, height=HEIGHT)], "boxes": [[list(map(float, box))]]}
    pq.write_table(pa.table(columns | {"labels": [["ant"]]}), folder / "boxes.parquet")
    return of_dataset(folder / "boxes.parquet")


def coco(run, folder, box, label):
    x1, y1, x2, y2 = box
    image_in(folder / "images")
    record = {
        "images": [{"id": 1, "file_name": NAME, "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "ant"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}],
    }
    (folder / "annotations.json").write_text(json.dumps(record))
    return of_dataset(folder), of_import(run, folder, "coco")


def voc(run, folder, box, label):
    x1, y1, x2, y2 = box
    image_in(folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    edges = f"<xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    text = f"<annotation>{size}<object><name>ant</name><bndbox>{edges}</bndbox></object></annotation>"
    (folder / "Annotations" / "a.xml").write_text(text)
    return of_dataset(folder), of_import(run, folder, "voc")


def yolo(run, folder, box, label):
    x1, y1, x2, y2 = box
    image_in(folder / "images")
    (folder / "labels").mkdir()
    middle = (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT, (x2 - x1) / WIDTH, (y2 - y1) / HEIGHT
    (folder / "labels" / "a.txt").write_text(" ".join(map(repr, (0, *middle))))
    (folder / "data.yaml").write_text(yaml.safe_dump({"names": ["ant", "bee"], "train": "images"}))
    return of_dataset(folder), of_import(run, folder, "yolo")


def csv_answers(run, folder, box, label):
    folder.mkdir()
    with (folder / "a.csv").open("w", newline="") as text:
        csv.writer(text).writerows([("id", "label"), (NAME, label)])
    return of_import(run, folder / "a.csv")


def jsonl_answers(run, folder, box, label):
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps({"id": NAME, "label": label}))
    return of_import(run, folder / "a.jsonl")


def parquet_answers(run, folder, box, label):
    folder.mkdir()
    pq.write_table(pa.table({"id": [NAME], "label": [label]}), folder / "a.parquet")
    return of_import(run, folder / "a.parquet")


def tell(run, folder, box, label):
    run.tell({NAME: label}, who="ann")
    return run.ledger.review.standing(NAME).label


def page(run, folder, box, label):
    drawn = [{"box": list(map(float, box)), "label": "ant"}]
    entry = {"key": "a-key-of-it", "id": NAME, "kind": "answer", "boxes": drawn}
    parcel = Parcel(who="ann", entries=[entry])
    (delivery,) = deliveries(parcel, detection=True, gate=run.sizes.gate())
    return delivery.answer


def drawn_there(box):
    """A task of Label Studio's and an annotation of it."""
    x1, y1, x2, y2 = box
    value = {"x": 100 * x1 / WIDTH, "y": 100 * y1 / HEIGHT, "rotation": 0, "rectanglelabels": ["ant"]}
    value |= {"width": 100 * (x2 - x1) / WIDTH, "height": 100 * (y2 - y1) / HEIGHT}
    control = our_control(("ant", "bee"), "detection")
    assert control.name in label_config(("ant", "bee"), "detection")
    result = {"from_name": control.name, "to_name": control.image, "type": "rectanglelabels", "value": value}
    result |= {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    task, annotation = {"id": 1, "data": {"ncenet_id": NAME}}, {"result": [result], "completed_by": 1}
    return task, annotation, control


def label_studio(run, folder, box, label):
    task, annotation, control = drawn_there(box)
    record = record_of(task, annotation, {}, "detection", control, find=lambda data: data["ncenet_id"])
    apply(run.ledger, effects_of(run, [record], otherwise="me"), on_conflict="replace")
    return run.ledger.review.standing(NAME).label


def webhook(run, folder, box, label):
    task, annotation, _ = drawn_there(box)
    number = {"id": uuid4().int >> 80, "task": task["id"]}
    message = {"action": "ANNOTATION_CREATED", "task": task, "annotation": annotation | number}
    assert MlBackend(run).webhook(message).left_out == ()
    return run.ledger.review.standing(NAME).label


IN_FRACTIONS = (yolo, label_studio, webhook)
WAYS = (csv_data, parquet_data, coco, voc, yolo, csv_answers, jsonl_answers, parquet_answers, tell, page)
WAYS += (label_studio, webhook)


def let_in(way, run, folder, box):
    """The box that a way in makes of one; None when it refuses."""
    label = json.dumps([{"box": box, "label": "ant"}])
    try:
        found = way(run, folder / way.__name__, box, label)
    except NcenetError:
        return None
    labels = found if isinstance(found, tuple) else (found,)
    (first, *others) = [Boxes.from_label(each).boxes for each in labels]
    assert all(other == first for other in others), "as data and as answers"
    return first[0]


def close(one, other):
    return one is other or (one and other and all(abs(a - b) < 1e-4 for a, b in zip(one, other, strict=True)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=boxes)
def test_all_ways_agree(run, tmp_path_factory, box):
    folder = tmp_path_factory.mktemp("box")
    passed = {way.__name__: let_in(way, run, folder, box) for way in WAYS}
    reference = passed["tell"]
    assert all(close(each, reference) for each in passed.values()), passed
    x1, y1, x2, y2 = box
    inside = x1 >= 0 and y1 >= 0 and x2 <= WIDTH and y2 <= HEIGHT
    far = min(x1 + 2, y1 + 1.5, WIDTH + 2 - x2, HEIGHT + 1.5 - y2) < 0
    assert reference == box if inside else reference is None if far else True


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=fractions)
def test_no_way_in_pixels_takes_fractions(run, tmp_path_factory, box):
    folder = tmp_path_factory.mktemp("fractions")
    for way in WAYS:
        if way not in IN_FRACTIONS:
            assert let_in(way, run, folder, box) is None, way

"""COCO, VOC and YOLO: boxes leave exactly, come back exactly, and edits in the files are seen."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ncenet.boxes import Boxes
from ncenet.data.open import open_dataset
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError, UsageError
from ncenet.labels.changes import apply, counts
from ncenet.labels.formats import formats
from ncenet.labels.records import Known, Labels, Record
from ncenet.labels.transfer import export_labels, read_labels
from ncenet.ledger import Answer, Item
from tests.labels.make import new_run, photos, standing

FORMATS = ["coco", "voc", "yolo"]
CLASSES = ("ant", "bee", 'a bee: "queen" <é>')
WIDTH, HEIGHT = 40, 30


@st.composite
def edges(draw, length):
    """Two edges along a side, at least two pixels apart."""
    low = draw(st.floats(0, length - 2) | st.integers(0, length - 2))
    return low, draw(st.floats(low + 2, length) | st.just(length))


@st.composite
def objects(draw):
    found = draw(
        st.lists(st.tuples(edges(WIDTH), edges(HEIGHT), st.sampled_from(CLASSES), st.booleans()), max_size=4)
    )
    return Boxes(
        tuple((x1, y1, x2, y2) for (x1, x2), (y1, y2), _, _ in found),
        tuple(label for _, _, label, _ in found),
        tuple(difficult for _, _, _, difficult in found),
    )


@st.composite
def records(draw):
    ids = draw(st.lists(st.text(st.sampled_from("a/.b é\n%\"'\\,A"), min_size=1), unique=True, max_size=4))
    return [
        Record(id, None, "skip", who="ann") if draw(st.integers(0, 5)) == 0
        else Record(id, draw(objects()).to_label(), who="ann", at="2026-11-29T10:00:00.000Z", cycle=3)
        for id in ids
    ]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30)
@given(records=records())
def test_nothing_is_lost(name, records):
    pool = ArrayPool(np.zeros((len(records), HEIGHT, WIDTH, 3), np.uint8), [record.id for record in records])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out"
        format = formats.get(name)()
        format.write(Labels(records, CLASSES, lambda: pool, "detection"), target)
        items = [Item(record.id, "") for record in records]
        found = list(format.read(target, Known(items, CLASSES, lambda: pool)))
    assert {record.id: record for record in found} == {record.id: record for record in records}


SEEN = {
    "a.jpg": Boxes(((1, 2, 9.25, 8), (0, 0, 16, 12)), ("ant", "bee"), (False, True)),
    "b.jpg": Boxes(),
    "sub/a.jpg": Boxes(((3, 3, 7.5, 8),), ("bee",)),
}


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run", photos(tmp_path / "photos"), task="detection")
    run.ledger.tell({id: boxes.to_label() for id, boxes in SEEN.items()}, who="ann", cycle=0)
    run.ledger.tell({"sub/c.jpg": Answer.UNSURE}, who="ann", cycle=0)
    yield run
    run.ledger.close()


def take(run, source, name):
    return read_labels(run, source, format=name, otherwise="me")


@pytest.mark.parametrize("name", FORMATS)
class TestEachFormat:
    def test_another_run_gets_the_same_answers(self, tmp_path, run, name):
        assert export_labels(run, tmp_path / "out", format=name) == 4
        other = new_run(tmp_path / "other", tmp_path / "photos", task="detection")
        changes = take(other, tmp_path / "out", name)
        assert counts(changes) == {"new": 4}
        apply(other.ledger, changes)
        assert standing(other) == standing(run)
        other.ledger.close()

    def test_it_is_a_data_set(self, tmp_path, run, name):
        export_labels(run, tmp_path / "out", format=name)
        dataset = open_dataset(str(tmp_path / "out"), task="detection")
        assert dataset.problems == ()
        labels = dataset.required_oracle().answer(list(dataset.pool.ids())).values()
        found = [Boxes.from_label(label) for label in labels]
        by_count = {len(boxes): boxes for boxes in found}
        assert sorted(by_count) == [0, 1, 2]
        assert by_count[2].labels == ("ant", "bee")
        np.testing.assert_allclose(by_count[2].boxes, SEEN["a.jpg"].boxes, atol=1e-3)
        assert by_count[2].difficult == ((False, True) if name != "yolo" else (False, False))

    def test_without_the_table_images_are_known_by_their_bytes(self, tmp_path, run, name):
        export_labels(run, tmp_path / "out", format=name)
        (tmp_path / "out" / "labels.csv").unlink()
        other = new_run(tmp_path / "other", tmp_path / "photos", task="detection")
        assert {change.record.id for change in take(other, tmp_path / "out", name)} == set(SEEN)
        other.ledger.close()

    def test_a_box_beyond_its_image_is_not_written(self, tmp_path, run, name):
        run.ledger.tell({"a.jpg": Boxes(((1, 2, 19, 8),), ("ant",)).to_label()}, who="ann", cycle=0)
        with pytest.raises(DataError, match=r"'a\.jpg': object 1: the box 1, 2, 19, 8 reaches beyond"):
            export_labels(run, tmp_path / "out", format=name)

    def test_another_folder_is_refused(self, tmp_path, run, name):
        with pytest.raises(DataError):
            take(run, photos(tmp_path / "other-photos"), name)

    def test_links(self, tmp_path, run, name):
        export_labels(run, tmp_path / "out", format=name, link=True)
        assert sum(path.is_symlink() for path in (tmp_path / "out").rglob("*.jpg")) == 3
        assert counts(take(run, tmp_path / "out", name)) == {"same": 4}


class TestEdits:
    def changed(self, run, out, name):
        changes = {change.record.id: change for change in take(run, out, name)}
        assert counts(changes.values()) == {"same": 3, "changed": 1}
        (change,) = (change for change in changes.values() if change.status == "changed")
        return change.record.id, Boxes.from_label(change.record.label)

    def test_coco(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="coco")
        file = tmp_path / "out" / "annotations.json"
        record = json.loads(file.read_text())
        assert record["annotations"][0]["bbox"] == [1, 2, 8.25, 6]
        record["annotations"][0]["bbox"][0] = 1.5
        file.write_text(json.dumps(record))
        id, boxes = self.changed(run, tmp_path / "out", "coco")
        assert (id, boxes.boxes[0]) == ("a.jpg", (1.5, 2, 9.75, 8))

    def test_an_image_that_coco_merely_lists_gets_no_answer(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="coco")
        file = tmp_path / "out" / "annotations.json"
        record = json.loads(file.read_text())
        (empty,) = {each["id"] for each in record["images"]} - {
            each["image_id"] for each in record["annotations"]
        }
        for image in record["images"]:
            assert image.pop("answered") is True
        file.write_text(json.dumps(record))
        (tmp_path / "out" / "labels.csv").unlink()
        other = new_run(tmp_path / "other", tmp_path / "photos", task="detection")
        changes = take(other, tmp_path / "out", "coco")
        taken = {change.record.id for change in changes if change.status != "unsaid"}
        other.ledger.close()
        assert len(taken) == len(record["images"]) - 1
        assert not any(record["images"][empty - 1]["file_name"] == id for id in taken)

    def test_voc(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="voc")
        file = tmp_path / "out" / "Annotations" / "a.xml"
        text = file.read_text()
        assert "<xmin>2</xmin>" in text and "<xmax>9.25</xmax>" in text, "pixels are counted from 1"
        file.write_text(text.replace("<name>ant</name>", "<name>bee</name>"))
        id, boxes = self.changed(run, tmp_path / "out", "voc")
        assert (id, boxes.labels) == ("a.jpg", ("bee", "bee"))
        listed = (tmp_path / "out" / "ImageSets" / "Main" / "trainval.txt").read_text().split()
        assert sorted(listed) == ["a", "b", "sub%2Fa"]

    def test_yolo(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="yolo")
        settings = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
        assert settings == {"train": "images", "names": {0: "ant", 1: "bee"}}
        file = tmp_path / "out" / "labels" / "sub%2Fa.txt"
        assert file.read_text() == "1 0.328125 0.4583333333 0.28125 0.4166666667\n"
        file.write_text("")
        id, boxes = self.changed(run, tmp_path / "out", "yolo")
        assert (id, boxes) == ("sub/a.jpg", Boxes())

    def test_mistakes_are_named(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="yolo")
        (tmp_path / "out" / "labels" / "a.txt").write_text("7 0.5 0.5 0.1 0.1\n")
        with pytest.raises(DataError, match=r"(?s)1 mistake.*labels/a\.txt, line 1: has the class '7'"):
            take(run, tmp_path / "out", "yolo")

    def test_a_class_that_the_run_does_not_have(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="voc")
        file = tmp_path / "out" / "Annotations" / "a.xml"
        file.write_text(file.read_text().replace("<name>ant</name>", "<name>cow</name>"))
        (change,) = (c for c in take(run, tmp_path / "out", "voc") if c.record.id == "a.jpg")
        assert change.status == "unknown class" and "'cow'" in change.why


class TestImagesThatAreMerelyListed:
    """As the tools list them that write every image of a project into their COCO file."""

    @pytest.fixture
    def other(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="coco")
        (tmp_path / "out" / "labels.csv").unlink()
        file = tmp_path / "out" / "annotations.json"
        record = json.loads(file.read_text())
        for image in record["images"]:
            image.pop("answered", None)
        file.write_text(json.dumps(record))
        with new_run(tmp_path / "other", tmp_path / "photos", task="detection") as other:
            yield other

    def test_are_no_answers(self, tmp_path, other):
        changes = take(other, tmp_path / "out", "coco")
        assert counts(changes) == {"new": 2, "unsaid": 1}
        assert apply(other.ledger, changes) == 2
        assert set(standing(other)) == {"a.jpg", "sub/a.jpg"}

    def test_are_empty_if_somebody_says_so(self, tmp_path, other):
        changes = read_labels(other, tmp_path / "out", format="coco", otherwise="me", listed_is_empty=True)
        assert counts(changes) == {"new": 3}
        apply(other.ledger, changes)
        assert standing(other)["b.jpg"][1] == "[]"

    def test_whose_boxes_somebody_deleted_are_changed(self, tmp_path, run):
        export_labels(run, tmp_path / "out", format="coco")
        file = tmp_path / "out" / "annotations.json"
        record = json.loads(file.read_text())
        record["annotations"] = [each for each in record["annotations"] if each["image_id"] != 1]
        file.write_text(json.dumps(record))
        (change,) = (each for each in take(run, tmp_path / "out", "coco") if each.status != "same")
        assert (change.status, change.record.id, change.record.label) == ("changed", "a.jpg", "[]")


class TestWhatDoesNotFit:
    def test_classes_and_boxes_are_different_formats(self, tmp_path, run):
        with pytest.raises(UsageError, match="holds no labels of detection; those that do are coco, csv"):
            export_labels(run, tmp_path / "out", format="class-folders")
        other = new_run(tmp_path / "other", tmp_path / "photos")
        other.ledger.tell({"a.jpg": "ant"}, who="ann", cycle=0)
        with pytest.raises(UsageError, match="holds no labels of classification"):
            export_labels(other, tmp_path / "out", format="voc")
        other.ledger.close()

    def test_what_voc_cannot_hold(self, tmp_path):
        pool = ArrayPool(np.zeros((1, 9, 9, 3), np.uint8), ["a"])
        record = Record("a", Boxes(((1, 1, 5, 5),), ("x\ny",)).to_label())
        labels = Labels([record], ("x\ny", "ant"), lambda: pool, "detection")
        with pytest.raises(DataError, match="no control characters"):
            formats.get("voc")().write(labels, tmp_path / "out")

"""Detection in the loop, with a detector that learns nothing: records, pictures, mistakes, answers."""

from __future__ import annotations

import csv
import json

import PIL.Image
import pytest

from ncenet.boxes import Boxes, Detections
from ncenet.data import BoxTestSet, ParquetPool
from ncenet.errors import DataError, UnknownName, UnreadableImages
from ncenet.functional import average_precision
from ncenet.ledger import Ledger
from ncenet.loop import evaluate as module
from ncenet.loop import pictures
from ncenet.loop.evaluate import evaluate
from ncenet.loop.open import open_loop
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.run.folder import CycleFolder
from tests.data.detection.make import CLASSES, samples, write_parquet, write_voc
from tests.loop.fake_detector import FakeDetector

MADE = samples(20)
TEST = samples(8, seed=1)


@pytest.fixture
def detector():
    """In the place of one that learns."""
    return FakeDetector(CLASSES)


@pytest.fixture
def recipe(tmp_path):
    root = write_voc(tmp_path / "voc", {"trainval": tuple(s._replace(name=f"1{s.name}") for s in MADE)})
    write_voc(root, {"test": TEST})
    return Recipe(task="detection").with_changes(
        {"data.train": str(root), "loop.strategy": "confusion", "loop.initial": 5, "loop.query_size": 7}
        | {"loop.cycles": 2}
    )


def read_csv(file):
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


class Knows:
    """Finds what it is told to."""

    def __init__(self, found):
        self.found = found

    def detect(self, pool, ids):
        for id in ids:
            yield Detections(id, *self.found[id])


@pytest.fixture
def test_set(tmp_path):
    pool = ParquetPool(write_parquet(tmp_path / "test.parquet", TEST), channels=3)
    return BoxTestSet(pool, list(pool.ids()), tuple(s.boxes for s in TEST), CLASSES)


def test_whoever_finds_everything_scores_one(tmp_path, test_set):
    found = {
        id: (boxes.boxes, boxes.labels, (0.9,) * len(boxes))
        for id, boxes in zip(test_set.ids, test_set.boxes, strict=True)
    }
    record = evaluate(Knows(found), test_set, CycleFolder(tmp_path / "001"), labeled=5)
    assert (record.metric, record.mAP, record.mAP_area) == ("mAP", 1.0, 1.0)
    assert record.per_class == record.per_class_area == dict.fromkeys(record.per_class, 1.0)
    assert record.images == 8
    assert record.objects == sum(not d for boxes in test_set.boxes for d in boxes.difficult)
    rows = read_csv(tmp_path / "001" / "detections.csv")
    assert len(rows) == sum(len(boxes) for boxes in test_set.boxes)


def test_detections_are_judged_once_for_all_numbers(tmp_path, test_set, monkeypatch):
    judged, judge = [], average_precision.judge
    monkeypatch.setattr(average_precision, "judge", lambda *of: judged.append(of) or judge(*of))
    evaluate(
        Knows(dict.fromkeys(test_set.ids, ((), (), ()))), test_set, CycleFolder(tmp_path / "001"), labeled=5
    )
    assert len(judged) == len(CLASSES) * len(test_set)


def test_eleven_points_and_area_stand_side_by_side(tmp_path, test_set):
    """Two objects of the class, the likeliest detection wrong: precision is 1/2 and then 2/3."""
    boxes = (Boxes(((0, 0, 20, 20), (40, 0, 60, 20)), ("one", "one")), *(Boxes() for _ in TEST[1:]))
    wrong_first = (((0, 40, 20, 60), (0, 0, 20, 20), (40, 0, 60, 20)), ("one",) * 3, (0.9, 0.8, 0.7))
    found = dict.fromkeys(test_set.ids, ((), (), ())) | {test_set.ids[0]: wrong_first}
    record = evaluate(
        Knows(found),
        BoxTestSet(test_set.pool, test_set.ids, boxes, CLASSES),
        CycleFolder(tmp_path / "001"),
        labeled=5,
    )
    assert record.per_class == {"one": pytest.approx(2 / 3)}, "classes without an object are left out"
    assert record.mAP == pytest.approx(2 / 3)
    assert record.mAP_area == pytest.approx(2 / 3)
    found[test_set.ids[0]] = tuple(column[:2] for column in wrong_first)
    record = evaluate(
        Knows(found),
        BoxTestSet(test_set.pool, test_set.ids, boxes, CLASSES),
        CycleFolder(tmp_path / "001"),
        labeled=5,
    )
    assert record.mAP == pytest.approx(6 / 11 / 2), "recall 0, .1 ... .5 at precision 1/2"
    assert record.mAP_area == pytest.approx(1 / 4)


def test_unlikely_detections_are_not_listed(tmp_path, test_set, monkeypatch):
    monkeypatch.setattr(module, "MOST_LISTED", 3)
    many = (((0, 0, 1, 1),) * 6, ("one",) * 6, (0.9, 0.8, 0.04, 0.03, 0.02, 0.01))
    evaluate(Knows(dict.fromkeys(test_set.ids, many)), test_set, CycleFolder(tmp_path / "001"), labeled=5)
    rows = read_csv(tmp_path / "001" / "detections.csv")
    assert {row["score"] for row in rows} == {"0.9000", "0.8000"}
    assert list(rows[0].values()) == [test_set.ids[0], "0.0", "0.0", "1.0", "1.0", "one", "0.9000"]


def test_a_simulation_leaves_records_and_pictures(tmp_path, recipe, detector):
    events = []
    simulate(recipe, tmp_path / "run", notify=events.append, learner=detector)
    tested = [event for event in events if event["event"] == "cycle"]
    first, last = (tmp_path / "run" / "cycles" / f"00{n}" for n in (1, 2))
    record = json.loads((last / "test.json").read_text())
    assert (record["labeled"], record["metric"]) == (12, "mAP")
    assert [event["metric"] for event in tested] == ["mAP", "mAP"]
    assert tested[-1]["accuracy"] == record["mAP"]
    assert not (last / "test.csv").exists(), "there is no one class for each image"
    assert [row["kind"] for row in read_csv(first / "pictures" / "pictures.csv")] == ["test"] * 6 + [
        "query"
    ] * 6
    assert [row["kind"] for row in read_csv(last / "pictures" / "pictures.csv")] == ["test"] * 6
    queried = [row["id"] for row in read_csv(first / "query.csv")]
    shown = [row for row in read_csv(first / "pictures" / "pictures.csv") if row["kind"] == "query"]
    assert [row["id"] for row in shown] == queried[:6], "the first ones, in their order"
    with PIL.Image.open(first / "pictures" / "query-1.jpg") as picture:
        assert picture.size == (96 + 6 + 96, 72), "small images are not blown up"
    assert not list((tmp_path / "run").rglob("*.partial"))
    ids = {row["id"] for n in (1, 2) for row in read_csv((first, last)[n - 1] / "pictures" / "pictures.csv")
           if row["kind"] == "test"}  # fmt: skip
    assert len(ids) == 6, "the same images in every cycle"


def test_pictures_are_few_and_small(tmp_path):
    large = samples(9, width=1200, height=800)
    pool = ParquetPool(write_parquet(tmp_path / "large.parquet", large), channels=3)
    test = BoxTestSet(pool, list(pool.ids()), tuple(s.boxes for s in large), CLASSES)
    found = [
        Detections(id, b.boxes, b.labels, (0.9,) * len(b)) for id, b in zip(test.ids, test.boxes, strict=True)
    ]
    pictures.draw_tested(tmp_path, test, found)
    files = sorted((tmp_path / "pictures").glob("*.jpg"))
    assert len(files) == pictures.MOST
    assert sum(file.stat().st_size for file in files) < 400_000
    with PIL.Image.open(files[0]) as picture:
        assert picture.size == (2 * 320 + 6, 213)


def test_strategies_without_scores_of_anchors_draw_no_heat(tmp_path, recipe, detector):
    simulate(recipe.with_changes({"loop.strategy": "random"}), tmp_path / "run", learner=detector)
    rows = read_csv(tmp_path / "run" / "cycles" / "001" / "pictures" / "pictures.csv")
    assert {row["kind"] for row in rows} == {"test"}


def spoil(recipe):
    """One annotation of the pool and one of the test images."""
    from pathlib import Path

    folder = Path(recipe.data.train) / "Annotations"
    for name in ("1000001", "000001"):
        file = folder / f"{name}.xml"
        file.write_text(file.read_text().replace("<xmin>", "<xmin>x", 1))


def test_mistakes_stop_the_run_and_are_all_listed(tmp_path, recipe, detector):
    spoil(recipe)
    with pytest.raises(UnreadableImages, match="2 mistake"):
        simulate(recipe, tmp_path / "run", learner=detector)
    rows = read_csv(tmp_path / "run" / "bad_images.csv")
    assert [(row["in"], row["id"]) for row in rows] == [
        ("pool", "JPEGImages/1000001.jpg"),
        ("test", "JPEGImages/000001.jpg"),
    ]
    assert rows[0]["why"].startswith("Annotations/1000001.xml, object 1: xmin is 'x")
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def test_images_with_mistakes_are_left_out_on_demand(tmp_path, recipe, detector):
    spoil(recipe)
    all_of_it = {"data.on_bad_image": "skip", "loop.query_size": 100}
    simulate(recipe.with_changes(all_of_it), tmp_path / "run", learner=detector)
    assert len(read_csv(tmp_path / "run" / "bad_images.csv")) == 2
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert "JPEGImages/1000001.jpg" in ledger.problems()
        assert len(ledger.labeled()) == 19, "all others were asked for"
    assert json.loads((tmp_path / "run" / "cycles" / "002" / "test.json").read_text())["images"] == 7


def test_answers_are_boxes_of_the_classes(tmp_path, recipe, detector):
    loop, _ = open_loop(recipe, tmp_path / "run", learner=detector)
    with loop.ledger:
        first, second, *_ = loop.ask(5).ids
        for answer, error, why in [
            ("one", DataError, f"{first!r}: not boxes in JSON"),
            (
                '[{"box": [5, 0, 1, 1], "label": "one"}]',
                DataError,
                f"{first!r}: object 1: the box has no area",
            ),
            (
                '[{"box": [0, 0, 1, 1], "label": "two"}]',
                UnknownName,
                f"{first!r}, object 1: unknown class 'two'",
            ),
        ]:
            with pytest.raises(error) as refused:
                loop.tell({second: "[]", first: answer}, who="ann")
            assert why in str(refused.value)
            assert loop.ledger.labeled() == [], "all or none"
        loop.tell({first: '[ {"label": "one", "box": [0.0, 0, 5, 9]} ]', second: "[]"}, who="ann")
        assert dict(loop.ledger.labeled()) == {first: '[{"box":[0,0,5,9],"label":"one"}]', second: "[]"}
        events = loop.ledger.last_seq()
        loop.tell({first: '[{"box":[0,0,5,9],"label":"one"}]'}, who="ann")
        assert loop.ledger.last_seq() == events, "the same boxes, written otherwise, are no new answer"


def test_test_images_without_objects_are_refused(tmp_path, recipe, detector):
    empty = tuple(s._replace(boxes=Boxes()) for s in TEST[:2])
    other = write_voc(tmp_path / "empty", {"trainval": empty})
    with pytest.raises(DataError, match="the test images have no object to find"):
        open_loop(recipe.with_changes({"data.test": str(other)}), tmp_path / "run", learner=detector)


def test_held_out_images_of_the_pool_measure_once_they_have_objects(tmp_path, recipe, detector):
    (root := tmp_path / "voc" / "ImageSets" / "Main" / "test.txt").unlink()
    loop, train = open_loop(recipe.with_changes({"loop.held_out": 4}), tmp_path / "run", learner=detector)
    assert root.name == "test.txt"
    with loop.ledger:
        held_out = loop.ask(5)
        assert len(held_out) == 4
        loop.tell(dict.fromkeys(held_out.ids, "[]"), who="ann")
        loop.tell(train.required_oracle().answer(loop.ask(5).ids), who="ann")
        assert loop.fit() == 1
        assert not (loop.folder.cycle(1).path / "test.json").exists(), "nothing to find on them yet"
        loop.tell(train.required_oracle().answer(held_out.ids), who="ann")
        assert loop.fit() == 1
        assert json.loads((loop.folder.cycle(1).path / "test.json").read_text())["images"] == 4

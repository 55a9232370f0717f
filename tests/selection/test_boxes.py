"""Boxes of any detector: the forms that others write, doubt about objects, budgets in boxes."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.errors import DataError, UsageError
from ncenet.selection.boxes import ByBoxes, objects_in
from ncenet.selection.budget import Budget
from ncenet.selection.choose import choose, open_files
from ncenet.selection.quotas import Quota
from ncenet.selection.wish import Wish
from tests.data.make import write

FOUND = {
    "street/a": [("car", 0.5, (10, 10, 50, 40)), ("person", 0.9, (0, 0, 8, 8))],
    "street/b": [("car", 0.95, (10, 10, 50, 40))],
    "street/c": [("person", 0.6, (1, 1, 9, 9)), ("person", 0.4, (2, 2, 9, 9)), ("car", 0.8, (5, 5, 20, 20))],
    "street/d": [],
}


def entropy(p):
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def parquet(folder, found=FOUND, **columns):
    rows = [
        [{"box": list(map(float, box)), "label": label, "likelihood": score} for label, score, box in each]
        for each in found.values()
    ]
    kind = pa.list_(
        pa.struct({"box": pa.list_(pa.float32()), "label": pa.string(), "likelihood": pa.float32()})
    )
    pq.write_table(
        pa.table({"id": list(found), "boxes": pa.array(rows, kind), **columns}), folder / "s.parquet"
    )
    return folder / "s.parquet"


def csv(folder):
    lines = ["id,boxes"]
    for id, each in FOUND.items():
        objects = json.dumps([{"label": label, "score": score, "box": box} for label, score, box in each])
        lines.append(f'{id},"{objects.replace(chr(34), chr(34) * 2)}"')
    (folder / "s.csv").write_text("\n".join(lines) + "\n")
    return folder / "s.csv"


def coco(folder):
    objects = [
        {"image_id": id, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for id, each in FOUND.items()
        for label, score, (x1, y1, x2, y2) in each
    ]
    (folder / "results.json").write_text(json.dumps(objects))
    return folder / "results.json"


def yolo(folder):
    number = {"car": 0, "person": 1}
    files = {
        f"labels/{id}.txt": "".join(
            f"{number[label]} {(x1 + x2) / 200} {(y1 + y2) / 200} {(x2 - x1) / 100} "
            f"{(y2 - y1) / 100} {score}\n"
            for label, score, (x1, y1, x2, y2) in each
        ).encode()
        for id, each in FOUND.items()
    }
    write(folder, files)
    return folder / "labels"


def label_studio(folder):
    tasks = [
        {
            "data": {"image": "http://host/x.jpg", "ncenet_id": id},
            "predictions": [
                {
                    "result": [
                        {
                            "type": "rectanglelabels",
                            "score": score,
                            "value": {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1,
                                      "rectanglelabels": [label]},
                        }
                        for label, score, (x1, y1, x2, y2) in each
                    ]
                }
            ],
        }
        for id, each in FOUND.items()
    ]  # fmt: skip
    (folder / "tasks.json").write_text(json.dumps(tasks))
    return folder / "tasks.json"


def chosen(source, n=None, **wish):
    budget = wish.pop("budget", Budget(images=n))
    return choose(open_files([str(source)]), Wish(budget, **wish))


@pytest.mark.parametrize("form", [parquet, csv, coco, yolo, label_studio])
class TestForms:
    def test_each_says_the_same(self, tmp_path, form):
        found = chosen(form(tmp_path), 4, strategy="entropy").query
        expected = {id: sum(entropy(score) for _, score, _ in each) for id, each in FOUND.items()}
        assert found.ids[:3] == ("street/c", "street/a", "street/b")
        assert found.scores == pytest.approx([expected[id] for id in found.ids], rel=1e-5)
        # COCO's list has no word for an image in which nothing was found.
        assert len(found) == (3 if form is coco else 4)

    def test_difficulty_is_had_of_each(self, tmp_path, form):
        found = chosen(form(tmp_path), 2).query.ids
        assert found[0] == "street/c", "it has the most doubt"
        assert found[1] == "street/b", "its only class is the other one; a shows both as c does"


class TestDoubt:
    def test_ways_from_objects_to_images(self, tmp_path):
        file = parquet(tmp_path)
        expected = {"sum": 0.4 + 0.6 + 0.2, "mean": (0.4 + 0.6 + 0.2) / 3, "max": 0.6}
        for aggregate, value in expected.items():
            wish = {"strategy": "least-confidence", "options": {"aggregate": aggregate}}
            scores = dict(zip(*(lambda q: (q.ids, q.scores))(chosen(file, 4, **wish).query), strict=True))
            assert scores["street/c"] == pytest.approx(value, rel=1e-5) and scores["street/d"] == 0

    def test_difficulty_weighs_classes_by_their_confidences(self, tmp_path):
        files = open_files([str(parquet(tmp_path))])
        ranking = ByBoxes("difficulty", "boxes", {})
        ranking.look(files)
        confidences = {"car": [0.5, 0.95, 0.8], "person": [0.9, 0.6, 0.4]}
        for name, weight in zip(ranking.classes, ranking.weights, strict=True):
            p = np.array(confidences[name])
            assert weight == pytest.approx(1 + math.log2(2 - (p**2).sum() / p.sum()), rel=1e-6)
        ((_, _, table),) = files.chunks(["boxes"])
        weights = dict(zip(ranking.classes, ranking.weights, strict=True))
        expected = [
            sum(weights[label] * entropy(score) for label, score, _ in each) for each in FOUND.values()
        ]
        assert ranking.scores(table, "here") == pytest.approx(expected, rel=1e-5)

    def test_a_query_is_not_filled_with_one_kind_of_image(self, tmp_path):
        """Thirty alike images of the most doubtful kind, a few of others: entropy takes one kind alone."""
        found = {f"{n:02}": [("car", 0.5, (0, 0, 9, 9))] * 3 for n in range(30)}
        found |= {f"p{n}": [("person", 0.6, (0, 0, 9, 9))] for n in range(3)}
        file = parquet(tmp_path, found)
        assert {id[0] for id in chosen(file, 6, strategy="entropy").query.ids}.isdisjoint("p")
        assert {"p0", "p1", "p2"} & set(chosen(file, 6, factor=10).query.ids)

    def test_objects_of_a_slice_are_its_own(self, tmp_path):
        table = pq.read_table(parquet(tmp_path))
        part = objects_in(table.slice(2, 1), "boxes", "here")
        assert part.counts.tolist() == [3] and part.confidences == pytest.approx([0.6, 0.4, 0.8])
        assert [part.classes[c] for c in part.labels] == ["person", "person", "car"]


class TestBudgets:
    def test_boxes(self, tmp_path):
        file = parquet(tmp_path)
        assert chosen(file, strategy="entropy", budget=Budget(boxes=3)).query.ids == ("street/c",)
        assert len(chosen(file, strategy="entropy", budget=Budget(boxes=5)).query) == 3

    def test_minutes_of_boxes(self, tmp_path):
        budget = Budget(seconds=33, seconds_an_image=4, seconds_a_box=5)
        # c has two objects that are likely, a two, b one: 14, 28, 37 seconds
        assert len(chosen(parquet(tmp_path), strategy="entropy", budget=budget).query) == 2

    @pytest.mark.parametrize("strategy", ["entropy", "difficulty"])
    def test_quotas_hold_within_a_budget_of_boxes(self, tmp_path, strategy):
        """The doubtful images of one camera have ten objects each; the other's have one, and count too."""
        found = {f"a{n}": [("car", 0.6, (0, 0, 9, 9))] * 10 for n in range(20)}
        found |= {f"b{n}": [("car", 0.9, (0, 0, 9, 9))] for n in range(20)}
        cameras = pa.array([id[0] for id in found])
        file = parquet(tmp_path, found, camera=cameras)
        quotas = [Quota("camera", least=3)]
        picked = chosen(file, strategy=strategy, budget=Budget(boxes=60), quotas=quotas).query.ids
        counts = {letter: sum(id[0] == letter for id in picked) for letter in "ab"}
        assert min(counts.values()) >= 3 and 50 < 10 * counts["a"] + counts["b"] <= 60
        with pytest.raises(UsageError, match=r"camera at least 3: that is 6 images .* the query has"):
            chosen(file, strategy=strategy, budget=Budget(boxes=12), quotas=quotas)

    def test_a_budget_that_pays_for_none(self, tmp_path):
        with pytest.raises(UsageError, match="the first image alone takes more"):
            chosen(parquet(tmp_path), strategy="entropy", budget=Budget(boxes=1))

    def test_likelihoods_of_classes_have_no_boxes(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,prob_a,prob_b\nx,0.5,0.5\n")
        with pytest.raises(UsageError, match="a budget of boxes needs to know them"):
            chosen(tmp_path / "a.csv", budget=Budget(boxes=3))


def results(*changes):
    """A COCO file of an object each, which differ from a sound one."""
    sound = {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    return {"a.json": json.dumps([sound | change for change in changes]).encode()}


def tasks(*changes):
    """Tasks of Label Studio with a rectangle each, which differ from a sound one."""
    found = []
    for change in changes:
        value = {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["cat"]}
        result = {"type": "rectanglelabels", "value": value, "score": 0.5} | change
        found.append({"data": change.get("data", {"image": "a.jpg"}), "predictions": [{"result": [result]}]})
    return {"a.json": json.dumps(found).encode()}


@pytest.mark.parametrize(
    ("files", "source", "why"),
    [
        ({"a.json": b"{"}, "a.json", "not JSON"),
        ({"a.json": b"[1]"}, "a.json", "not predictions that are known"),
        ({"a.json": b'[{"image_id": 1}]'}, "a.json", "object 0 .* has not image_id, category_id"),
        ({"l/a.txt": b"0 0.5 0.5 0.1 0.1\n"}, "l", "a.txt:1 expected class x y width height confidence"),
        ({"a.json": b'[{"data": {}, "predictions": []}]'}, "a.json", "task 0"),
        ({"a.csv": b'id,boxes\nx,"[{""label"": ""a""}]"\n'}, "a.csv", "not a JSON list of objects"),
        ({"a.csv": b'id,boxes\nx,"[{""label"": ""a"", ""score"": 3}]"\n'}, "a.csv", "has the likelihood 3"),
        ({"p/a.txt": b"0 .5 .5 .1 .1 1.5\n"}, "p", "a.txt:1 likelihoods are from 0 to 1, not 1.5"),
        ({"p/a.txt": b"0 .5 .5 .1 .1 nan\n"}, "p", "a.txt:1 likelihoods are from 0 to 1, not nan"),
        (results({}, {"score": 1.5}), "a.json", r"object 1 .*likelihoods are from 0 to 1, not 1\.5"),
        (
            results({"image_id": None}),
            "a.json",
            "object 0 .*None names no image: text or",
        ),
        (results({"image_id": [1]}), "a.json", r"object 0 .*\[1\] names no image"),
        (results({"category_id": None}), "a.json", "object 0 .*category_id is null"),
        (
            results({"file_name": "a.jpg"}, {}),
            "a.json",
            "object 1 .*'7' goes by 'a.jpg' before",
        ),
        (tasks({}, {}), "a.json", r"task 1 .*its image 'a\.jpg' is that of a task before"),
        (
            tasks({"data": {"img": "a.jpg"}}),
            "a.json",
            "under ncenet_id, id, image, and here are img",
        ),
        (tasks({"data": {"image": None}}), "a.json", "task 0 .*None names no image"),
        (tasks({"score": 55}), "a.json", "task 0 .*likelihoods are from 0 to 1, not 55"),
        (tasks({"type": "choices"}), "a.json", r"its predictions are choices, and rectangles .* are read"),
    ],
)
def test_files_that_are_none(tmp_path, files, source, why):
    write(tmp_path, files)
    with pytest.raises(DataError, match=why):
        chosen(tmp_path / source, 1)


def test_what_lies_beside_predictions_and_is_none(tmp_path):
    """As macOS leaves it in an archive; and a first task that nobody predicted."""
    mac = {"p/__MACOSX/._a.txt": b"\0\xff", "p/.b.txt": b"x", "p/classes.txt": b"cat\n"}
    write(tmp_path, {"p/_DSC1.txt": b"0 .5 .5 .1 .1 .5\n"} | mac)
    assert chosen(tmp_path / "p", 9).query.ids == ("_DSC1",)
    task = json.loads(tasks({})["a.json"])[0]
    write(tmp_path, {"t.json": json.dumps([{"data": {"image": "b.jpg"}}, task]).encode()})
    assert chosen(tmp_path / "t.json", 9).query.ids == ("a.jpg", "b.jpg")


@pytest.mark.parametrize("how", ["difficulty", "entropy", "margin", "least-confidence"])
def test_options_that_are_none(tmp_path, how):
    for options, why in (
        ({"aggregate": "median"}, "options.aggregate: "),
        ({"agregate": "max"}, "did you mean"),
    ):
        with pytest.raises(UsageError, match=why):
            choose(open_files([str(parquet(tmp_path))]), Wish(Budget(1), strategy=how, options=options))


@pytest.mark.parametrize("found", [{"label": ["x"], "score": 0.5}, {"label": "x", "score": "high"}])
def test_objects_of_other_types(tmp_path, found):
    pq.write_table(pa.table({"id": ["a"], "boxes": [[found]]}), tmp_path / "s.parquet")
    with pytest.raises(DataError, match=r"s\.parquet: .* 'boxes' label is no text, or score no number"):
        chosen(tmp_path / "s.parquet", 1)

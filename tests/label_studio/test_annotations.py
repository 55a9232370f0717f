"""Annotations that others made: taken, or left out and refused with a sentence, never "no object"."""

from __future__ import annotations

import pytest

from ncenet.boxes import Boxes
from ncenet.errors import DataError
from ncenet.label_studio.annotations import NoAnswer, in_order, label_of, record_of
from ncenet.label_studio.backend import MlBackend
from ncenet.label_studio.exchange import pull
from ncenet.label_studio.image_names import ImageNames
from ncenet.label_studio.tasks import label_config, our_control
from ncenet.ledger import Item
from tests.labels.make import CLASSES, new_run, photos, standing

CONTROL = our_control(("red", "blue"), "detection")
CONFIG = label_config(CLASSES, "classification")


def shape(kind, *labels, name="shapes", to="image", **value):
    """A result of another tool than our rectangles."""
    return {"from_name": name, "to_name": to, "type": kind, "original_width": 100, "original_height": 50,
            "value": {"points": [[1, 1]], **({kind: [*labels]} if labels else {}), **value}}  # fmt: skip


def rectangle(**changes):
    value = {"x": 10, "y": 10, "width": 20, "height": 40, "rotation": 0, "rectanglelabels": ["red"]}
    sides = {"original_width": 100, "original_height": 50, "image_rotation": 0}
    value |= {key: changes.pop(key) for key in tuple(changes) if key in value}
    return {
        "from_name": "boxes",
        "to_name": "image",
        "type": "rectanglelabels",
        **sides,
        **changes,
        "value": value,
    }


class TestShapes:
    @pytest.mark.parametrize("kind", ["polygon", "ellipse", "brush", "bitmask", "keypoint", "vector"])
    @pytest.mark.parametrize("beside", [(), (rectangle(),)])
    def test_an_object_of_ours_in_another_shape_is_refused(self, kind, beside):
        with pytest.raises(DataError, match=f"a {kind} of blue was drawn, and this run takes rectangles"):
            label_of([*beside, shape(f"{kind}labels", "blue")], "detection", CONTROL)
        with pytest.raises(DataError, match=f"a {kind} without a class was drawn"):
            label_of([*beside, shape(kind, name="boxes")], "detection", CONTROL)

    @pytest.mark.parametrize("kind", ["polygon", "brush", "ellipse", "rectangle"])
    def test_a_shape_without_a_class_is_not_no_object(self, kind):
        with pytest.raises(DataError, match=f"a {kind} without a class was drawn"):
            label_of([shape(kind)], "detection", CONTROL)
        assert len(Boxes.from_label(label_of([rectangle(), shape(kind)], "detection", CONTROL))) == 1

    def test_answers_to_other_questions_are_left_alone(self):
        others = [
            shape("polygonlabels", "road"),
            shape("polygonlabels", "red", to="second image"),
            {"from_name": "text", "to_name": "image", "type": "textarea", "value": {"text": ["hello"]}},
            {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"},
        ]
        assert label_of(others, "detection", CONTROL) == Boxes().to_label()
        seen = Boxes(((10, 5, 30, 25),), ("red",)).to_label()
        assert label_of([rectangle(), *others], "detection", CONTROL) == seen


class TestPairsAndOddities:
    @pytest.mark.parametrize("kind", ["rectangle", "polygon", "brush"])
    @pytest.mark.parametrize("beside", [[], [rectangle()]])
    def test_a_class_that_stands_beside_its_shape(self, kind, beside):
        drawn = shape(kind, id="z")
        named = shape("labels", name="classes", id="z") | {"value": {"labels": ["red"]}}
        drawn["id"] = named["id"] = "z"
        with pytest.raises(DataError, match="of red was drawn, and this run takes rectangles"):
            label_of([*beside, drawn, named], "detection", CONTROL)

    @pytest.mark.parametrize("kind", ["labels", "number", "choices", "videorectangle", None])
    def test_an_answer_to_our_question_of_another_type_is_not_no_object(self, kind):
        said = {"from_name": CONTROL.name, "to_name": "image", "type": kind, "value": {"labels": ["red"]}}
        with pytest.raises(DataError):
            label_of([said], "detection", CONTROL)

    def test_a_page_of_several(self):
        assert label_of([rectangle(item_index=0)], "detection", CONTROL) != "[]"
        with pytest.raises(DataError, match="a box is on another page than the first"):
            label_of([rectangle(item_index=1)], "detection", CONTROL)

    @pytest.mark.parametrize("value", ["10", None, True, [1], 10**400, float("nan"), float("inf")])
    @pytest.mark.parametrize("key", ["x", "width", "original_width"])
    def test_numbers_that_are_none(self, key, value):
        result = rectangle()
        (result if key.startswith("original") else result["value"])[key] = value
        task, said = {"id": 4, "data": {}}, {"result": [result]}
        options = {"find": lambda _: "a.png", "size": lambda _: (100, 50)}
        if (key, value) == ("original_width", None):  # it is looked up
            return
        with pytest.raises(DataError, match=f"task 4, 'a.png': {key} is .*, not a number that an image"):
            record_of(task, said, {}, "detection", CONTROL, **options)

    def test_half_a_character_is_no_image(self):
        with pytest.raises(NoAnswer, match="holds half a character"):
            ImageNames([]).find({"ncenet_id": "a\ud800"}, "image")


class TestTurned:
    @pytest.mark.parametrize("rotation", [0, 0.0001, -0.0001, 359.9999, 360, None])
    def test_what_is_upright_but_for_rounding_is_taken(self, rotation):
        seen = label_of([rectangle(rotation=rotation, image_rotation=rotation)], "detection", CONTROL)
        assert seen == Boxes(((10, 5, 30, 25),), ("red",)).to_label()

    @pytest.mark.parametrize("rotation", [0.5, 3, 90, 180, -1, 270.0])
    def test_what_is_turned_is_refused(self, rotation):
        with pytest.raises(DataError, match=rf"a box is turned by {rotation} degrees"):
            label_of([rectangle(rotation=rotation)], "detection", CONTROL)
        with pytest.raises(DataError, match=rf"the image is turned by {rotation} degrees"):
            label_of([rectangle(image_rotation=rotation)], "detection", CONTROL)

    @pytest.mark.parametrize("side", ["original_width", "original_height"])
    def test_a_size_that_is_left_out_is_looked_up(self, side):
        result = rectangle()
        del result[side]
        task, said = {"id": 4, "data": {}}, {"result": [result]}
        options = {"find": lambda _: "a.png"}
        record = record_of(task, said, {}, "detection", CONTROL, **options, size=lambda _: (100, 50))
        assert record.label == Boxes(((10, 5, 30, 25),), ("red",)).to_label()
        with pytest.raises(DataError, match=r"task 4, 'a.png': the size of the image isn't told"):
            record_of(task, said, {}, "detection", CONTROL, **options)


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ([(1, 7, False), (2, 8, True)], 1),
        ([(1, 7, True), (2, 8, False)], 2),
        ([(1, 7, False), (2, 8, False)], 2),
        ([(1, 7, False), (2, 7, True)], 2),
        ([(1, 7, False), (2, 8, False), (3, 8, True)], 1),
        ([(1, 7, True), (2, 8, True)], 2),
    ],
)
def test_a_skip_of_another_annotator_takes_no_answer_away(said, first):
    annotations = [
        {"id": n, "completed_by": by, "was_cancelled": skipped, "updated_at": f"2026-01-0{n}"}
        for n, by, skipped in said
    ]
    assert in_order(annotations[::-1])[0]["id"] == first


class TestNames:
    NAMES = ImageNames(Item(id, f"hash of {id}") for id in ("a.jpg", "sub/a.jpg", "sub/c d.jpg", "b.jpg"))

    @pytest.mark.parametrize(
        ("address", "id"),
        [
            ("/data/upload/3/0a1b2c3d-b.jpg", "b.jpg"),
            ("https://bucket.example/x/b.jpg?X-Amz-Signature=abc", "b.jpg"),
            ("s3://bucket/sub/c%20d.jpg", "sub/c d.jpg"),
            ("/data/local-files/?d=photos/sub/a.jpg", "sub/a.jpg"),
            ("b.jpg", "b.jpg"),
        ],
    )
    def test_an_image_is_found_by_the_address_that_a_project_has_for_it(self, address, id):
        assert self.NAMES.find({"picture": address}, "picture") == id

    @pytest.mark.parametrize(
        "address", ["/data/upload/1/0a1b2c3d-zzz.jpg", "", None, 7, "http://[", "/data/"]
    )
    def test_what_is_none_is_said(self, address):
        with pytest.raises(NoAnswer, match="is no image of this run"):
            self.NAMES.find({"image": address}, "image")

    def test_two_of_a_name_cannot_be_told_apart(self):
        with pytest.raises(NoAnswer, match=r"may be 'a\.jpg' or 'sub/a\.jpg': push makes tasks that tell"):
            self.NAMES.find({"image": "/data/upload/1/0a1b2c3d-a.jpg"}, "image")


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
    yield run
    run.ledger.close()


def choice(number, label, by=7, **more):
    chosen = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    result = [chosen] if label else []
    return {"id": number, "completed_by": by, "result": result, "updated_at": f"2026-01-0{number}", **more}


def task(number, name, *annotations):
    return {"id": number, "data": {"image": f"/data/upload/1/0a1b2c3d-{name}"}, "annotations": [*annotations]}


class Server:
    """As much of a Label Studio as a pull asks for."""

    url = "http://studio.example"

    def __init__(self, *tasks):
        self.held = {task["id"]: task for task in tasks}

    def project(self, _):
        return {"label_config": CONFIG}

    def users(self):
        return {7: "ann@example.org", 8: "bob@example.org"}

    def tasks(self, _):
        return list(self.held.values())

    def task(self, number):
        return self.held[number]


class TestPull:
    def told(self, run, *tasks):
        said: list[str] = []
        changes = pull(run, Server(*tasks), project=1, otherwise="me", tell=said.append)
        return {change.record.id: (change.record.kind, change.record.label) for change in changes}, said

    def test_tasks_that_somebody_made_are_taken_and_what_is_none_of_ours_is_told(self, run):
        skip = choice(3, None, by=8, was_cancelled=True)
        tasks = [task(1, "b.jpg", choice(1, "ant"), skip), task(2, "zzz.jpg", choice(2, "bee"))]
        changes, said = self.told(run, *tasks, task(3, "c.jpg", choice(4, None)))
        assert changes == {"b.jpg": ("answer", "ant")}
        assert said == [
            "task 2: '/data/upload/1/0a1b2c3d-zzz.jpg' is no image of this run",
            "task 3, 'sub/c.jpg': no class was chosen",
        ]

    def test_two_tasks_about_one_image_that_differ_are_refused(self, run):
        with pytest.raises(DataError, match=r"project 1: answers 'b\.jpg' twice, and differently"):
            self.told(run, task(1, "b.jpg", choice(1, "ant")), task(2, "b.jpg", choice(2, "bee")))

    def test_an_annotation_that_is_gone_is_told_and_its_answer_kept(self, run):
        run.ledger.tell({"b.jpg": "ant"}, who="ann@example.org", cycle=0)
        changes, said = self.told(run, task(1, "b.jpg"))
        assert changes == {} and "'b.jpg' has an answer of ann@example.org here and none there" in said[0]
        assert standing(run)["b.jpg"][1] == "ant"


class TestWebhook:
    def hook(self, run, **options):
        heard: list[str] = []
        return MlBackend(run, tell=heard.append, **options), heard

    def test_a_task_of_somebody_elses_making_is_taken_or_told(self, run):
        backend, heard = self.hook(run)
        sent = {"action": "ANNOTATION_CREATED", "project": {"id": 1, "label_config": CONFIG}}
        assert (
            backend.webhook(sent | {"task": task(1, "b.jpg"), "annotation": choice(1, "ant")}).recorded == 1
        )
        taken = backend.webhook(sent | {"task": task(2, "zzz.jpg"), "annotation": choice(2, "ant")})
        assert taken.recorded == 0 and "zzz.jpg' is no image of this run" in taken.left_out[0]
        assert heard == [f"left out: {taken.left_out[0]}"] and list(standing(run)) == ["b.jpg"]

    def test_a_skip_of_another_leaves_the_answer_and_ones_own_replaces_it(self, run):
        backend, heard = self.hook(run)
        sent = {"action": "ANNOTATION_CREATED", "task": task(1, "b.jpg")}
        backend.webhook(sent | {"annotation": choice(1, "ant")})
        assert backend.webhook(sent | {"annotation": choice(2, None, by=8, was_cancelled=True)}).recorded == 0
        assert standing(run)["b.jpg"][1] == "ant" and "the answer stands" in heard[0]
        assert backend.webhook(sent | {"annotation": choice(3, None, was_cancelled=True)}).recorded == 1
        assert standing(run)["b.jpg"][0] == "skip"

    @pytest.mark.parametrize("form", ["tasks", "task", "client"])
    def test_many_at_once_are_taken_each_by_itself(self, run, form):
        tasks = [task(1, "b.jpg"), task(2, "c.jpg"), task(3, "zzz.jpg")]
        backend, heard = self.hook(run, client=Server(*tasks) if form == "client" else None)
        annotations = [choice(n, label, task=n) for n, label in ((1, "ant"), (2, "cow"), (3, "bee"))]
        sent = {"action": "ANNOTATIONS_CREATED", "annotations": annotations}
        if form == "task":
            taken = [
                backend.webhook(sent | {"task": t, "annotations": [a]})
                for t, a in zip(tasks[:1], annotations[:1], strict=True)
            ]
            assert [each.recorded for each in taken] == [1]
            return
        one = backend.webhook(
            {"action": "ANNOTATIONS_CREATED", "tasks": tasks, "annotations": annotations[1:2]}
        )
        assert one.recorded == 0 and "cow" in heard.pop(), "a list of one is a list"
        about = {"tasks": [{"id": each["id"]} for each in tasks] if form == "client" else tasks}
        taken = backend.webhook(sent | about)
        assert taken.recorded == 1 and len(taken.left_out) == len(heard) == 2
        assert list(standing(run)) == ["b.jpg"]

    @pytest.mark.parametrize("form", [[{"id": 1}], [1]])
    def test_a_deletion_takes_back_what_was_recorded_and_no_later_answer(self, run, form):
        backend, heard = self.hook(run)
        created = {"action": "ANNOTATION_CREATED", "task": task(1, "b.jpg"), "annotation": choice(1, "ant")}
        gone = {"action": "ANNOTATIONS_DELETED", "annotations": form}
        backend.webhook(created)
        assert backend.webhook(gone).recorded == 1 and standing(run) == {}
        backend.webhook(created)
        assert "'b.jpg' was deleted there: this is an old message" in heard.pop() and standing(run) == {}
        run.ledger.tell({"b.jpg": "bee"}, who="bob", cycle=0)
        assert backend.webhook(gone).recorded == 0 and standing(run)["b.jpg"][1] == "bee"
        assert heard == []
        assert backend.webhook(gone).recorded == 0 and heard == [], (
            "a message that is doubled changes nothing"
        )

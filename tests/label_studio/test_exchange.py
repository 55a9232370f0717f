"""Queries go to Label Studio once, in their order; answers come back once, under the annotator's name."""

from __future__ import annotations

import json
import stat

import pytest

from ncenet.boxes import Boxes
from ncenet.errors import DataError, UsageError
from ncenet.label_studio.annotations import label_of
from ncenet.label_studio.client import Client
from ncenet.label_studio.exchange import LINK, pull, push
from ncenet.label_studio.tasks import (
    HASH,
    ID,
    control_of,
    controls_of,
    label_config,
    our_control,
)
from ncenet.labels.changes import apply, counts
from ncenet.ledger import Answer
from ncenet.ledger.provenance import INITIAL, by_strategy
from ncenet.types import Query
from tests.label_studio.fake import OWN, TOKEN, FakeLabelStudio, serving
from tests.labels.make import new_run, photos, standing

IDS = ("a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg")


@pytest.fixture
def studio():
    return FakeLabelStudio()


@pytest.fixture
def client(studio):
    with serving(studio) as url:
        yield Client(url, TOKEN)


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run", photos(tmp_path / "photos", IDS))
    run.ledger.record_query(0, INITIAL, Query(("b.jpg", "sub/a.jpg"), (0.0, 0.0)))
    yield run
    run.ledger.close()


class TestPush:
    def test_the_query_becomes_tasks_in_its_order(self, run, client, studio, tmp_path):
        pushed = push(run, client)
        assert (pushed.project, pushed.sent, pushed.there) == (1, 2, 0)
        project = studio.projects[1]
        assert project["title"] == "run" and project["sampling"] == "Uncertainty sampling"
        assert project["show_collab_predictions"] is False, "annotators are not told what the model thinks"
        hashes = {item.id: item.hash for item in run.ledger.items()}
        assert [task["data"] for task in studio.tasks.values()] == [
            {"image": f"/data/upload/1/{n:08x}-x.jpg", "ncenet_id": id, "ncenet_hash": hashes[id]}
            for n, id in enumerate(("b.jpg", "sub/a.jpg"), start=1)
        ]
        assert studio.uploads[1] == (tmp_path / "photos" / "b.jpg").read_bytes()
        assert studio.next_task(1) == "b.jpg"
        studio.annotate("b.jpg", "ant")
        assert studio.next_task(1) == "sub/a.jpg"

    def test_again_nothing_is_sent_twice(self, run, client, studio):
        push(run, client)
        pushed = push(run, client)
        assert (pushed.project, pushed.sent, pushed.there) == (1, 0, 2)
        assert len(studio.tasks) == len(studio.uploads) == 2
        assert all(len(task["predictions"]) == 1 for task in studio.tasks.values())

    def test_everything_and_a_new_order_for_what_is_there(self, run, client, studio):
        push(run, client, everything=True)
        assert [task["data"]["ncenet_id"] for task in studio.tasks.values()] == [
            "b.jpg", "sub/a.jpg", "a.jpg", "sub/c.jpg",
        ]  # fmt: skip
        run.ledger.record_query(1, by_strategy("margin"), Query(("sub/c.jpg", "a.jpg"), (0.9, 0.8)))
        pushed = push(run, client)
        assert (pushed.sent, pushed.there) == (0, 2)
        assert studio.projects[1]["model_version"] == "ncenet query 2"
        assert studio.next_task(1) == "sub/c.jpg"

    def test_a_project_of_ones_own(self, run, client, studio):
        number = client.create_project("mine", label_config(("bee", "ant"), "classification"))
        assert push(run, client, project=number).project == number == 1
        other = client.create_project("other", label_config(("ant", "cow"), "classification"))
        with pytest.raises(
            DataError, match=r"project 2: .* offers ant, cow, and the run has ant, bee: make them"
        ):
            push(run, client, project=other)

    def test_tasks_carry_the_image_under_the_name_that_the_project_has_for_it(self, run, client, studio):
        push(run, client, project=client.create_project("mine", OWN))
        assert all(set(task["data"]) == {"picture", ID, HASH} for task in studio.tasks.values())

    def test_the_folder_remembers_and_only_its_owner_may_read(self, run, client):
        push(run, client)
        assert json.loads((run.folder / LINK).read_text()) == {"url": client.url, "project": 1}
        assert stat.S_IMODE((run.folder / LINK).stat().st_mode) == 0o600

    def test_before_anything_was_asked(self, tmp_path, client):
        fresh = new_run(tmp_path / "fresh", photos(tmp_path / "others"))
        with pytest.raises(UsageError, match="nothing was asked yet: ncenet ask"):
            push(fresh, client)
        fresh.ledger.close()


class TestPull:
    def test_answers_come_back_under_their_names(self, run, client, studio):
        push(run, client)
        assert pull(run, client, otherwise="me") == []
        studio.annotate("b.jpg", "ant")
        studio.annotate("sub/a.jpg", cancelled=True)
        changes = pull(run, client, otherwise="me")
        assert counts(changes) == {"new": 2}
        assert apply(run.ledger, changes) == 2
        told = {id: said[:3] for id, said in standing(run).items()}
        assert told == {
            "b.jpg": ("answer", "ant", "ann@example.org"),
            "sub/a.jpg": ("skip", None, "ann@example.org"),
        }
        assert counts(pull(run, client, otherwise="me")) == {"same": 2}

    def test_answers_to_another_question_of_the_project_are_left_alone(self, run, client, studio):
        push(run, client, project=client.create_project("mine", OWN))
        light, animal = (
            {"from_name": name, "to_name": "photo", "type": "choices", "value": {"choices": [chosen]}}
            for name, chosen in (("light", "day"), ("animal", "ant"))
        )
        studio.annotate("b.jpg", more=(light, animal))
        studio.annotate("sub/a.jpg", more=(light,))
        (change,) = pull(run, client, otherwise="me")
        assert (change.record.id, change.record.label) == ("b.jpg", "ant")

    def test_the_last_annotation_counts(self, run, client, studio):
        push(run, client)
        studio.annotate("b.jpg", "ant")
        studio.annotate("b.jpg", "bee", who=8)
        (change,) = pull(run, client, otherwise="me")
        assert (change.record.label, change.who) == ("bee", "annotator 8")

    def test_what_stands_is_not_overwritten_unasked(self, run, client, studio):
        push(run, client)
        run.ledger.tell({"b.jpg": Answer.UNSURE}, who="bob", cycle=0)
        studio.annotate("b.jpg", "ant")
        assert counts(pull(run, client, otherwise="me")) == {"conflicting": 1}

    def test_tasks_of_others_and_empty_annotations_say_nothing(self, run, client, studio):
        push(run, client)
        client.add_tasks(1, [{"data": {"image": "x.jpg"}, "predictions": []}])
        studio.tasks[3]["annotations"] = studio.tasks[1]["annotations"]
        studio.annotate("b.jpg")
        assert pull(run, client, otherwise="me") == []

    def test_several_classes_are_a_mistake_that_names_the_task(self, run, client, studio):
        push(run, client)
        studio.annotate("b.jpg", "ant", "bee")
        with pytest.raises(DataError, match=r"task 1, 'b\.jpg': several classes for one image: ant, bee"):
            pull(run, client, otherwise="me")

    def test_nothing_was_pushed(self, run, client):
        with pytest.raises(UsageError, match=r"nothing was pushed to .* from here; name a `project`"):
            pull(run, client, otherwise="me")

    def test_all_pages_are_read(self, client, studio):
        number = client.create_project("large", "<View/>")
        client.add_tasks(number, [{"data": {"n": n}, "predictions": []} for n in range(250)])
        assert [task["data"]["n"] for task in client.tasks(number)] == list(range(250))


class TestWords:
    def test_classes_survive_the_configuration(self):
        classes = ("ant", 'a "bee" <1> & é', "x,y")
        for task in ("classification", "detection"):
            (control,) = controls_of(label_config(classes, task), task)
            assert control == our_control(classes, task) and control.classes == classes
        with pytest.raises(DataError, match="the label configuration is not XML"):
            controls_of("<View>", "classification")

    def test_the_question_with_the_classes_of_the_run_is_meant(self):
        assert control_of(OWN, ("ant", "bee"), "classification")[:3] == ("animal", "photo", "picture")
        with pytest.raises(DataError, match="offers day, night; bee, ant, and the run has ant, cow"):
            control_of(OWN, ("ant", "cow"), "classification")
        twice = OWN.replace("day", "ant").replace("night", "bee")
        with pytest.raises(DataError, match="several questions of the labelling page offer ant, bee"):
            control_of(twice, ("ant", "bee"), "classification")

    def test_the_only_question_is_meant_while_a_new_class_is_missing_there(self):
        config = label_config(("ant", "bee"), "classification")
        assert control_of(config, ("ant", "bee", "cow"), "classification").name == "class"
        with pytest.raises(DataError, match="offers ant, bee, and the run has ant, bee, cow"):
            control_of(config, ("ant", "bee", "cow"), "classification", exactly=True)

    def test_boxes(self):
        def box(**changes):
            value = {"x": 10, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["ant"]}
            return {"type": "rectanglelabels", "original_width": 40, "original_height": 20,
                    "value": value | changes}  # fmt: skip

        expected = Boxes(((4, 5, 24, 15),), ("ant",))
        assert label_of([box()], "detection") == expected.to_label()
        assert label_of([], "detection") == Boxes().to_label()
        with pytest.raises(DataError, match="a box is turned"):
            label_of([box(rotation=3)], "detection")
        with pytest.raises(DataError, match="a box has no class, or several"):
            label_of([box(rectanglelabels=[])], "detection")


class TestServer:
    def test_a_personal_token_is_exchanged_for_a_short_one(self, studio):
        with serving(studio) as url:
            assert Client(url, "header.payload.signature").users() == {7: "ann@example.org"}
        assert studio.calls == ["POST /api/token/refresh/", "GET /api/users/"]

    def test_the_short_one_is_renewed_when_it_is_over(self, studio):
        with serving(studio) as url:
            client = Client(url, "header.payload.signature")
            client.users()
            studio.access = studio.valid = "of today"
            assert client.users() == {7: "ann@example.org"}
            studio.access, studio.valid = "of another server", "of tomorrow"
            with pytest.raises(DataError, match="refuses the token"):
                client.users()

    def test_a_wrong_token(self, studio):
        with serving(studio) as url, pytest.raises(DataError, match=r"refuses the token: .*Invalid token"):
            Client(url, "wrong").users()

    def test_a_project_that_is_not_there(self, client):
        with pytest.raises(DataError, match=r"GET /api/projects/9/ failed with 404: .*No Project matches"):
            client.project(9)

    def test_nobody_there(self):
        with pytest.raises(DataError, match="no Label Studio answers there"):
            Client("http://127.0.0.1:9", TOKEN).users()

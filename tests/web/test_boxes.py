"""Boxes at the API: what is taken, what is refused and how it says so, what is told of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ncenet.boxes import Boxes
from ncenet.data.pools import ArrayPool
from ncenet.ledger.provenance import TYPICAL, by_strategy
from ncenet.run.advice import ONE_HIT
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_doubts, write_doubts
from ncenet.run.sizes import SizeOf
from ncenet.web.messages import MOST_BOXES
from ncenet.web.project import Project
from ncenet.web.serve import open_project
from tests.data.detection.make import CLASSES, samples, write_images
from tests.web.conftest import TINY, IdleTrainer, Page

MADE = samples(20)
TRUTH = {f"{sample.name}.jpg": sample.boxes for sample in MADE}
WIDTH, HEIGHT = MADE[0].size
ONE = {"box": [10, 20, 30.5, 40], "label": "one"}


@pytest.fixture
def open_boxes(tmp_path, recipe):
    """Open the run, as often as wanted."""
    write_images(tmp_path / "scenes", MADE)
    changes = TINY | {
        "task": "detection",
        "data.train": str(tmp_path / "scenes"),
        "data.classes": CLASSES,
        "data.image_size": 64,
        "model.anchor_features": 16,
        "train.batch_size": 4,
        "loop.first": "typical",
    }
    projects: list[Project] = []

    def again(**options) -> Project:
        for earlier in projects:
            earlier.let_go()  # as if its process had ended: the folder is free for the next server
        projects.append(
            open_project(
                recipe.with_changes(changes), tmp_path / "boxed", you="ann", trains=IdleTrainer, **options
            )
        )
        return projects[-1]

    yield again
    for project in projects:
        project.close()


@pytest.fixture
def boxed(open_boxes) -> Project:
    return open_boxes()


@pytest.fixture
def drawer(boxed) -> Page:
    return Page(boxed)


def send(page, id, **entry):
    """An answer as it goes over the wire."""
    entry = {"key": page.key(), "id": id, "kind": "answer"} | entry
    return page.post("/api/answers", {"who": page.who, "entries": [entry]})


def draw(page, id, boxes, **more):
    """Answer with boxes; why it was refused, or None."""
    answer = send(page, id, boxes=boxes, **more)
    assert answer.status_code == 200, answer.text
    return next(iter(answer.json()["outcome"].values()))


def drawn(boxes: Boxes) -> list[dict]:
    return json.loads(boxes.to_label())


def label(page, count):
    """Draw what is there on the images that come."""
    done = []
    while len(done) < count:
        for turn in page.turns(min(4, count - len(done))):
            assert draw(page, turn["id"], drawn(TRUTH[turn["id"]]), hash=turn["hash"], seconds=9) is None
            done.append(turn["id"])
    return done


def test_the_size_of_the_original_comes_with_each_image(boxed, drawer):
    (turn,) = drawer.turns(1)
    assert turn["size"] == [WIDTH, HEIGHT]
    assert drawer.get("/api/state").json()["task"] == "detection"


def test_boxes_go_to_the_ledger_as_their_canonical_text(boxed, drawer):
    first, second = drawer.turns(2)
    hard = {"box": [0, 0, WIDTH, HEIGHT], "label": "eight", "difficult": True}
    assert draw(drawer, first["id"], [ONE, hard]) is None
    assert draw(drawer, second["id"], []) is None
    boxes = Boxes(((10, 20, 30.5, 40), (0, 0, WIDTH, HEIGHT)), ("one", "eight"), (False, True))
    assert dict(boxed.ledger.labeled()) == {first["id"]: boxes.to_label(), second["id"]: "[]"}
    (empty, full) = drawer.post("/api/mine", {"who": "ann"}).json()["answers"]
    assert (empty["boxes"], empty["label"], empty["size"]) == ([], None, [WIDTH, HEIGHT])
    assert full["boxes"] == [ONE, hard]
    state = drawer.get("/api/state").json()
    assert state["counts"] == {"eight": 1, "one": 1, "zero": 0} and state["empty"] == 1


def test_the_same_answer_twice_counts_once_and_a_correction_takes_its_place(boxed, drawer):
    (turn,) = drawer.turns(1)
    for _ in range(2):
        assert draw(drawer, turn["id"], [ONE], key="the-same-key") is None
    assert draw(drawer, turn["id"], [ONE | {"label": "zero"}]) is None
    assert [event.kind for event in boxed.ledger.events()] == ["answer", "answer"]
    assert json.loads(dict(boxed.ledger.labeled())[turn["id"]])[0]["label"] == "zero"


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([{"box": [1, 2, 3], "label": "one"}], "entries.0.boxes.0.box"),
        ([{"box": [1, 2, 3, "4"], "label": "one"}], "boxes.0.box.3: '4' is no number"),
        ([{"box": [1, 2, 3, None], "label": "one"}], "boxes.0.box.3"),
        ([ONE, {"box": [-2, 2, 3, 4], "label": "one"}], "entries.0: object 2: the box -2, 2, 3, 4 reaches"),
        (
            [{"box": [0.1, 0.2, 0.5, 0.6], "label": "one"}],
            "0.5, 0.6 is within the first pixel",
        ),
        ([{"box": [5, 2, 5, 4], "label": "one"}], "the box has no area: x1 5 is not below x2 5"),
        ([{"box": [5, 9, 8, 4], "label": "one"}], "the box has no area: y1 9 is not below y2 4"),
        (
            [{"box": [0, 0, WIDTH + 2, 9], "label": "one"}],
            f"reaches beyond the image, which is {WIDTH} x {HEIGHT}",
        ),
        ([ONE, ONE | {"box": [0, 0, 9, 1e300]}], "boxes.1.box.3"),
        ([ONE, ONE | {"label": "two"}], "entries.0, object 2: unknown class 'two'"),
        ([ONE | {"label": ""}], "boxes.0.label"),
        ([ONE | {"colour": "red"}], "boxes.0.colour"),
        ([ONE | {"difficult": "perhaps"}], "boxes.0.difficult"),
        ([ONE] * (MOST_BOXES + 1), f"at most {MOST_BOXES} are allowed"),
        ("[]", "entries.0.boxes"),
        ({"box": []}, "entries.0.boxes"),
    ],
)
def test_malformed_boxes_are_refused_with_the_place(boxed, drawer, boxes, message):
    (turn,) = drawer.turns(1)
    answer = send(drawer, turn["id"], boxes=boxes)
    assert answer.status_code == 422 and message in answer.json()["error"], answer.text
    assert boxed.ledger.events() == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(boxed, drawer, number):
    (turn,) = drawer.turns(1)
    text = (
        f'{{"who": "ann", "entries": [{{"key": "a-key-of-it", "id": "{turn["id"]}", "kind": "answer", '
        f'"boxes": [{{"box": [1, 2, 3, {number}], "label": "one"}}]}}]}}'
    )
    headers = {"origin": "http://127.0.0.1:8765", "content-type": "application/json"}
    answer = drawer.client.post("/api/answers", content=text, headers=headers)
    assert answer.status_code == 422, answer.text
    assert boxed.ledger.events() == []


def test_one_malformed_answer_holds_back_its_parcel_and_is_named(boxed, drawer):
    """So the page sends the others again, one by one."""
    first, second = drawer.turns(2)
    entries = [
        {"key": drawer.key(), "id": first["id"], "kind": "answer", "boxes": [ONE]},
        {"key": drawer.key(), "id": second["id"], "kind": "answer", "boxes": [ONE | {"label": "two"}]},
    ]
    answer = drawer.post("/api/answers", {"who": "ann", "entries": entries})
    assert answer.status_code == 422 and "entries.1, object 1" in answer.json()["error"]
    assert boxed.ledger.events() == []
    assert drawer.post("/api/answers", {"who": "ann", "entries": entries[:1]}).status_code == 200


def test_each_run_takes_its_own_kind_of_answer(boxed, drawer, visitor):
    (turn,) = drawer.turns(1)
    wrong = send(drawer, turn["id"], label="one")
    assert wrong.status_code == 422 and "this run asks for boxes, and this is a class: 'one'" in wrong.text
    (turn,) = visitor.turns(1)
    wrong = send(visitor, turn["id"], boxes=[])
    assert wrong.status_code == 422 and "this run asks for classes, and these are boxes" in wrong.text
    both = send(visitor, turn["id"], label="red", boxes=[])
    assert both.status_code == 422 and "either a label or boxes" in both.text
    neither = send(drawer, turn["id"])
    assert neither.status_code == 422 and "either a label or boxes" in neither.text


def test_skip_unsure_and_undo_need_no_boxes(boxed, drawer):
    first, second, third = drawer.turns(3)
    assert drawer.tell(first["id"], kind="skip") is None
    assert drawer.tell(second["id"], kind="unsure") is None
    assert draw(drawer, third["id"], [ONE], key="answer-1") is None
    assert drawer.tell(third["id"], kind="undo", undoes="answer-1") is None
    assert boxed.ledger.labeled() == []


def test_an_image_that_is_gone_from_the_folder_holds_nothing_up(boxed, drawer, open_boxes, tmp_path):
    """An answer about it may still wait in a browser, in one parcel with others."""
    gone, there = drawer.turns(2)
    (tmp_path / "scenes" / gone["id"]).unlink()
    again = open_boxes()
    assert again.size(gone["id"]) is None and again.size(there["id"]) == (WIDTH, HEIGHT)
    entries = [
        {"key": drawer.key(), "id": turn["id"], "kind": "answer", "hash": turn["hash"], "boxes": [ONE]}
        for turn in (gone, there)
    ]
    answer = Page(again).post("/api/answers", {"who": "ann", "entries": entries})
    assert answer.status_code == 200, answer.text
    refused, recorded = answer.json()["outcome"].values()
    assert "cannot be labelled" in refused and recorded is None
    assert [id for id, _ in again.ledger.labeled()] == [there["id"]]


def test_an_answered_image_that_goes_while_the_page_is_open_is_still_told(boxed, drawer):
    (turn,) = drawer.turns(1)
    assert draw(drawer, turn["id"], [ONE]) is None
    another = ArrayPool(np.zeros((1, 8, 8, 3), np.uint8), ["another"])
    boxed.size = SizeOf(boxed.ledger, lambda: another)
    for path, message in (("/api/mine", {"who": "ann"}), ("/api/sheet", {})):
        found = drawer.post(path, message)
        assert found.status_code == 200, found.text
        assert [(said["boxes"], said["size"]) for said in found.json()["answers"]] == [([ONE], None)]


def test_boxes_on_an_image_that_is_not_there(drawer):
    assert "is not an image of this pool" in draw(drawer, "../../etc/passwd", [ONE])


def test_a_class_that_was_added_may_be_drawn(boxed, drawer):
    drawer.post("/api/classes", {"who": "ann", "name": "two"})
    (turn,) = drawer.turns(1)
    assert draw(drawer, turn["id"], [ONE | {"label": "two"}]) is None


def test_the_sheet_by_class_and_disputes_over_objects(boxed, drawer):
    bob = Page(boxed, "bob", "window-2")
    first, second = drawer.turns(2)
    draw(drawer, first["id"], [ONE, ONE | {"label": "zero"}])
    draw(drawer, second["id"], [])
    (found,) = drawer.post("/api/sheet", {"label": "zero"}).json()["answers"]
    assert found["id"] == first["id"] and found["size"] == [WIDTH, HEIGHT]
    assert drawer.post("/api/sheet", {"label": "eight"}).json()["answers"] == []
    draw(bob, first["id"], [{"box": [1, 1, 9, 9], "label": "zero"}, ONE])
    assert bob.get("/api/state").json()["disputed"] == 0, "the same objects, drawn in another order and place"
    draw(bob, first["id"], [ONE])
    assert bob.get("/api/state").json()["disputed"] == 1
    (found,) = bob.post("/api/sheet", {"disputed": True}).json()["answers"]
    assert [len(said["boxes"]) for said in found["said"]] == [2, 1]


def test_a_model_learns_suggests_and_is_measured(boxed, drawer):
    label(drawer, 6)
    boxed.trainer.finish()
    label(drawer, 6)
    boxed.trainer.finish()
    state = drawer.get("/api/state").json()
    ((point,), outlook, matrix) = (state["curve"], state["outlook"], state["matrix"])
    assert 0 <= point["low"] <= point["high"] <= 1 and point["images"] == 6 and point["labeled"] == 6
    assert outlook is None and matrix is None, "nothing is forecast for mAP"
    (turn,) = drawer.turns(1)
    why = drawer.post("/api/why", {"id": turn["id"]}).json()
    assert 0 <= why["rejection"] <= 4 and 1 <= why["confusion"] <= 4
    assert len(why["near"]) == 3 and why["near"][0]["size"] == [WIDTH, HEIGHT]
    assert isinstance(why["boxes"], list), "which ones is for tests of reasons: this model has hardly trained"
    held_out = next(iter(boxed.held_out))
    assert "boxes" not in drawer.post("/api/why", {"id": held_out}).json(), "they measure the model"
    trusted = point["low"] > ONE_HIT
    assert boxed.ledger.latest_query().asked == (by_strategy("confusion") if trusted else TYPICAL)


def test_a_budget_of_boxes_counts_boxes(boxed, drawer):
    boxed.recipe = boxed.recipe.with_changes({"loop.budget_unit": "box"})
    label(drawer, 6)
    done = label(drawer, 2)
    batch = drawer.get("/api/state").json()["batch"]
    assert batch["answered"] == sum(max(1, len(TRUTH[id])) for id in done)


def test_boxes_that_look_wrong_come_up_again_and_both_answers_stay(open_boxes):
    project = open_boxes(second_look=0.2)
    page = Page(project)
    ids = label(page, 10)
    project.trainer.finish()
    label(page, 2)
    learned = [id for id in ids if id not in project.held_out and len(TRUTH[id]) > 1]
    cycle = RunFolder(project.folder).cycle(project.ledger.cycles()[-1].number)
    write_doubts(cycle, learned[:2], ["missing", "loose"])
    project.trainer.notify({"event": "learned", "cycle": 1})
    waiting = {second.id: second.suspicion for second in project.ledger.again.waiting()}
    assert waiting == dict(zip(learned[:2], ["missing", "loose"], strict=True))
    one, other = learned[:2]
    said = page.post("/api/said", {"id": one}).json()["answer"]
    assert said["boxes"] == drawn(TRUTH[one]), "for whoever asks"
    nearly = Boxes(tuple((x1 + 0.5, y1, x2, y2) for x1, y1, x2, y2 in TRUTH[one].boxes), TRUTH[one].labels)
    assert draw(page, one, drawn(nearly)) is None
    assert draw(page, other, drawn(TRUTH[other])[1:]) is None
    assert project.snapshot()["doubted"]["labels"] == {"answered": 2, "changed": 1}, "pixels are no change"
    before = {twice.id: twice.before for twice in project.ledger.again.outcomes("doubt")}
    assert before[other] == TRUTH[other].to_label(), "the first answer stays in the ledger"


def test_a_detector_doubts_what_it_learned_once_there_is_enough(open_boxes, monkeypatch):
    monkeypatch.setattr("ncenet.loop.doubted_boxes.LEAST", 6)
    project = open_boxes()
    page = Page(project)
    ids = label(page, 14)
    project.trainer.finish()
    cycle = RunFolder(project.folder).cycle(1)
    doubted = read_doubts(cycle)
    assert set(doubted) <= set(ids) - project.held_out
    assert set(doubted.values()) <= {"missing", "loose", "swapped"}
    assert cycle.doubts.exists()

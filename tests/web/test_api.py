"""The API as the page uses it."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest

from ncenet.ledger import Ledger
from ncenet.ledger.provenance import MEANWHILE, by_strategy
from ncenet.run.held_out import set_apart
from tests.web.conftest import CLASSES, Page, truth


def test_held_out_images_first_then_the_first_batch(project, visitor):
    held_out = visitor.label(6)
    assert set(held_out) == project.held_out
    lesson = project.trainer.lessons[0]
    assert lesson.query_size == 12, "twice the first batch"
    project.trainer.finish()
    turns = visitor.turns(5)
    assert len(turns) == 5 and not {turn["id"] for turn in turns} & project.held_out
    assert {turn["asked"]["kind"] for turn in turns} == {"initial"}


def test_copies_of_held_out_images_are_not_shown_and_their_answers_not_counted(opened, recipe):
    photos = Path(recipe.data.train)
    for file in list(photos.iterdir()):
        (photos / f"{file.stem}-copy.png").write_bytes(file.read_bytes())
    project = opened()
    visitor = Page(project)
    held_out = visitor.label(6)
    copies = set_apart(project.ledger) - set(held_out)
    assert len(copies) == 6
    shown = {turn.id for turn in project.turns("window", "ann", [], 60)}
    assert len(shown) > 50 and not shown & copies
    project.ledger.tell({id: truth(id) for id in copies}, who="bob", cycle=0)
    state = visitor.get("/api/state").json()
    assert (state["batch"]["answered"], state["labeled"]) == (0, 0)


def test_a_full_batch_starts_a_training_and_its_query_replaces_the_reserve(project, visitor):
    visitor.label(6)
    trainer = project.trainer
    trainer.finish()
    visitor.label(5)
    assert len(trainer.lessons) == 1
    last = visitor.label(1)
    assert len(trainer.lessons) == 2
    visitor.label(3)  # the person goes on before the model trains
    trainer.finish()
    asked = project.ledger.latest_query()
    assert (asked.cycle, asked.asked, len(asked.query)) == (1, by_strategy("confusion"), 8)
    assert [turn["id"] for turn in visitor.turns(8)] == list(asked.query.ids)
    state = visitor.get("/api/state").json()
    assert state["batch"]["answered"] == 0
    assert [point["labeled"] for point in state["curve"]] == [9], "all that were there when the fit began"
    visitor.label(3)
    assert visitor.get("/api/state").json()["batch"]["answered"] == 3
    assert last[0] not in asked.query.ids


def test_a_strategy_called_random_is_a_strategy(opened):
    """Its queries are no draws of the page's own: they end the training, and are told as the strategy's."""
    project = opened(changes={"loop.strategy": "random"})
    visitor, trainer = Page(project), project.trainer
    visitor.label(6)
    trainer.finish()
    visitor.label(6)
    trainer.finish()
    assert (len(trainer.lessons), trainer.busy) == (2, False), "what was asked for is there: nothing to train"
    asked = project.ledger.latest_query()
    assert (asked.cycle, asked.asked) == (1, by_strategy("random"))
    assert visitor.turns(1)[0]["asked"] == {"kind": "strategy", "strategy": "random"}
    assert visitor.get("/api/state").json()["batch"]["asked"] == {"kind": "strategy", "strategy": "random"}
    visitor.label(8)
    assert visitor.turns(1)[0]["asked"]["kind"] == "meanwhile", "the model trains, and nothing else is left"


def test_nobody_waits_when_the_reserve_is_used_up(project, visitor):
    assert len(visitor.label(9)) == 9, "six held out, then random ones, for the first batch is not there yet"
    assert visitor.turns(1)[0]["asked"] == {"kind": "meanwhile", "strategy": None}
    assert project.ledger.latest_query().asked == MEANWHILE


def test_every_image_can_be_labelled_and_then_there_is_nothing_left(project, visitor):
    done = visitor.label(40)
    assert len(set(done)) == 40
    assert visitor.turns(3) == []


def test_an_answer_that_comes_twice_counts_once(project, visitor):
    (turn,) = visitor.turns(1)
    for _ in range(2):
        assert visitor.tell(turn["id"], "red", key="the-same-key") is None
    assert len(project.ledger.events()) == 1


def test_an_acknowledged_answer_is_on_disk(project, visitor):
    (turn,) = visitor.turns(1)
    visitor.tell(turn["id"], "red")
    with Ledger(project.ledger.file, read_only=True) as other:
        assert other.labeled() == [(turn["id"], "red")]


def test_skip_unsure_undo_and_correction(project, visitor):
    first, second, third = visitor.turns(3)
    visitor.tell(first["id"], kind="skip")
    visitor.tell(second["id"], kind="unsure")
    visitor.tell(third["id"], "red", key="answer-1")
    visitor.tell(third["id"], "blue")
    assert project.ledger.labeled() == [(third["id"], "blue")]
    visitor.tell(third["id"], kind="undo", undoes="answer-1")
    assert project.ledger.labeled() == [(third["id"], "blue")], "the correction was not what was undone"
    state = visitor.get("/api/state").json()
    assert (state["skipped"], state["unsure"], state["counts"]["blue"]) == (1, 1, 1)


def test_what_was_undone_is_asked_again_at_once(visitor):
    first, second = visitor.turns(2)
    visitor.tell(first["id"], "red", key="answer-1")
    assert visitor.turns(1)[0]["id"] == second["id"]
    visitor.tell(first["id"], kind="undo", undoes="answer-1")
    assert visitor.turns(2, holding=[first["id"]])[0]["id"] == first["id"]


def test_a_refused_answer_says_why_and_the_others_are_recorded(project, visitor):
    (turn,) = visitor.turns(1)
    assert "is not an image of this pool" in visitor.tell("../../etc/passwd", "red")
    assert "unknown class" in visitor.tell(turn["id"], "mauve")
    assert "changed since it was shown" in visitor.tell(turn["id"], "red", hash="0" * 32)
    assert project.ledger.events() == []


def test_a_new_class_is_there_for_everybody_and_outlives_the_server(opened, visitor):
    answer = visitor.post("/api/classes", {"who": "ann", "name": "mauve"})
    assert answer.json()["classes"] == [*CLASSES, "mauve"]
    (turn,) = visitor.turns(1)
    assert visitor.tell(turn["id"], "mauve") is None
    assert Page(opened()).get("/api/state").json()["classes"] == [*CLASSES, "mauve"]


def test_a_model_learns_a_class_that_was_added(project, visitor):
    visitor.post("/api/classes", {"who": "ann", "name": "mauve"})
    visitor.label(6)
    project.trainer.finish()
    for turn in visitor.turns(6):
        visitor.tell(turn["id"], "mauve" if truth(turn["id"]) == "red" else truth(turn["id"]))
    project.trainer.finish()
    reasons = visitor.post("/api/why", {"id": visitor.turns(1)[0]["id"]}).json()
    named = [name for name, _ in reasons["likelihoods"]]
    assert set(named) <= {*CLASSES, "mauve"} and len(named) == 3


def test_why_an_image(project, visitor):
    visitor.label(6)
    project.trainer.finish()
    visitor.label(6)
    project.trainer.finish()
    (turn,) = visitor.turns(1)
    why = visitor.post("/api/why", {"id": turn["id"]}).json()
    assert why["cycle"] == 1
    named, shares = zip(*why["likelihoods"], strict=True)
    assert list(shares) == sorted(shares, reverse=True) and set(named) == set(CLASSES)
    assert 0 <= why["rejection"] <= 3 and 1 <= why["confusion"] <= 3
    assert len(why["near"]) == 3
    for near in why["near"]:
        item = project.ledger.review.by_hash(near["image"])
        assert near["label"] == truth(item.id)


def test_nothing_is_told_of_held_out_images(project, visitor):
    id = next(iter(project.held_out))
    assert visitor.post("/api/why", {"id": id}).json() == {"from": "held-out"}


def test_the_sheet_of_past_answers_in_pages_and_filtered(visitor):
    done = visitor.label(6)
    visitor.tell(done[0], kind="skip")
    first = visitor.post("/api/sheet", {"limit": 4}).json()["answers"]
    assert [said["id"] for said in first] == [done[0], *reversed(done[3:])]
    rest = visitor.post("/api/sheet", {"limit": 4, "before": first[-1]["seq"]}).json()["answers"]
    assert [said["id"] for said in rest] == list(reversed(done[1:3]))
    (skipped,) = visitor.post("/api/sheet", {"kind": "skip"}).json()["answers"]
    assert skipped["id"] == done[0]


def test_two_annotators_never_share_an_image_and_their_disputes_show(project):
    ann, bob = Page(project), Page(project, "bob", "window-2")
    mine, theirs = ann.turns(3), bob.turns(3)
    assert not {turn["id"] for turn in mine} & {turn["id"] for turn in theirs}
    ann.tell(mine[0]["id"], "red")
    bob.tell(mine[0]["id"], "blue")
    assert ann.get("/api/state").json()["disputed"] == 1
    (said,) = ann.post("/api/sheet", {"disputed": True}).json()["answers"]
    assert [(one["who"], one["label"]) for one in said["said"]] == [("ann", "red"), ("bob", "blue")]


def test_with_an_overlap_each_image_goes_to_two(opened):
    project = opened(overlap=2)
    ann, bob = Page(project), Page(project, "bob", "window-2")
    assert [turn["id"] for turn in ann.turns(3)] == [turn["id"] for turn in bob.turns(3)]


def test_the_second_annotator_is_first_shown_what_the_first_has_answered(opened):
    project = opened(overlap=2)
    ann = Page(project)
    held_out = ann.label(6)
    project.trainer.finish()
    labeled = ann.label(6)
    project.trainer.finish()
    for served in (project, opened(overlap=2)):  # and after a restart
        bob = Page(served, "bob", "window-2")
        assert [turn["id"] for turn in bob.turns(12)] == held_out + labeled
        asked = project.ledger.latest_query()
        assert [turn["id"] for turn in ann.turns(3)] == list(asked.query.ids[:3]), "ann sees none of her own"


def test_a_second_answer_that_agrees_starts_no_training(opened):
    project = opened(overlap=2)
    ann, bob = Page(project), Page(project, "bob", "window-2")
    ann.label(6)
    project.trainer.finish()
    ann.label(6)
    project.trainer.finish()
    trainings = len(project.trainer.lessons)
    again = bob.label(12)
    assert ann.get("/api/state").json()["batch"]["answered"] == 0, "the last model has learned all this"
    assert len(project.trainer.lessons) == trainings
    for id in again[-3:]:
        bob.tell(id, next(name for name in CLASSES if name != truth(id)))
    assert ann.get("/api/state").json()["batch"]["answered"] == 3, "but not that bob says something else now"
    ann.label(1)
    assert len(project.trainer.lessons) == trainings + 1


def test_a_page_takes_up_where_it_was_after_a_restart(opened, visitor):
    held = [turn["id"] for turn in visitor.turns(3)]
    visitor.tell(held[0], "red", key="answer-1")
    again = Page(opened())
    assert [turn["id"] for turn in again.turns(2, holding=held[1:])] == held[1:]
    (mine,) = again.post("/api/mine", {"who": "ann"}).json()["answers"]
    assert (mine["id"], mine["label"], mine["key"]) == (held[0], "red", "answer-1")
    assert again.tell(held[0], kind="undo", undoes="answer-1") is None
    assert again.get("/api/state").json()["run"] == visitor.get("/api/state").json()["run"]


def test_answers_from_elsewhere_are_taken_up(project, visitor):
    turns = visitor.turns(3)
    with Ledger(project.ledger.file) as other:
        other.tell({turns[1]["id"]: "red"}, who="bob", cycle=0)
    assert turns[1]["id"] not in [turn["id"] for turn in visitor.turns(3, holding=[t["id"] for t in turns])]


def test_a_failed_training_is_shown_and_not_tried_again_at_once(project, visitor):
    visitor.label(6)
    project.trainer.fail("out of memory")
    visitor.label(3)
    state = visitor.get("/api/state").json()
    assert state["training"] == {"phase": "failed", "why": "out of memory"}
    assert len(project.trainer.lessons) == 1
    visitor.label(1)
    assert len(project.trainer.lessons) == 2, "after another batch"


def test_a_training_that_ends_with_the_server_is_no_failure(project, visitor):
    visitor.label(6)
    project.close()
    project.trainer.fail("its process died")  # the ledger is closed: reading it would be an error
    assert len(project.trainer.lessons) == 1, "and nothing new is begun"


def test_people_and_their_pace(project, visitor):
    visitor.label(3)
    assert visitor.get("/api/state").json()["annotators"] == [{"who": "ann", "answers": 3, "seconds": 1.5}]


def test_images_are_encoded_anew_and_kept_for_ever(project, visitor):
    (turn,) = visitor.turns(1)
    answer = visitor.get(f"/images/view/{turn['hash']}")
    image = PIL.Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("PNG", (24, 24))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]


def test_an_image_that_changed_on_disk_is_not_shown(project, visitor, tmp_path):
    (turn,) = visitor.turns(1)
    (tmp_path / "photos" / turn["id"]).write_bytes(b"something else")
    answer = visitor.get(f"/images/view/{turn['hash']}")
    assert answer.status_code == 409 and "changed since it was scanned" in answer.json()["error"]


@pytest.mark.parametrize("name", ["index.html", "main.js", "style.css", "icon.svg"])
def test_assets(visitor, name):
    answer = visitor.get("/" if name == "index.html" else f"/assets/{name}")
    assert answer.status_code == 200 and answer.content


def test_damaged_reasons_are_told_with_a_sentence(project, visitor):
    visitor.label(6)
    project.trainer.finish()
    visitor.label(6)
    project.trainer.finish()
    (turn,) = visitor.turns(1)
    (project.folder / "cycles" / "001" / "opinions.npz").write_bytes(b"PK")
    (project.folder / "cycles" / "001" / "why.json").write_text("[1, 2")
    answer = visitor.post("/api/why", {"id": turn["id"]})
    assert answer.status_code == 409 and "the reasons of the model can't be read" in answer.json()["error"]

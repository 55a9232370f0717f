"""Deliveries: recorded once however often they come, refused one by one, taken back by their key."""

import sqlite3
from contextlib import closing

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Answer, Delivery


def delivery(key, id="a.png", answer="cat", who="ann", **more):
    return Delivery(key, who, id, answer, **more)


def take_back(key, undoes, id="a.png", who="ann"):
    return Delivery(key, who, id, None, undoes=undoes)


def deliver(ledger, *deliveries, classes=None):
    return ledger.inbox.deliver(deliveries, cycle=0, classes=classes)


def test_the_same_key_counts_once_whatever_happened_in_between(ledger):
    first = delivery("k1")
    assert deliver(ledger, first) == {"k1": None}
    deliver(ledger, delivery("k2", answer="dog"))
    assert deliver(ledger, first, first) == {"k1": None}
    assert ledger.labeled() == [("a.png", "dog")], "the late copy of the first answer corrects nothing"
    assert len(ledger.events()) == 2


def test_skip_unsure_and_labels_are_recorded_in_their_order(ledger):
    deliver(ledger, delivery("1", answer=Answer.SKIP), delivery("2"), delivery("3", "b.png", Answer.UNSURE))
    assert [(e.id, e.kind) for e in ledger.events()] == [
        ("a.png", "skip"),
        ("a.png", "answer"),
        ("b.png", "unsure"),
    ]


def test_what_is_refused_holds_nothing_up_and_may_come_again(ledger):
    ledger.add_items([("broken.png", "hash", "no image")])
    outcome = deliver(
        ledger,
        delivery("unknown", "nowhere.png"),
        delivery("class", answer="cow"),
        delivery("broken", "broken.png"),
        delivery("stale", hash="other"),
        take_back("undo", undoes="nothing"),
        delivery("good", hash="hash-a"),
        classes=["cat"],
    )
    assert {key: why and why.split(": ")[0] for key, why in outcome.items() if key != "class"} == {
        "unknown": "'nowhere.png' is not an image of this pool",
        "broken": "'broken.png' cannot be labelled, it cannot be read",
        "stale": "'a.png' changed since it was shown",
        "undo": "'a.png' has no such answer to undo",
        "good": None,
    }
    assert outcome["class"] == "'a.png': unknown class 'cow': known: cat"
    assert ledger.labeled() == [("a.png", "cat")]
    assert deliver(ledger, delivery("class", "b.png", "cow"), classes=["cat", "cow"]) == {"class": None}


def test_an_undo_takes_back_the_answer_it_names_and_no_other(ledger):
    deliver(ledger, delivery("1"), delivery("2", answer="dog", who="bob"), take_back("3", undoes="1"))
    assert ledger.labeled() == [("a.png", "dog")], "bob's answer was not meant"
    deliver(ledger, take_back("3", undoes="1"), take_back("4", undoes="1"))
    assert len(ledger.events()) == 3, "neither the copy nor a second undo adds an event"
    deliver(ledger, take_back("5", undoes="2", who="bob"))
    assert ledger.labeled() == []


def test_nobody_takes_back_what_another_annotator_said(ledger):
    """A page shows everybody's answers; its key that undoes is one slip away from another's work."""
    deliver(ledger, delivery("1"))
    outcome = deliver(ledger, take_back("2", undoes="1", who="bob"))
    assert outcome == {"2": "that answer about 'a.png' is ann's: correct it with one of your own"}
    assert ledger.labeled() == [("a.png", "cat")] and len(ledger.events()) == 1
    ledger.undo("a.png", who="bob")
    assert ledger.labeled() == [], "who names the image to the ledger itself means it"


def test_taking_back_a_repetition_leaves_what_it_repeated(ledger):
    deliver(ledger, delivery("1"), delivery("2"), take_back("3", undoes="2"))
    assert ledger.labeled() == [("a.png", "cat")]


def test_answer_and_receipt_are_on_disk_together(ledger, tmp_path):
    with closing(sqlite3.connect(ledger.file)) as outsider:
        outsider.execute(
            "CREATE TRIGGER full BEFORE INSERT ON receipts BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    with pytest.raises(LedgerError, match="disk full"):
        deliver(ledger, delivery("1"))
    assert ledger.events() == []


@pytest.mark.parametrize(
    "other",
    [
        delivery("k1", "b.png"),
        delivery("k1", answer="dog"),
        delivery("k1", answer=Answer.SKIP),
        delivery("k1", who="bob"),
        take_back("k1", undoes="k1"),
        delivery("repeated", answer="dog"),
        delivery("repeated", "b.png"),
        delivery("undo"),
        take_back("undo", undoes="k1", id="b.png"),
        take_back("undo", undoes="k1", who="bob"),
        take_back("undo", undoes="repeated"),
        delivery("in vain", answer="dog"),
        take_back("in vain", undoes="k1", id="b.png"),
    ],
)
def test_a_key_that_comes_again_with_something_else_is_not_acknowledged(ledger, other):
    first = [delivery("k1"), delivery("repeated"), take_back("undo", "k1"), take_back("in vain", "k1")]
    assert set(deliver(ledger, *first).values()) == {None}
    before = ledger.events()
    assert [event.kind for event in before] == ["answer", "undo"]
    why = f"the key {other.key!r} was used for something else: take another one"
    assert deliver(ledger, other) == {other.key: why}
    assert set(deliver(ledger, *first).values()) == {None}, "what it was used for still counts as recorded"
    assert ledger.events() == before


@pytest.mark.parametrize("id", ["nowhere.png", "b.png"])
@pytest.mark.parametrize("undoes", ["k1", "repeated"])
def test_an_undo_is_about_the_image_of_its_answer(ledger, id, undoes):
    deliver(ledger, delivery("k1"), delivery("repeated"))
    before = ledger.events()
    outcome = deliver(ledger, take_back("undo", undoes, id=id))["undo"]
    if (undoes, id) == ("repeated", "b.png"):
        assert outcome is None, "it repeated what stood, so nothing is taken back"
    else:
        assert repr(id) in outcome
    assert ledger.events() == before


def test_an_answer_about_bytes_that_are_other_ones_on_disk_by_now_is_refused(ledger):
    same, other = {"a.png": "hash-a"}, {"a.png": "another"}
    first = [delivery("k1", hash="hash-a")]
    assert ledger.inbox.deliver(first, cycle=0, hashes=other)["k1"].startswith("'a.png' changed since it was")
    assert ledger.events() == []
    assert ledger.inbox.deliver(first, cycle=0, hashes=same) == {"k1": None}
    assert ledger.inbox.deliver(first, cycle=0, hashes=other) == {"k1": None}, "it was recorded in time"

"""Classes that change: what stands, what stays on record, and that all of it can be undone."""

from __future__ import annotations

import pytest

from ncenet.errors import DataError, UnknownName
from ncenet.ledger import Answer, Delivery, Ledger
from ncenet.ledger.inbox import Together


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items((f"{n}.png", f"hash-{n}", None) for n in range(8))
        ledger.remember("class_names", '["cat", "dog", "hen"]')
        ledger.tell({"0.png": "cat", "1.png": "dog", "2.png": "hen", "3.png": "cat"}, who="ann", cycle=0)
        ledger.tell({"3.png": "dog", "4.png": Answer.SKIP, "5.png": "cat"}, who="bob", cycle=1)
        yield ledger


def labels(ledger):
    return dict(ledger.labeled())


def said_of(ledger, id):
    return {said.who: said.label for said in ledger.review.answers(id)}


BEFORE = {"0.png": "cat", "1.png": "dog", "2.png": "hen", "3.png": "dog", "5.png": "cat"}


def test_a_renamed_class_stands_under_its_new_name_in_the_name_of_whoever_said_so(ledger):
    before = ledger.events()
    ledger.classes.rename("cat", "feline", who="cleo")
    assert ledger.class_names() == ("feline", "dog", "hen")
    assert labels(ledger) == {**BEFORE, "0.png": "feline", "5.png": "feline"}
    assert {said.who: said.label for said in ledger.review.answers("3.png")} == {
        "ann": "feline",
        "bob": "dog",
    }
    assert labels(ledger)["3.png"] == "dog", "what was said last is said last still"
    assert {said.who for said in ledger.review.answers("0.png")} == {"ann"}
    assert ledger.classes.renamed() == {"cat": "feline"}
    after = ledger.events()
    assert len(after) > len(before) and after[: len(before)] == before, (
        "events are added, and none is changed"
    )
    assert dict(ledger.labeled(upto=len(before))) == BEFORE, "as of then it was called otherwise"


@pytest.mark.parametrize(
    "change",
    [
        lambda classes: classes.rename("cat", "feline", who="cleo"),
        lambda classes: classes.merge("cat", "dog", who="cleo"),
        lambda classes: classes.delete("cat", who="cleo"),
        lambda classes: classes.order(["hen", "cat", "dog"], who="cleo"),
        lambda classes: classes.look("cat", {"key": "x", "colour": "#ff0000"}, who="cleo"),
    ],
    ids=["rename", "merge", "delete", "order", "look"],
)
def test_every_change_can_be_undone(ledger, change):
    change(ledger.classes)
    assert (labels(ledger), ledger.class_names(), ledger.classes.looks()) != (
        BEFORE,
        ("cat", "dog", "hen"),
        {},
    )
    ledger.classes.undo(who="cleo")
    assert (labels(ledger), ledger.class_names()) == (BEFORE, ("cat", "dog", "hen"))
    assert ledger.classes.looks() == {} and ledger.classes.renamed() == {}
    assert said_of(ledger, "3.png") == {"ann": "cat", "bob": "dog"}
    assert ledger.classes.undo(who="cleo") is None


def test_an_undone_renaming_takes_what_was_answered_since_along(ledger):
    ledger.classes.rename("cat", "feline", who="cleo")
    ledger.tell({"6.png": "feline", "0.png": "dog"}, who="ann", cycle=1)
    ledger.classes.undo(who="cleo")
    assert labels(ledger) == {**BEFORE, "6.png": "cat", "0.png": "dog"}


def test_merged_images_are_no_dispute_any_more_and_an_image_in_dispute_stays_one(ledger):
    assert ledger.review.disputed() == 1
    ledger.classes.merge("hen", "cat", who="cleo")
    assert ledger.review.disputed() == 1 and labels(ledger)["2.png"] == "cat"
    ledger.classes.merge("cat", "dog", who="cleo")
    assert ledger.review.disputed() == 0 and ledger.class_names() == ("dog",)
    assert ledger.classes.renamed() == {"hen": "dog", "cat": "dog"}


def test_deleted_classes_leave_their_images_to_be_asked_again(ledger):
    assert ledger.classes.delete("cat", who="cleo") == 3
    assert labels(ledger) == {"1.png": "dog", "2.png": "hen", "3.png": "dog"}
    ledger.tell({"0.png": "hen"}, who="ann", cycle=1)
    ledger.classes.undo(who="cleo")
    assert labels(ledger) == {**BEFORE, "0.png": "hen"}, "what was answered since stays"
    ledger.classes.delete("hen", who="cleo")
    with pytest.raises(DataError, match="two classes apart at least"):
        ledger.classes.delete("dog", who="cleo")


def test_names_that_can_not_be_are_refused_and_nothing_is_written(ledger):
    before = ledger.dump()
    with pytest.raises(UnknownName, match="cow"):
        ledger.classes.rename("cow", "ox", who="cleo")
    with pytest.raises(DataError, match="'dog' is a class already: merge 'cat' into it"):
        ledger.classes.rename("cat", "dog", who="cleo")
    with pytest.raises(DataError, match="ends with a blank"):
        ledger.classes.rename("cat", "feline ", who="cleo")
    with pytest.raises(DataError, match="names every class once"):
        ledger.classes.order(["cat", "dog"], who="cleo")
    assert ledger.dump() == before
    ledger.classes.rename("cat", "feline", who="cleo")
    with pytest.raises(DataError, match="was the name of a class that was changed"):
        ledger.add_class("cat", who="ann")
    ledger.classes.look("dog", {"key": "x"}, who="cleo")
    with pytest.raises(DataError, match="'dog' has the key 'x' already"):
        ledger.classes.look("hen", {"key": "x"}, who="cleo")


def test_a_second_answer_that_repeats_the_first_is_kept_where_it_was_asked_for(ledger):
    ledger.again.ask(["0.png", "1.png"], "doubt")
    for n, (id, label) in enumerate({"0.png": "cat", "1.png": "hen", "2.png": "hen"}.items()):
        ledger.inbox.deliver([Delivery(f"key-{n}", "ann", id, label)], cycle=1)
    assert [tuple(one)[:3] for one in ledger.again.outcomes("doubt")] == [
        ("0.png", "cat", "cat"),
        ("1.png", "dog", "hen"),
    ]
    assert ledger.again.waiting() == [] and len(ledger.events()) == 9, "2.png only repeats"


def test_what_is_held_out_is_in_no_group(ledger):
    from ncenet.ledger.provenance import HELD_OUT
    from ncenet.types import Query

    ledger.record_query(0, HELD_OUT, Query(("6.png",), (0.0,)))
    together = Together("party-one", 2, 2, 0.9)
    said = [Delivery(f"key-{id}", "ann", id, "cat", together=together) for id in ("6.png", "7.png")]
    outcome = ledger.inbox.deliver(said, cycle=1)
    assert outcome["key-7.png"] is None and "measures the model" in outcome["key-6.png"]
    assert ledger.again.together() == {"7.png"}


def test_a_new_name_looks_like_no_other_class(ledger):
    for new in ("cat\u200b", "c\u00adat"):
        with pytest.raises(DataError, match="looks like the class 'cat': take another name, or that one"):
            ledger.add_class(new, who="ann")
        with pytest.raises(DataError, match="looks like the class 'cat'"):
            ledger.classes.rename("dog", new, who="cleo")
    ledger.classes.rename("cat", "cat\u200b", who="cleo")
    assert "cat\u200b" in ledger.class_names(), "a name of its own may change in what nobody sees"

"""The images of the pool, and what happens when their files change."""

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Answer, Item
from ncenet.ledger.provenance import INITIAL
from ncenet.types import Query


def test_items_keep_the_order_of_entry_and_entering_again_changes_nothing(ledger):
    before = ledger.dump()
    ledger.add_items(reversed(ledger.items()))
    assert ledger.dump() == before
    assert [item.id for item in ledger.items()] == [f"{letter}.png" for letter in "abcdef"]


def test_a_changed_file_is_refused_once_it_is_labelled_and_names_the_image(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    before = ledger.dump()
    with pytest.raises(LedgerError, match=r"1 image changed since labelled: a\.png;.*undo"):
        ledger.add_items([("new.png", "1", None), ("a.png", "other", None)])
    assert ledger.dump() == before, "a refusal must leave nothing behind"
    ledger.undo("a.png", who="ann")
    ledger.add_items([("a.png", "other", None)])
    assert ledger.items()[0] == Item("a.png", "other", None)


def test_an_image_that_is_gone_is_not_asked_for_and_refused_once_it_is_labelled(ledger):
    query = Query(("a.png", "b.png"), (0.0, 0.0))
    ledger.record_query(0, INITIAL, query)
    ledger.tell({"c.png": "cat"}, who="ann", cycle=0)
    left = {"a.png", "c.png", "d.png", "e.png", "f.png"}
    ledger.miss_items(left)
    assert ledger.problems() == {"b.png": "not there any more"}
    assert ledger.open_ids(ledger.latest_query()) == ["a.png"]
    before = ledger.dump()
    with pytest.raises(LedgerError, match=r"1 image gone since labelled: c\.png; restore them, or take"):
        ledger.miss_items(left - {"c.png", "d.png"})
    assert ledger.dump() == before, "a refusal must leave nothing behind"
    ledger.add_items([("b.png", "hash-b", None)])  # it is there again
    assert ledger.problems() == {}


@pytest.mark.parametrize("answer", [Answer.SKIP, Answer.UNSURE])
def test_an_image_without_a_label_may_be_gone_whatever_was_said_of_it(ledger, answer):
    ledger.tell({"a.png": answer, "c.png": "cat"}, who="ann", cycle=0)
    left = {"b.png", "c.png", "d.png", "e.png", "f.png"}
    assert ledger.miss_items(left - {"b.png"}) == ["a.png"], "nobody is told of images without an answer"
    assert ledger.miss_items(left - {"b.png"}) == [], "it is told once"
    assert ledger.skipped_ids() == [], "nothing can be learned from what it looked like"
    assert ledger.closed_ids() == {"a.png", "c.png"}
    assert ledger.tell({"a.png": answer}, who="ann", cycle=0) == frozenset(), "what is repeated is no news"
    with pytest.raises(LedgerError, match=r"'a\.png' cannot be labelled, it cannot be read: not there any"):
        ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    ledger.add_items([("a.png", "hash-a", None)])  # it is there again
    assert ledger.skipped_ids() == ["a.png"] * (answer is Answer.SKIP)


def test_many_changed_files_are_counted_and_the_first_are_named(ledger):
    many = [(f"{n:03}", "old", None) for n in range(50)]
    ledger.add_items(many)
    ledger.tell({name: "cat" for name, _, _ in many}, who="ann", cycle=0)
    with pytest.raises(LedgerError, match=r"50 images .* 000, 001, .* 019 and 30 more"):
        ledger.add_items([(name, "new", None) for name, _, _ in many])


def test_a_file_without_answers_may_change(ledger):
    ledger.add_items([("b.png", "other", None), ("c.png", "hash-c", "truncated")])
    assert ledger.items()[1] == Item("b.png", "other", None)
    assert ledger.problems() == {"c.png": "truncated"}


def test_an_error_while_items_are_read_enters_none(ledger):
    def items():
        yield ("x.png", "1", None)
        raise RuntimeError("the disk went away")

    with pytest.raises(RuntimeError, match="the disk went away"):
        ledger.add_items(items())
    assert len(ledger.items()) == 6

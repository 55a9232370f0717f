"""Looking over the answers: what stands, in pages, by annotator, in dispute."""

import pytest

from ncenet.boxes import Boxes
from ncenet.errors import DataError
from ncenet.ledger import Answer, Delivery


@pytest.fixture
def answered(ledger):
    ledger.tell({"a.png": "cat", "b.png": "dog", "c.png": "cat"}, who="ann", cycle=0)
    ledger.tell({"b.png": "cat", "d.png": Answer.SKIP, "e.png": Answer.UNSURE}, who="bob", cycle=1)
    ledger.undo("c.png", who="ann")
    return ledger


def ids(said):
    return [one.id for one in said]


def test_counts_are_of_standing_answers(answered):
    assert answered.review.counts() == {("answer", "cat"): 2, ("skip", None): 1, ("unsure", None): 1}


def test_the_latest_come_first_in_pages(answered):
    review = answered.review
    assert ids(review.latest(10)) == ["e.png", "d.png", "b.png", "a.png"]
    first = review.latest(3)
    assert ids(review.latest(3, before=first[-1].seq)) == ["a.png"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"label": "cat"}, ["b.png", "a.png"]),
        ({"label": "dog"}, []),
        ({"kind": "skip"}, ["d.png"]),
        ({"who": "ann"}, ["a.png"]),
        ({"disputed": True}, ["b.png"]),
    ],
)
def test_filters(answered, wanted, expected):
    assert ids(answered.review.latest(10, **wanted)) == expected


def test_disputes_end_when_the_annotators_agree(answered):
    review = answered.review
    assert review.disputed() == 1
    assert [(said.who, said.label) for said in review.answers("b.png")] == [("ann", "dog"), ("bob", "cat")]
    answered.tell({"b.png": "cat"}, who="ann", cycle=1)
    assert review.disputed() == 0 and review.standing("b.png").who == "ann"


def test_a_change_of_mind_is_no_dispute(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    ledger.tell({"a.png": "dog"}, who="ann", cycle=0)
    assert ledger.review.disputed() == 0


def test_efforts_and_recent_answers_with_their_keys(ledger):
    ledger.inbox.deliver(
        [
            Delivery(key, "ann", f"{key}.png", "cat", seconds=s)
            for key, s in (("a", 1.0), ("b", 9.0), ("c", 2.0))
        ],
        cycle=0,
    )
    ledger.tell({"d.png": "cat"}, who="bob", cycle=0)
    ledger.tell({"d.png": "dog"}, who="bob", cycle=0)  # a correction is no further image
    assert [tuple(effort) for effort in ledger.review.efforts()] == [("ann", 3, 2.0), ("bob", 1, None)]
    assert [(said.id, said.key) for said in ledger.review.recent("ann", 2)] == [
        ("c.png", "c"),
        ("b.png", "b"),
    ]
    ledger.inbox.deliver([Delivery("u", "ann", "c.png", None, undoes="c")], cycle=0)
    assert ids(ledger.review.recent("ann", 2)) == ["b.png", "a.png"]
    assert ledger.review.standing("c.png") is None


def test_images_are_found_by_hash_row_and_id(ledger):
    ledger.add_items([("copy.png", "hash-a", None), ("bad.png", "hash-z", "broken")])
    review = ledger.review
    assert review.by_hash("hash-a").id == "a.png", "of copies, the first"
    assert review.by_hash("hash-z") is None and review.by_hash("nothing") is None
    rows = [review.row(number) for number in range(review.highest_row() + 2)]
    assert [row.id for row in rows if row] == [item.id for item in ledger.items()]
    assert set(review.items(["b.png", "nowhere.png"])) == {"b.png"}
    assert review.readable() == 7


def test_classes_are_added_to_those_that_the_run_began_with(ledger):
    ledger.remember("class_names", '["cat", "dog"]')
    ledger.add_class("cow", who="ann")
    ledger.add_class("dog", who="ann")
    ledger.add_class("cow", who="bob")
    ledger.add_class("ant", who="bob")
    assert ledger.class_names() == ("cat", "dog", "cow", "ant"), "in the order in which they came"
    with pytest.raises(DataError, match="the class '' is empty"):
        ledger.add_class("", who="ann")


def test_copies_with_other_labels(ledger):
    """Whoever gave them, and whether in one go or not; until the labels are the same."""
    ledger.remember("class_names", '["cat", "dog"]')
    ledger.add_items([(id, "same", None) for id in ("x.png", "y.png", "z.png")])
    ledger.tell({"a.png": "cat", "b.png": "dog", "x.png": "cat", "z.png": Answer.UNSURE}, who="ann", cycle=0)
    assert ledger.review.differing_copies() == [], "others have other bytes, and unsure is no label"
    ledger.tell({"y.png": "dog"}, who="bob", cycle=0)
    assert ledger.review.differing_copies() == [("x.png", "y.png")]
    ledger.tell({"z.png": "dog"}, who="ann", cycle=0)
    assert ledger.review.differing_copies() == [("x.png", "y.png", "z.png")]
    ledger.classes.merge("dog", "cat", who="ann")
    assert ledger.review.differing_copies() == []


def test_copies_with_other_objects(ledger):
    ledger.remember("task", "detection")
    ledger.add_items([(id, "same", None) for id in ("x.png", "y.png")])
    first = Boxes(((0, 0, 9, 9), (4, 4, 20, 20)), ("cat", "dog"))
    again = Boxes(((4, 4, 20, 21), (0, 0, 9, 9)), ("dog", "cat"))
    ledger.tell({"x.png": first.to_label(), "y.png": again.to_label()}, who="ann", cycle=0)
    assert ledger.review.differing_copies() == [], "nobody draws the same pixels twice, or in one order"
    ledger.tell({"y.png": Boxes().to_label()}, who="ann", cycle=0)
    assert ledger.review.differing_copies() == [("x.png", "y.png")]

"""What is told, corrected and undone, and what then stands."""

from threading import Thread
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncenet.errors import LedgerError, UnknownName
from ncenet.ledger import Answer, Ledger


def test_labels_come_back_in_the_order_in_which_they_arrived(ledger):
    ledger.tell({"c.png": "cat", "a.png": "dog"}, who="ann", cycle=0)
    ledger.tell({"b.png": "cat"}, who="ann", cycle=1)
    assert ledger.labeled() == [("c.png", "cat"), ("a.png", "dog"), ("b.png", "cat")]
    assert ledger.last_seq() == 3


def test_skip_and_unsure_close_an_image_without_labelling_it(ledger):
    ledger.tell({"a.png": Answer.SKIP, "b.png": Answer.UNSURE, "c.png": "cat"}, who="ann", cycle=0)
    assert ledger.labeled() == [("c.png", "cat")]
    assert ledger.closed_ids() == {"a.png", "b.png", "c.png"}


def test_a_correction_is_a_later_answer_and_the_earlier_one_is_kept(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    before = ledger.last_seq()
    ledger.tell({"b.png": "dog"}, who="ann", cycle=0)
    ledger.tell({"a.png": "dog"}, who="bob", cycle=2)
    assert ledger.labeled() == [("b.png", "dog"), ("a.png", "dog")]
    assert ledger.labeled(upto=before) == [("a.png", "cat")]
    assert [(e.who, e.label, e.cycle) for e in ledger.events()] == [
        ("ann", "cat", 0),
        ("ann", "dog", 0),
        ("bob", "dog", 2),
    ]
    assert ledger.events(after=2)[0].hash == "hash-a"


def test_an_undo_brings_back_the_answer_before(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    ledger.tell({"a.png": "dog"}, who="ann", cycle=0)
    ledger.undo("a.png", who="bob")
    assert ledger.labeled() == [("a.png", "cat")]
    assert ledger.labeled(upto=2) == [("a.png", "dog")], "an undo is an event too: it has not happened yet"
    ledger.undo("a.png", who="bob")
    assert ledger.labeled() == [] and ledger.closed_ids() == set()
    with pytest.raises(LedgerError, match=r"'a\.png' has no answer to undo"):
        ledger.undo("a.png", who="bob")
    assert [(e.kind, e.who, e.undoes) for e in ledger.events(after=2)] == [
        ("undo", "bob", 2),
        ("undo", "bob", 1),
    ]


def test_what_is_taken_back_by_telling_is_taken_back_once(ledger):
    for label in ("cat", "dog", "cow"):
        ledger.tell({"a.png": label}, who="ann", cycle=0)
    assert ledger.tell({"a.png": None, "b.png": "cat"}, who="bob", cycle=0) == {"a.png", "b.png"}
    assert ledger.tell({"a.png": None, "b.png": "cat"}, who="bob", cycle=0) == frozenset()
    assert ledger.labeled() == [("a.png", "dog"), ("b.png", "cat")]
    assert ledger.tell({"a.png": None}, who="ann", cycle=0) == {"a.png"}, "another annotator"
    ledger.tell({"a.png": "cow"}, who="bob", cycle=0)
    assert ledger.tell({"a.png": None}, who="bob", cycle=0) == {"a.png"}, "a newer answer"
    assert ledger.labeled() == [("a.png", "cat"), ("b.png", "cat")]


def test_answers_and_their_taking_back_are_one_transaction(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    for wrong in ({"z.png": "dog"}, {"z.png": None}, {"c.png": None}, {"c.png": ""}):
        with pytest.raises(LedgerError, match=r"not an image|no answer to undo|empty label"):
            ledger.tell({"a.png": None, "b.png": "dog", **wrong}, who="ann", cycle=0)
    assert [(event.id, event.kind) for event in ledger.events()] == [("a.png", "answer")]


def test_a_transaction_holds_others_back_and_is_all_or_nothing(ledger):
    def tell():
        with Ledger(ledger.file) as other:
            other.tell({"a.png": "dog"}, who="bob", cycle=0)

    with ledger.transaction():
        other = Thread(target=tell)
        other.start()
        sleep(0.2)
        assert ledger.labeled() == [], "bob waits"
        ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
        with pytest.raises(LedgerError, match="no answer to undo"):  # a part may fail, and leaves nothing
            ledger.tell({"b.png": "cat", "c.png": None}, who="ann", cycle=0)
    other.join()
    assert [(event.id, event.who) for event in ledger.events()] == [("a.png", "ann"), ("a.png", "bob")]
    with pytest.raises(RuntimeError, match="enough"), ledger.transaction():
        ledger.tell({"b.png": "cat"}, who="ann", cycle=0)
        ledger.undo("a.png", who="ann")
        raise RuntimeError("enough")
    assert ledger.last_seq() == 2


def test_what_the_same_annotator_repeats_is_recorded_once(ledger):
    ledger.tell({"a.png": "cat", "b.png": Answer.SKIP}, who="ann", cycle=0)
    ledger.tell({"a.png": "cat", "b.png": Answer.SKIP, "c.png": "dog"}, who="ann", cycle=0)
    assert ledger.last_seq() == 3
    ledger.tell({"a.png": "cat"}, who="bob", cycle=0)
    assert ledger.last_seq() == 4, "another annotator who agrees is news"


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ({"z.png": "cat"}, LedgerError, r"'z\.png' is not an image of this pool"),
        ({"b.png": ""}, LedgerError, r"'b\.png': empty label"),
        ({"b.png": "dgo"}, UnknownName, r"'b\.png': unknown class 'dgo': did you mean 'dog'\?"),
    ],
)
def test_tell_is_all_or_nothing(ledger, answers, error, message):
    with pytest.raises(error, match=message):
        ledger.tell({"a.png": "cat"} | answers, who="ann", cycle=0, classes=["cat", "dog"])
    assert ledger.labeled() == [] and ledger.last_seq() == 0


def test_an_unreadable_image_takes_no_answer(ledger):
    ledger.add_items([("bad.png", "0", "truncated")])
    with pytest.raises(LedgerError, match=r"'bad\.png' cannot be labelled, it cannot be read: truncated"):
        ledger.tell({"bad.png": "cat"}, who="ann", cycle=0)


ACTIONS = st.tuples(st.sampled_from("abc"), st.sampled_from(["cat", "dog", Answer.SKIP, "undo"]))


@given(actions=st.lists(ACTIONS, max_size=25))
def test_history_as_of_any_event_is_what_a_plain_stack_per_image_says(tmp_path_factory, actions):
    with Ledger(tmp_path_factory.mktemp("history") / "ledger.sqlite") as ledger:
        ledger.add_items([(letter, letter, None) for letter in "abc"])
        stacks = {letter: [] for letter in "abc"}  # per image: (seq, answer) that nobody has undone
        expected = {0: []}
        for letter, action in actions:
            stack = stacks[letter]
            if action == "undo":
                if stack:
                    ledger.undo(letter, who="ann")
                    stack.pop()
            else:
                ledger.tell({letter: action}, who="ann", cycle=0)
                if not stack or stack[-1][1] != action:
                    stack.append((ledger.last_seq(), action))
            tops = sorted((stack[-1], letter) for letter, stack in stacks.items() if stack)
            expected[ledger.last_seq()] = [
                (letter, answer) for (_, answer), letter in tops if answer is not Answer.SKIP
            ]
        assert {seq: ledger.labeled(upto=seq) for seq in expected} == expected
        assert ledger.labeled() == expected[ledger.last_seq()]
        assert ledger.closed_ids() == {letter for letter, stack in stacks.items() if stack}

"""Who gets which image: in the order of the query, one annotator at a time, leases that end."""

import pytest

from ncenet.ledger import Answer, Ledger
from ncenet.ledger.provenance import HELD_OUT, TYPICAL, by_strategy
from ncenet.types import Query
from ncenet.web.assignments import LEASE_SECONDS, Desk


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items([(f"{n}", f"hash-{n}", "broken" if n == 9 else None) for n in range(10)])
        ledger.record_query(0, HELD_OUT, Query(("7", "8"), (0.0, 0.0)))
        ledger.record_query(0, TYPICAL, Query(("3", "9", "1", "5"), (0.0,) * 4))
        yield ledger


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(ledger, clock):
    return Desk(ledger, clock=clock)


def ids(turns):
    return [turn.id for turn in turns]


def test_held_out_images_come_first_and_broken_ones_never(desk):
    assert ids(desk.give("w1", "ann", [], 9)) == ["7", "8", "3", "1", "5"]


def test_a_turn_says_who_asked(desk):
    first, *_, last = desk.give("w1", "ann", [], 9)
    assert (first.asked, first.hash) == (HELD_OUT, "hash-7")
    assert last.asked == TYPICAL


def test_no_image_is_on_two_desks(desk):
    assert ids(desk.give("w1", "ann", [], 2)) == ["7", "8"]
    assert ids(desk.give("w2", "bob", [], 2)) == ["3", "1"]
    assert ids(desk.give("w3", "ann", [], 9)) == ["5"], "another window of ann's is another desk"


def test_what_a_window_holds_stays_with_it_in_its_order(desk):
    desk.give("w1", "ann", [], 3)
    assert ids(desk.give("w1", "ann", ["3", "8"], 3)) == ["3", "8", "7"]
    assert ids(desk.give("w2", "bob", ["3", "8"], 9)) == ["1", "5"], "what others hold can't be claimed"


def test_what_a_window_no_longer_holds_is_free(desk):
    desk.give("w1", "ann", [], 5)
    assert ids(desk.give("w1", "ann", ["5"], 1)) == ["5"]
    assert ids(desk.give("w2", "bob", [], 9)) == ["7", "8", "3", "1"]


def test_a_window_that_is_not_heard_of_loses_its_images(desk, clock):
    desk.give("w1", "ann", [], 2)
    clock.now = LEASE_SECONDS - 1
    assert ids(desk.give("w2", "bob", [], 1)) == ["3"]
    clock.now = LEASE_SECONDS + 1
    assert ids(desk.give("w2", "bob", ["3"], 3)) == ["3", "7", "8"]


def test_answered_images_leave_whatever_the_answer_and_come_back_when_it_is_undone(desk, ledger):
    ledger.tell({"7": Answer.SKIP, "8": "cat"}, who="ann", cycle=0)
    desk.settle("7")
    desk.settle("8")
    assert len(desk) == 3 and "7" not in desk
    ledger.undo("7", who="ann")
    desk.settle("7")
    assert ids(desk.give("w1", "ann", [], 9)) == ["7", "3", "1", "5"], "in front of all others"


def test_several_annotators_each_answer_once(ledger, clock):
    desk = Desk(ledger, overlap=2, clock=clock)
    assert ids(desk.give("w1", "ann", [], 1)) == ids(desk.give("w2", "bob", [], 1)) == ["7"]
    assert ids(desk.give("w3", "cid", [], 1)) == ["8"], "two are at it"
    ledger.tell({"7": "cat"}, who="ann", cycle=0)
    desk.settle("7")
    assert ids(desk.give("w4", "dan", [], 1)) == ["8"], "ann has answered and bob is at it"
    desk.give("w4", "dan", [], 0)
    assert ids(desk.give("w1", "ann", [], 1)) == ["8"], "ann has answered it"
    assert ids(desk.give("w2", "bob", ["7"], 1)) == ["7"]
    ledger.tell({"7": "dog"}, who="bob", cycle=0)
    desk.settle("7")
    assert "7" not in desk


def test_an_answer_that_its_window_still_holds_counts_once(ledger, clock):
    desk = Desk(ledger, overlap=2, clock=clock)
    desk.give("w1", "ann", [], 1)
    ledger.tell({"7": "cat"}, who="ann", cycle=0)
    desk.settle("7")
    assert ids(desk.give("w2", "bob", [], 1)) == ["7"]


def test_one_annotator_with_two_windows_counts_once(ledger, clock):
    desk = Desk(ledger, overlap=2, clock=clock)
    assert ids(desk.give("w1", "ann", [], 1)) == ["7"]
    assert ids(desk.give("w2", "ann", [], 1)) == ["8"]


def test_a_new_query_replaces_what_is_left_of_the_one_before(desk, ledger):
    ledger.tell({"7": "cat", "8": "cat", "6": "cat"}, who="ann", cycle=0)
    ledger.record_query(1, by_strategy("rejection"), Query(("6", "2", "5"), (3.0, 2.0, 1.0)))
    desk.reload()
    assert ids(desk.give("w1", "ann", [], 9)) == ["2", "5"]


class TestOverlap:
    """What one has answered goes to another before anything new."""

    @pytest.fixture
    def begun(self, ledger):
        """Ann has answered what was asked, and a model asks for other images."""
        ledger.tell({"7": "cat", "8": "cat", "3": "cat", "1": Answer.SKIP, "5": "dog"}, who="ann", cycle=0)
        ledger.record_query(1, by_strategy("rejection"), Query(("6", "2", "0"), (3.0, 2.0, 1.0)))
        return ledger

    def test_a_new_query_leaves_no_image_with_one_answer(self, begun):
        desk = Desk(begun, overlap=2)
        assert ids(desk.give("w1", "ann", [], 9)) == ["6", "2", "0"], "nobody gets their own again"
        turns = desk.give("w2", "bob", [], 9)
        assert ids(turns) == ["7", "8", "3", "1", "5", "6", "2", "0"], "a skip is an answer, not the second"
        asked = {(str(turn.asked), turn.cycle) for turn in turns[2:5]}
        assert asked == {("typical", 0)}, "whoever asked first"

    def test_while_the_server_runs_too(self, ledger):
        desk = Desk(ledger, overlap=2)
        ledger.tell({"7": "cat", "3": "cat"}, who="ann", cycle=0)
        ledger.record_query(1, by_strategy("rejection"), Query(("6", "2"), (3.0, 2.0)))
        desk.reload()
        assert ids(desk.give("w2", "bob", [], 9)) == ["7", "8", "3", "6", "2"]

    def test_enough_answers_are_enough(self, begun):
        begun.tell({"3": "dog", "1": "dog"}, who="bob", cycle=1)
        begun.undo("1", who="bob")
        assert ids(Desk(begun, overlap=2).give("w3", "cid", [], 9)) == ["7", "8", "1", "5", "6", "2", "0"]
        three = Desk(begun, overlap=3)
        assert ids(three.give("w3", "cid", [], 4)) == ["7", "8", "3", "1"]
        assert ids(three.give("w2", "bob", [], 9)) == ["7", "8", "1", "5", "6", "2", "0"]

    def test_for_one_answer_each_nothing_is_shown_again(self, begun):
        assert ids(Desk(begun).give("w2", "bob", [], 9)) == ["6", "2", "0"]

    def test_what_was_imported_unasked_is_not_shown_again(self, begun):
        begun.tell({"4": "cat"}, who="import", cycle=0)
        assert "4" not in Desk(begun, overlap=2)

"""Cycles, fits and queries."""

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Cycle, Delivery, Ledger, RecordedQuery
from ncenet.ledger.inbox import Together
from ncenet.ledger.provenance import by_strategy
from ncenet.types import Query

QUERY = Query(("c.png", "a.png", "b.png"), (0.3, 0.1 + 0.2, -1.0))


def test_a_cycle_remembers_what_its_fit_learned_from_and_what_the_fit_did(ledger):
    assert ledger.cycles() == []
    assert ledger.start_cycle(upto=4) == 1
    assert ledger.fit_report(1) is None
    ledger.finish_fit(1, {"loss": 0.5, "details": {"radius": [1.0, 2.0]}})
    assert ledger.start_cycle(upto=9) == 2
    assert ledger.cycles() == [Cycle(1, 4), Cycle(2, 9)]
    assert ledger.fit_report(1) == {"loss": 0.5, "details": {"radius": [1.0, 2.0]}}


def test_fits_finish_once_and_in_order(ledger):
    with pytest.raises(LedgerError, match="cycle 1 was never started"):
        ledger.finish_fit(1, {})
    ledger.start_cycle(upto=0)
    with pytest.raises(LedgerError, match="the fit of cycle 1 has not finished"):
        ledger.start_cycle(upto=0)
    ledger.finish_fit(1, {})
    with pytest.raises(LedgerError, match="the fit of cycle 1 has finished already"):
        ledger.finish_fit(1, {})


def test_a_query_comes_back_exactly(ledger):
    assert ledger.latest_query() is None
    recorded = ledger.record_query(1, by_strategy("rejection"), QUERY)
    assert recorded == RecordedQuery(1, 1, by_strategy("rejection"), QUERY)
    assert ledger.latest_query() == recorded
    other = ledger.record_query(2, by_strategy("random"), Query(("d.png",), (0.5,)))
    assert ledger.latest_query() == other
    assert ledger.latest_query(cycle=1) == recorded
    assert ledger.latest_query(cycle=7) is None


def test_open_ids_are_those_without_a_standing_answer(ledger):
    recorded = ledger.record_query(1, by_strategy("rejection"), QUERY)
    ledger.tell({"a.png": "cat", "f.png": "dog"}, who="ann", cycle=1)
    assert ledger.open_ids(recorded) == ["c.png", "b.png"]
    ledger.undo("a.png", who="ann")
    ledger.undo("f.png", who="ann")
    assert ledger.open_ids(recorded) == ["c.png", "a.png", "b.png"]


def test_a_query_for_an_unknown_image_is_refused_whole(ledger):
    with pytest.raises(LedgerError, match=r"'z\.png' is not an image of this pool"):
        ledger.record_query(1, by_strategy("mine"), Query(("a.png", "z.png"), (1.0, 0.0)))
    assert ledger.latest_query() is None


def test_dump_tells_runs_apart_by_what_happened_and_not_by_when(tmp_path, ledger):
    def live(ledger, seconds, loss):
        ledger.tell({"a.png": "cat"}, who="oracle", cycle=0)
        together = Together("a-group", 3, 1, 0.9, "copies", of="a.png")
        delivery = Delivery("key", "ann", "b.png", "cat", seconds=seconds, together=together)
        ledger.inbox.deliver([delivery], cycle=0)
        ledger.again.cross(["a.png"], "dog", "ann")
        ledger.again.ask(["b.png"], "check")
        ledger.add_class("cow", who="ann")
        ledger.remember("recipe", "abc")
        ledger.start_cycle(ledger.last_seq())
        ledger.finish_fit(1, {"seconds": seconds, "loss": loss, "details": {"seconds": seconds}})
        ledger.record_query(1, by_strategy("rejection"), QUERY)
        ledger.places.add([("a.png", "day", 0)])
        ledger.notes.write("a.png", "blurred", who="ann")
        return ledger.dump()

    def other(name):
        twin = Ledger(tmp_path / name)
        twin.add_items(ledger.items())
        return twin

    with other("same") as same, other("different") as different:
        dump = live(ledger, 1.0, 0.5)
        assert live(same, 2.0, 0.5) == dump
        assert live(different, 1.0, 0.6) != dump
    assert set(dump) == {
        *("facts", "items", "classes", "events", "receipts", "cycles", "fits", "queries", "queried"),
        *("together", "parties", "crossed", "again", "class_changes", "places", "notes"),
    }
    assert all(rows for table, rows in dump.items() if table != "class_changes"), "every table is in the dump"


def test_a_fact_of_the_run_can_not_change(ledger):
    assert ledger.recall("recipe") is None
    ledger.remember("recipe", "abc")
    ledger.remember("recipe", "abc")
    with pytest.raises(LedgerError, match="begun with recipe abc, not xyz"):
        ledger.remember("recipe", "xyz")
    assert ledger.recall("recipe") == "abc"

"""Held-out images: asked first, measured on, never learned from."""

from __future__ import annotations

import json

import pytest

from ncenet.data.pools import ArrayPool
from ncenet.ledger import Answer, Ledger
from ncenet.loop.held_out import HELD_OUT, draw_held_out, held_out_test
from ncenet.rng import Streams
from tests.loop.fakes import CLASSES


@pytest.fixture
def held(make):
    """A loop with eight held-out images, and their ids."""
    ledger = make().ledger
    ids = draw_held_out(ledger, 8, Streams(0))
    return make(held_out=ids), ids


def tell(loop, ids, label="ant"):
    loop.tell(dict.fromkeys(ids, label), who="ann")


def test_they_are_asked_before_all_others_whatever_the_size(held):
    loop, ids = held
    assert loop.ask(2).ids == ids
    tell(loop, ids[:5])
    assert loop.ask(2).ids == ids[5:]
    loop.tell(dict.fromkeys(ids[5:], Answer.SKIP), who="ann")
    first = loop.ask(4)
    assert len(first) == 4 and not set(first.ids) & set(ids)


def test_they_never_train_and_their_labels_alone_start_no_fit(held):
    loop, ids = held
    tell(loop, ids)
    first = loop.ask(4)
    assert loop.learner.fits == []
    tell(loop, first.ids)
    loop.ask(4)
    assert [set(labeled) for _, labeled in loop.learner.fits] == [set(first.ids)]
    tell(loop, ids[:1], "bee")
    loop.ask(4)
    assert len(loop.learner.fits) == 1, "a corrected held-out label teaches nothing"


def test_no_query_takes_one(held):
    loop, ids = held
    tell(loop, loop.query(5).ids)
    everything = loop.query(100)
    assert len(everything) == 30 - 8 - 5 and not set(everything.ids) & set(ids)


def test_every_fit_is_tested_on_those_that_have_a_label(held):
    loop, ids = held
    tell(loop, ids[:6])
    tell(loop, loop.query(5).ids)
    loop.query(5)
    record = json.loads((loop.folder.cycle(1) / "test.json").read_text())
    assert (record["images"], record["labeled"]) == (6, 5)


def test_the_draw_is_random_recorded_and_made_once(make):
    ledger = make().ledger
    first = draw_held_out(ledger, 8, Streams(0))
    assert first != tuple(sorted(first)) and len(set(first)) == 8
    assert draw_held_out(ledger, 5, Streams(1)) == first
    assert ledger.latest_query(0).strategy == HELD_OUT
    assert ledger.latest_query(0, besides=[HELD_OUT]) is None


def test_what_was_answered_or_cannot_be_read_is_not_drawn_and_half_is_the_most(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items([(f"{n}", "hash", "broken" if n < 4 else None) for n in range(20)])
        ledger.tell({f"{n}": "ant" for n in range(4, 10)}, who="ann", cycle=0)
        assert set(draw_held_out(ledger, 100, Streams(0))) < {f"{n}" for n in range(10, 20)}
        assert len(draw_held_out(ledger, 100, Streams(0))) == 5


def test_none_are_set_aside_unless_asked_for(make):
    ledger = make().ledger
    assert draw_held_out(ledger, 0, Streams(0)) == ()
    assert ledger.latest_query() is None


def test_a_test_set_needs_a_label(make, pool: ArrayPool):
    ledger = make().ledger
    ids = draw_held_out(ledger, 8, Streams(0))
    assert held_out_test(ledger, pool, ids, CLASSES) is None
    ledger.tell({ids[3]: "bee"}, who="ann", cycle=0)
    test = held_out_test(ledger, pool, ids, CLASSES)
    assert (list(test.ids), test.targets) == ([ids[3]], (1,))

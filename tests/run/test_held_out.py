"""Held-out images: asked first, measured on, never learned from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ncenet.data.pools import ArrayPool
from ncenet.errors import UnreadableImage
from ncenet.ledger import Answer, Ledger
from ncenet.ledger.provenance import HELD_OUT, MODEL_OR_STAND_IN
from ncenet.rng import Streams
from ncenet.run.held_out import (
    EVERY,
    FIRST,
    draw_held_out,
    held_out_ids,
    held_out_test,
    interleaved,
    set_apart,
)
from ncenet.run.record_files import read_predicted, read_test
from ncenet.types import Query
from tests.loop.fakes import CLASSES


@pytest.fixture
def held(make):
    """A loop with eight held-out images, and their ids."""
    ledger = make().ledger
    ids = drawn(ledger, 8)
    return make(), ids


def drawn(ledger, size, seed=0):
    draw_held_out(ledger, size, Streams(seed))
    return held_out_ids(ledger)


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
    tell(loop, loop.ask(5, held_out_first=False).ids)
    everything = loop.ask(100, held_out_first=False)
    assert len(everything) == 30 - 8 - 5 and not set(everything.ids) & set(ids)


def test_every_fit_is_tested_on_those_that_have_a_label(held):
    loop, ids = held
    tell(loop, ids[:6])
    tell(loop, loop.ask(5, held_out_first=False).ids)
    loop.ask(5, held_out_first=False)
    record = json.loads((loop.folder.cycle(1).path / "test.json").read_text())
    assert (record["images"], record["labeled"]) == (6, 5)


def test_the_draw_is_random_recorded_and_made_once(make):
    ledger = make().ledger
    first = drawn(ledger, 8)
    assert first != tuple(sorted(first)) and len(set(first)) == 8
    assert drawn(ledger, 5, seed=1) == first
    assert ledger.latest_query(0).asked == HELD_OUT
    assert ledger.latest_query(0, among=MODEL_OR_STAND_IN) is None


def test_what_was_answered_or_cannot_be_read_is_not_drawn_and_half_is_the_most(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items([(f"{n}", f"hash {n}", "broken" if n < 4 else None) for n in range(20)])
        ledger.tell({f"{n}": "ant" for n in range(4, 10)}, who="ann", cycle=0)
        ids = drawn(ledger, 100)
        assert set(ids) < {f"{n}" for n in range(10, 20)} and len(ids) == 5


def test_none_are_set_aside_unless_asked_for(make):
    ledger = make().ledger
    assert drawn(ledger, 0) == ()
    assert ledger.latest_query() is None


def test_a_test_set_needs_a_label(make, pool: ArrayPool):
    ledger = make().ledger
    ids = drawn(ledger, 8)
    assert held_out_test(ledger, pool, CLASSES) is None
    ledger.tell({ids[3]: "bee"}, who="ann", cycle=0)
    test = held_out_test(ledger, pool, CLASSES)
    assert (list(test.ids), test.targets) == ([ids[3]], (1,))


class TestCopies:
    """Ten images, three times each: ``3``, ``13`` and ``23`` have the same bytes."""

    @pytest.fixture
    def pool(self):
        return ArrayPool(np.arange(30, dtype=np.uint8).reshape(30, 1, 1, 1) % 10, [f"{n}" for n in range(30)])

    def test_images_are_held_out_once_and_copies_of_answered_ones_not_at_all(self, make):
        ledger = make().ledger
        ledger.tell({"13": "ant"}, who="ann", cycle=0)
        ids = drawn(ledger, 100)
        assert len(ids) == 4, "half of the nine images that are left"
        assert set(ids) < {"0", "1", "2", "4", "5", "6", "7", "8", "9"}

    def test_those_of_held_out_images_are_never_asked_for(self, make):
        ids = drawn(make().ledger, 4)
        loop = make()
        tell(loop, ids)
        tell(loop, loop.ask(6).ids)
        rest = loop.ask(100)
        assert len(rest) == 30 - 3 * 4 - 6
        assert not {int(id) % 10 for id in rest.ids} & {int(id) % 10 for id in ids}

    def test_what_is_said_of_one_is_kept_and_not_learned(self, make):
        (held_out, *_) = drawn(make().ledger, 4)
        loop = make()
        copy, other = (
            f"{int(held_out) + 10}",
            next(id for id in loop.pool.ids() if id not in set_apart(loop.ledger)),
        )
        tell(loop, [copy])
        assert loop.labeled() == [] and loop.ledger.labeled() == [(copy, "ant")]
        tell(loop, [other])
        loop.fit()
        assert loop.learner.fits == [(1, [other])]

    def test_a_draw_that_held_out_copies_stands_and_the_run_goes_on_without_those_it_learned(self, make):
        ledger = make().ledger
        ledger.record_query(0, HELD_OUT, Query(("1", "11"), (0.0, 0.0)))
        ledger.tell({"21": "ant", "2": "bee"}, who="ann", cycle=0)
        ledger.finish_fit(ledger.start_cycle(ledger.last_seq()), {})
        loop = make()
        model = loop.folder.cycle(1).model
        model.parent.mkdir(parents=True)
        model.write_text('{"labels": {}}')
        assert drawn(ledger, 5) == ("1", "11")
        assert loop.ask(1).ids == ("1", "11")
        assert loop.fit() == 1, "it is no new lesson that a label is not learned any more"
        tell(loop, ["3"])
        assert loop.fit() == 2
        assert loop.learner.fits == [(2, ["2", "3"])]


class TestInterleaved:
    """On the page some come first, and the others in between."""

    def test_nobody_meets_all_of_them_before_the_first_batch(self):
        measuring, others = [f"h{n}" for n in range(50)], [f"p{n}" for n in range(25)]
        order = interleaved(measuring, others, measured=0, told=0)
        assert sorted(order) == sorted([*measuring, *others])
        assert order[:FIRST] == measuring[:FIRST]
        assert order[: order.index("p24") + 1].count("p24") == 1
        assert order.index("p24") + 1 == FIRST + 25 + 24 // EVERY
        assert order[order.index("p24") + 1 :] == measuring[FIRST + 24 // EVERY :], "rather than nothing"

    @pytest.mark.parametrize("after", range(0, 60, 7))
    def test_it_goes_on_where_it_was(self, after):
        measuring, others = [f"h{n}" for n in range(30)], [f"p{n}" for n in range(40)]
        whole = interleaved(measuring, others, measured=0, told=0)
        done = set(whole[:after])
        rest = interleaved(
            [id for id in measuring if id not in done],
            [id for id in others if id not in done],
            measured=len(done & set(measuring)),
            told=len(done & set(others)),
        )
        assert rest == whole[after:]


class TestLabelsThatComeLater:
    """All models can be held against the same images, whenever those got their labels."""

    def test_what_a_model_says_of_them_is_kept_and_measures_nothing_yet(self, held):
        loop, ids = held
        tell(loop, ids[:3])
        tell(loop, loop.ask(4, held_out_first=False).ids)
        loop.fit()
        files = loop.folder.cycle(1)
        assert read_test(files).images == 3
        rows = {row.id: row.label for row in read_predicted(files)}
        assert rows == dict.fromkeys(ids[:3], "ant") | dict.fromkeys(ids[3:])

    def test_answers_that_name_no_class_get_no_label_later(self, held):
        loop, ids = held
        tell(loop, ids[:3])
        loop.tell({ids[3]: Answer.SKIP}, who="ann")
        tell(loop, loop.ask(4, held_out_first=False).ids)
        loop.fit()
        assert ids[3] not in {row.id for row in read_predicted(loop.folder.cycle(1))}

    def test_one_that_is_gone_is_left_out_and_holds_up_no_fit(self, held, monkeypatch):
        loop, ids = held
        tell(loop, ids[:3])
        tell(loop, loop.ask(4, held_out_first=False).ids)
        predict = type(loop.learner).predict

        def without_one(self, pool, wanted, *, want):
            if ids[5] in wanted:
                raise UnreadableImage(ids[5], "gone")
            return predict(self, pool, wanted, want=want)

        monkeypatch.setattr(type(loop.learner), "predict", without_one)
        loop.fit()
        assert {row.id for row in read_predicted(loop.folder.cycle(1))} == set(ids) - {ids[5]}

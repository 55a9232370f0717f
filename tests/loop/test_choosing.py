"""Whether choosing is worth it: what chosen labels taught, beside as many random ones."""

from __future__ import annotations

import pytest

from ncenet.compare.read import read_run
from ncenet.loop.choosing import LEAST, chosen_and_random, compare_choosing
from ncenet.loop.open import open_loop
from ncenet.report.sections.run import choosing
from ncenet.run.askers import who_asked
from ncenet.run.held_out import held_out_ids
from ncenet.run.record_files import last_choosing
from ncenet.run.records import Choosing
from tests.loop.vectors import NAMES, photographs
from tests.loop.vectors import recipe as on_vectors

IDS = [f"{n:03}.png" for n in range(110)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Photographs, every other one a bee, with vectors that tell."""
    return photographs(tmp_path_factory.mktemp("choosing"), IDS)


def recipe(photos, **changes):
    return on_vectors(photos, **{"loop.held_out": 30} | changes)


def answer(loop, ids):
    loop.tell({id: NAMES[int(id[:3]) % 2] for id in ids}, who="ann")


def test_two_heads_of_as_many_labels_name_random_images_that_neither_learned(photos, tmp_path):
    loop, _ = open_loop(recipe(photos), tmp_path / "run")
    with loop.ledger:
        answer(loop, loop.ask(30).ids)
        for _ in range(2):
            answer(loop, loop.ask(20).ids)
        cycle = loop.fit()
        chosen, random = chosen_and_random(loop.ledger)
        assert set(random) == set(held_out_ids(loop.ledger)) and len(chosen) == 40
        assert list(chosen)[:20] == list(loop.ledger.queries()[1].query.ids), "in the order of the answers"
        found = compare_choosing(loop, cycle)
        assert (found.cycle, found.labeled, found.images) == (cycle, 24, 30), "four fifths of the random ones"
        assert min(found.chosen, found.random) >= 20, "both have learned something"
        assert max(0, found.chosen + found.random - 30) <= found.both <= min(found.chosen, found.random)
        assert last_choosing(loop.folder.cycles()) == found
        assert compare_choosing(loop, cycle) is None, "anew when a fifth more are there"
        loop.folder.cycle(cycle).choosing.write_bytes(b"{")
        assert compare_choosing(loop, cycle) == found, "in the place of a damaged one"
    (note,) = choosing(read_run(tmp_path / "run")).blocks
    assert "of 30 random images a model of the first 24 chosen labels" in note.text


def test_from_few_random_images_and_of_a_network_nothing_is_said(photos, tmp_path):
    few, _ = open_loop(recipe(photos, **{"loop.held_out": LEAST - 1}), tmp_path / "few")
    with few.ledger:
        answer(few, few.ask(30).ids)
        answer(few, few.ask(30).ids)
        assert compare_choosing(few, few.fit()) is None
    drawn, _ = open_loop(recipe(photos, **{"loop.first": "random"}), tmp_path / "drawn")
    with drawn.ledger:
        answer(drawn, drawn.ask(30).ids)
        answer(drawn, drawn.ask(30).ids)
        assert chosen_and_random(drawn.ledger)[0] == {}
        assert compare_choosing(drawn, drawn.fit()) is None, "nobody has chosen anything yet"
    steps = {"model.features": None, "train.epochs": 1, "train.min_steps": 1}
    small, _ = open_loop(recipe(photos, **steps), tmp_path / "network")
    with small.ledger:
        answer(small, small.ask(30).ids)
        answer(small, small.ask(10).ids)
        assert compare_choosing(small, small.fit()) is None


def test_it_is_the_last_query_before_the_answer_that_had_asked(photos, tmp_path):
    """What is left over of a long query, and drawn by chance later, was chosen by nobody."""
    loop, _ = open_loop(recipe(photos, **{"loop.held_out": 0, "loop.first": "random"}), tmp_path / "run")
    from ncenet.ledger.provenance import INITIAL, MEANWHILE, by_strategy
    from ncenet.types import Query

    with loop.ledger as ledger:
        first = loop.ask(4).ids
        answer(loop, first[:3])
        cycle = ledger.start_cycle(ledger.last_seq())
        others = [id for id in IDS if id not in first][:3]
        number = ledger.cycles()[-1].number
        ledger.record_query(number, by_strategy("herding"), Query(tuple(others), (0.0,) * 3))
        ledger.record_query(number, MEANWHILE, Query((others[2], first[3]), (0.0,) * 2))
        answer(loop, [others[2], first[3], others[0]])
        asked = who_asked(ledger)
        assert {asked[id] for id in first[:3]} == {INITIAL}
        assert asked[others[2]] == asked[first[3]] == MEANWHILE
        assert asked[others[0]] == by_strategy("herding") and others[1] not in asked
        assert list(asked) == [*first[:3], others[2], first[3], others[0]], (cycle, "in their order")


@pytest.mark.parametrize(
    ("chosen", "random", "both", "sign"), [(45, 30, 28, 1), (30, 45, 28, -1), (40, 38, 35, 0)]
)
def test_the_interval_tells_gain_from_chance(chosen, random, both, sign):
    low, high = Choosing(1, 40, 50, chosen, random, both).interval
    assert (low > 0) - (high < 0) == sign
    low, high = Choosing(1, 40, 50, 50, 50, 50).interval
    assert low < 0 < high, "no difference among fifty is no proof that there is none"

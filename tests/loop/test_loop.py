"""The ask/tell loop, with a learner that trains nothing."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from time import sleep

import pytest

import ncenet.functional as F
from ncenet.data.dataset import TestSet
from ncenet.errors import LedgerError, UnknownName, UsageError
from ncenet.ledger import Answer, Ledger
from ncenet.ledger.provenance import TYPICAL, by_strategy
from ncenet.run import advice as trust
from ncenet.strategies import strategies
from ncenet.types import Query, QueryStrategy
from tests.loop.fakes import CLASSES


def read_csv(file):
    return list(csv.DictReader(file.read_text().splitlines()))


def answer(loop, ids, label="ant"):
    loop.tell(dict.fromkeys(ids, label), who="ann")


def test_the_first_query_is_a_random_initial_set_and_trains_nothing(make):
    loop = make()
    query = loop.ask(5)
    assert len(set(query.ids)) == 5
    assert loop.learner.fits == []
    assert query.ids != tuple(loop.pool.ids()[:5]), "drawn, not the first ones"


def test_initial_set_depends_on_the_seed_alone(make, tmp_path):
    first = make(strategy="confusion").ask(5)
    (tmp_path / "ledger.sqlite").unlink()
    assert make(strategy="random").ask(5) == first
    (tmp_path / "ledger.sqlite").unlink()
    assert make(seed=1).ask(5) != first


def test_fitting_without_labels_is_refused(make):
    with pytest.raises(UsageError, match="answer a query first"):
        make().fit()


def test_one_class_alone_is_refused_before_anything_is_begun(make, pool):
    loop = make(class_names=("ant",))
    loop.tell(dict.fromkeys(list(pool.ids())[:3], "ant"), who="ann")
    with pytest.raises(UsageError, match=r"'ant' is the only class, and a model .* page of ncenet label"):
        loop.ask(2)
    assert loop.ledger.cycles() == []
    loop.ledger.add_class("bee", who="ann")
    assert len(loop.ask(2).ids) == 2, "as soon as there is another"


def test_the_queried_are_the_top_of_the_scored(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    query = loop.ask(4)
    learner = loop.learner
    scored = learner.predicted[-1]
    assert set(query.ids) <= set(scored)
    score = {id: float(F.confusion(learner.row(id))) for id in scored}
    assert [score[id] for id in query.ids] == sorted(score.values(), reverse=True)[:4]


def test_the_scored_are_the_pool_without_what_was_answered(make):
    loop = make()
    first = loop.ask(5).ids
    answer(loop, first[:3])
    loop.tell({first[3]: Answer.SKIP, first[4]: Answer.UNSURE}, who="ann")
    loop.ask(4)
    assert set(loop.learner.predicted[-1]) == set(loop.pool.ids()) - set(first)


def test_asking_again_without_answers_returns_the_same_query_and_fits_once(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    once = loop.ask(4)
    assert loop.ask(4) == once
    assert len(loop.learner.fits) == 1
    reopened = make()
    assert reopened.ask(4) == once, "a new process reads the ledger"
    assert reopened.learner.fits == []


def test_partial_answers_start_a_new_cycle_and_free_the_rest(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    asked = loop.ask(4).ids
    answer(loop, asked[:1], "bee")
    loop.ask(4)
    assert [cycle for cycle, _ in loop.learner.fits] == [1, 2]
    assert len(loop.learner.fits[1][1]) == 6
    assert set(asked[1:]) <= set(loop.learner.predicted[-1]), "unanswered images stay in the pool"


def test_a_skip_alone_asks_anew_without_training(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    asked = loop.ask(4)
    loop.tell({asked.ids[0]: Answer.SKIP}, who="ann")
    again = loop.ask(4)
    assert len(loop.learner.fits) == 1, "no new label, nothing new to learn"
    assert asked.ids[0] not in again.ids
    assert again.ids[:3] == asked.ids[1:]


def test_a_correction_is_learned(make):
    loop = make()
    first = loop.ask(5).ids
    answer(loop, first)
    loop.ask(4)
    answer(loop, first[:1], "cow")
    loop.ask(4)
    assert [cycle for cycle, _ in loop.learner.fits] == [1, 2]


def test_another_query_size_is_another_query(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    four = loop.ask(4)
    six = loop.ask(6)
    assert len(six) == 6
    assert six.ids[:4] == four.ids
    assert len(loop.learner.fits) == 1


def test_a_small_pool_gives_what_it_has_and_then_nothing(make):
    loop = make()
    answer(loop, loop.ask(25).ids)
    rest = loop.ask(10)
    assert len(rest) == 5
    answer(loop, rest.ids)
    assert len(loop.ask(10)) == 0


def test_a_strategy_that_gives_fewer_is_asked_once_until_there_are_answers(make):
    class Few(QueryStrategy):
        needs, asked = frozenset({"probs"}), 0

        def query(self, view, query_size, *, rng):
            self.asked += 1
            list(view.predictions())
            return Query(tuple(view.ids[self.asked : self.asked + 2]), (1.0, 0.5))

    few = Few()
    with strategies.temporarily(few=lambda: few):
        loop = make(strategy="few")
        answer(loop, loop.ask(5).ids)
        once = loop.ask(4)
        assert loop.ask(4) == once and len(once) == 2 and few.asked == 1
        assert make(strategy="few").ask(4) == once and few.asked == 1, "a new process reads it"
        loop.ask(6)
        assert few.asked == 2, "more are another query"
        loop.tell({loop.pool.ids()[-1]: Answer.SKIP}, who="ann")
        loop.ask(6)
        assert few.asked == 3, "another pool is another query"


def test_a_subset_of_the_pool_is_scored_and_drawn_anew_each_cycle(make):
    loop = make(pool_subset=8)
    answer(loop, loop.ask(5).ids)
    query = loop.ask(3)
    first = loop.learner.predicted[-1]
    assert len(first) == 8
    assert set(query.ids) <= set(first)
    record = json.loads((loop.folder.cycle(1).path / "query.json").read_text(encoding="utf-8"))
    assert (record["pool"], record["scored"]) == (25, 8), "of 30 images, 5 with a label"
    answer(loop, query.ids)
    loop.ask(3)
    assert set(loop.learner.predicted[-1]) != set(first)


def test_unknown_ids_and_classes_record_nothing(make):
    loop = make()
    ids = loop.ask(2).ids
    with pytest.raises(LedgerError, match="nowhere"):
        loop.tell({ids[0]: "ant", "nowhere": "ant"}, who="ann")
    with pytest.raises(UnknownName, match="did you mean 'bee'"):
        loop.tell({ids[0]: "ant", ids[1]: "bea"}, who="ann")
    assert loop.ledger.labeled() == []


def test_the_model_before_is_handed_over_for_warm_starts(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    answer(loop, loop.ask(4).ids)
    loop.fit()
    assert loop.learner.before == [None, loop.folder.cycle(1).path / "model.safetensors"]


def test_the_run_folder_says_what_was_asked(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    query = loop.ask(4)
    folder = loop.folder.cycle(1).path
    rows = read_csv(folder / "query.csv")
    assert [row["id"] for row in rows] == list(query.ids)
    assert [float(row["score"]) for row in rows] == list(query.scores)
    record = json.loads((folder / "query.json").read_text())
    assert (record["strategy"], record["size"], record["pool"]) == ("confusion", 4, 25)


def test_held_out_images_are_predicted_once_a_cycle(make, pool):
    ids = pool.ids()[:6]
    loop = make(test=TestSet(pool, ids, (0, 0, 1, 1, 2, 2), CLASSES))
    answer(loop, loop.ask(5).ids)
    loop.fit()
    loop.fit()
    assert loop.learner.predicted == [list(ids)]
    guesses = [int(loop.learner.row(id).argmax()) for id in ids]
    right = [guess == target for guess, target in zip(guesses, (0, 0, 1, 1, 2, 2), strict=True)]
    record = json.loads((loop.folder.cycle(1).path / "test.json").read_text())
    assert record["accuracy"] == pytest.approx(sum(right) / 6)
    assert record["per_class"]["ant"] == pytest.approx(sum(right[:2]) / 2)
    rows = read_csv(loop.folder.cycle(1).path / "test.csv")
    assert [row["predicted"] for row in rows] == [CLASSES[guess] for guess in guesses]


def test_answers_that_arrive_during_a_fit_wait_for_the_next(make):
    """The fit of a cycle that was killed goes on with the labels that it was started with."""
    loop = make()
    first = loop.ask(5).ids
    answer(loop, first[:3])
    loop.ledger.start_cycle(loop.ledger.last_seq())  # as if killed within the fit
    answer(loop, first[3:])
    loop.fit()
    assert loop.learner.fits == [(1, list(first[:3]))]
    loop.fit()
    assert loop.learner.fits[1] == (2, list(first))


class Alphabet:
    """Asks in the order of the ids, and remembers what it was told."""

    def __init__(self):
        self.labeled = []

    def query(self, ids, labeled_ids, query_size):
        self.labeled.append(list(labeled_ids))
        chosen = tuple(sorted(ids)[:query_size])
        return Query(chosen, (0.0,) * len(chosen))


def test_first_queries_go_on_until_the_model_can_be_trusted(make):
    first = Alphabet()
    loop = make(first=first)
    assert loop.ask(29).ids == tuple(sorted(loop.pool.ids())[:29])
    answer(loop, loop.ask(29).ids)
    loop.ask(1)
    assert loop.ledger.latest_query().asked == TYPICAL, "29 labels are less than ten for each class"
    assert [len(labeled) for labeled in first.labeled] == [0, 29]
    assert loop.ask(1) == loop.ask(1), "asked again, the same"


def test_a_trusted_model_chooses(make, monkeypatch):
    loop = make(first=Alphabet())
    monkeypatch.setattr(trust, "LABELS_PER_CLASS", 8)
    answer(loop, sorted(loop.pool.ids())[: 8 * len(CLASSES)])
    loop.ask(2)
    assert loop.ledger.latest_query().asked == by_strategy("confusion")


def test_added_classes_are_learned_from_the_next_fit_on(make):
    loop = make()
    answer(loop, loop.ask(5).ids)
    loop.fit()
    with pytest.raises(UnknownName):
        answer(loop, loop.pool.ids()[-1:], "dodo")
    loop.ledger.add_class("dodo", who="ann")
    assert loop.class_names == (*CLASSES, "dodo")
    answer(loop, loop.ask(5).ids, "dodo")
    assert loop.fit() == 2


def test_answers_and_other_queries_that_come_while_it_queries_disturb_nothing(make, tmp_path):
    """As on a page, where people go on while a model trains."""
    loop = make()
    answer(loop, loop.ask(5).ids)
    elsewhere = Ledger(tmp_path / "ledger.sqlite")
    plain = loop.strategy.query

    def meanwhile(view, query_size, *, rng):
        query = plain(view, query_size, rng=rng)
        elsewhere.tell({query.ids[0]: "bee"}, who="bob", cycle=1)
        elsewhere.record_query(1, by_strategy("random"), Query(query.ids[1:2], (0.0,)))
        return query

    loop.strategy.query = meanwhile
    query = loop.ask(4, held_out_first=False)
    elsewhere.close()
    assert len(query) == 4 and loop.ledger.cycles()[-1].number == 1


class Together:
    """What two threads that stand for two processes know of each other."""

    def __init__(self, barrier: Barrier, *, main: bool) -> None:
        self.is_main_process, self.wait_for_everyone = main, barrier.wait


def test_a_slow_process_reads_the_query_before_the_main_one_answers_it(make, monkeypatch):
    barrier = Barrier(2, timeout=10)
    main, slow = make(), make()
    main._state, slow._state = Together(barrier, main=True), Together(barrier, main=False)
    recorded, make_query, reads, looked = slow._recorded, main._query, [], Event()

    def late(*arguments):
        if reads:  # the look after the main process has made the query
            sleep(0.3)
        reads.append(recorded(*arguments))
        looked.set()
        return reads[-1]

    def after_the_first_look(*arguments):
        assert looked.wait(10)
        return make_query(*arguments)

    monkeypatch.setattr(slow, "_recorded", late)
    monkeypatch.setattr(main, "_query", after_the_first_look)

    def ask_and_tell(loop):
        query = loop.ask(5)
        loop.tell(dict.fromkeys(query.ids, "ant"), who="oracle")
        return query

    with ThreadPoolExecutor(2) as pool:
        queries = list(pool.map(ask_and_tell, (main, slow)))
    assert queries[0] == queries[1]
    assert reads == [None, queries[0]]
    assert len(main.labeled()) == 5


def test_whoever_only_looks_makes_no_folder(make):
    loop = make()
    answer(loop, loop.ask(4, held_out_first=False).ids)
    loop.ask(4, held_out_first=False)
    assert not loop.folder.cycle(2).path.exists()
    assert sorted(path.name for path in loop.folder.path.glob("cycles/*")) == ["000", "001"]

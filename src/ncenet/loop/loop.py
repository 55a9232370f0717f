"""The ask/tell loop: fit, predict, query, answer; the ledger remembers.

Every step first looks into the ledger whether it was taken before, so a loop that was killed anywhere goes on
by being run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property

from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.data.pools import VectorRows
from ncenet.errors import DamagedRecord, UsageError
from ncenet.learners.box_counts import ExpectedBoxes, spent
from ncenet.learners.processes import group
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT, INITIAL, TYPICAL, Kind, Provenance, by_strategy
from ncenet.ledger.records import Answer
from ncenet.loop.budget import BoxCount, asked_for, cut, made_for
from ncenet.loop.first import FirstQueries, random_query
from ncenet.loop.held_out_copies import set_copies_apart
from ncenet.loop.labelled_bytes import LabelledBytes
from ncenet.loop.scope import of_scope
from ncenet.loop.view import LearnerView
from ncenet.progress import Notify
from ncenet.recipe import BudgetUnit
from ncenet.rng import Streams
from ncenet.run.advice import trusted_by_records
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import held_out_test, measuring, set_apart, unlabeled_held_out
from ncenet.run.page import check_enough_classes
from ncenet.run.record_files import last_left_out, write_fit, write_query
from ncenet.run.records import Asked, Fit, as_json
from ncenet.run.sizes import SizeOf
from ncenet.strategies.promise import query_of
from ncenet.types import BoxLearner, Label, LabeledSet, Learner, Pool, Prediction, Query, QueryStrategy

MORE = 1.2
"""Labels are left out in turn again when there are so many times as many (ours)."""


class Loop:
    """Active learning on one pool.

    Under ``accelerate launch`` every process runs the same loop: all of them train, the main one decides and
    writes, the others read what it wrote.

    Args:
        folder: where the run lives.
        ledger: its ledger, with the items of the pool in it. A held-out set that stands there is asked for
            first, and tested on in the place of ``test``.
        pool: where the images are.
        class_names: the C classes.
        learner: makes what learns and predicts, when that is first needed: answers and the random initial set
            need none.
        strategy_name: name of the query strategy, for the record.
        strategy: the query strategy.
        streams: the run's random numbers.
        test: held-out images to report accuracy on after each fit.
        first: who chooses until the model can be trusted; None draws the initial set at random and trusts
            the strategy from the first fit on.
        pool_subset: score a fresh random subset of this size instead of the whole pool.
        leave_out_foreign: choose among images that look more like labelled than like skipped ones.
        budget_unit: what the sizes of queries count: images, or the boxes on them.
        warm: each fit of the learner goes on from the model before.
        notify: told what happens.
        vectors: of the images, which strategies compare in the place of what the learner makes of them.
        available: says which images may be chosen among by now, where others do not have their vectors yet.
        enter: enters images in the ledger that are asked for or answered, where not all were.
    """

    def __init__(
        self,
        folder: RunFolder,
        ledger: Ledger,
        *,
        pool: Pool,
        class_names: tuple[str, ...],
        learner: Callable[[], Learner],
        strategy_name: str,
        strategy: QueryStrategy,
        streams: Streams,
        test: TestSet | BoxTestSet | None = None,
        first: FirstQueries | None = None,
        pool_subset: int | None = None,
        leave_out_foreign: bool = False,
        budget_unit: BudgetUnit = "image",
        warm: bool = False,
        notify: Notify | None = None,
        vectors: VectorRows | None = None,
        available: Callable[[Sequence[str]], list[str]] | None = None,
        enter: Callable[[Collection[str]], None] = lambda ids: None,
    ) -> None:
        self.enter = enter
        self.vectors, self.available = vectors, available
        self.folder, self.ledger, self.pool = folder, ledger, pool
        self.first, self._apart = first, set_apart(ledger)
        self._bytes, self._begun_with = LabelledBytes(ledger, pool), class_names
        self._make_learner, self.strategy_name, self.strategy = learner, strategy_name, strategy
        self.streams, self.test = streams, test
        self.pool_subset, self.budget_unit, self.warm = pool_subset, budget_unit, warm
        self.leave_out_foreign = leave_out_foreign
        self.last_cycle: int | None = None  # where it is known, its model alone is calibrated
        self.notify = notify or (lambda event: None)
        self._state = group()
        self.compared: int | None = None  # of so many images it is known which are like held-out ones
        self._model_of: int | None = None  # the cycle whose model the learner holds

    @cached_property
    def learner(self) -> Learner:
        """What learns and predicts; made when first asked for."""
        return self._make_learner()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that the run was begun with, then those that annotators added; changed as they were."""
        if self.ledger.classes.changes():
            return self.ledger.class_names()
        added = [name for name in self.ledger.class_names() if name not in self._begun_with]
        return (*self._begun_with, *added)

    def ask(self, query_size: int, *, count: BoxCount | None = None, held_out_first: bool = True) -> Query:
        """The images to label next: fits if new labels arrived, predicts, queries, records.

        Asked again before anything was answered, it returns the same query. Without any labels the query is
        the initial set.

        Args:
            query_size: how many; fewer come when the pool is smaller. Boxes, when the budget counts those.
            count: how many boxes an image has. Default: how many are expected.
            held_out_first: held-out images that nobody has answered come before all others, whatever the
                size; otherwise somebody else asks for them.
        """
        held_out = self.ledger.latest_query(by=HELD_OUT) if held_out_first else None
        due = set(measuring(self.ledger)) if held_out is not None else set()
        if held_out is not None and (waiting := [id for id in self.ledger.open_ids(held_out) if id in due]):
            return Query(tuple(waiting), (0.0,) * len(waiting))
        if self._state.is_main_process:
            set_copies_apart(self)
        self._state.wait_for_everyone()
        self._apart = set_apart(self.ledger)  # all processes must learn the same images
        cycle = self.fit() if self.labeled() else 0
        query = self._recorded(cycle, query_size)
        if self._state.is_main_process and query is None:
            query = self._query(cycle, query_size, count)
            if cycle:
                self._leave_out(cycle)
        self._state.wait_for_everyone()
        if query is None:  # made by the main process
            query = self._recorded(cycle, query_size)
        assert query is not None
        return query

    def tell(self, answers: Mapping[str, Label | Answer | None], *, who: str) -> None:
        """Record answers; they are on disk when this returns.

        Args:
            answers: class name, skip or unsure by id; any image of the pool, queried or not, early or late.
                None takes the standing answer back.
            who: the annotator.

        Raises:
            LedgerError: an id is unknown or its image cannot be read; nothing is recorded then.
            DataError: boxes are none of their image; nothing is recorded then.
            UnknownName: a label is not one of the classes; nothing is recorded then.
        """
        self._state.wait_for_everyone()  # a slow process may still be reading what is open
        if self._state.is_main_process:
            cycles = self.ledger.cycles()
            cycle = cycles[-1].number if cycles else 0
            if self.ledger.recall("task") == "detection":
                answers = SizeOf(self.ledger, lambda: self.pool).gate().answers(answers)
            self.enter(answers)
            self.ledger.tell(answers, who=who, cycle=cycle, classes=self.class_names)
        self._state.wait_for_everyone()

    def fit(self) -> int:
        """Train on the standing labels unless that was done already; the number of the cycle.

        Raises:
            UsageError: there are no labels, or there is one class alone.
            LedgerError: labelled images have other bytes by now than those that were labelled.
        """
        check_enough_classes(self.class_names, self.ledger, self.pool)
        self._bytes.check()
        cycle, upto = self._current_cycle()
        self.finish(cycle, upto)
        return cycle

    def finish(self, cycle: int, upto: int) -> None:
        """Have a cycle that learns all up to an event fitted and tested, unless its files are there."""
        files = self.folder.cycle(cycle)
        labeled = self._labeled_set(upto)
        # Looked up before the others can go on: all processes must take the same branch.
        test = self.test or held_out_test(self.ledger, self.pool, labeled.class_names)
        tested = test is None or files.test.exists()
        if self.ledger.fit_report(cycle) is None or not files.model.exists():
            self._train(cycle, labeled)
        self._state.wait_for_everyone()
        if test is not None and not tested:
            if self._state.is_main_process:
                self.model(cycle)
                self._test(cycle, labeled, test)
            self._state.wait_for_everyone()

    def _train(self, cycle: int, labeled: LabeledSet) -> None:
        """Fit a cycle; again, if its model is gone, which gives the same one from the same labels."""
        files = self.folder.cycle(cycle)
        before = self.folder.cycle(cycle - 1).model if cycle > 1 else None
        if self.warm and before is not None and not before.exists():
            self._train(cycle - 1, self._labeled_set(self.ledger.cycles()[cycle - 2].upto))
        files.path.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        said = self.learner.fit(labeled, self.pool, cycle=cycle, before=before, resume=files.checkpoint)
        seconds = time.perf_counter() - start
        if self._state.is_main_process:
            self.learner.save(files.model)
            if self.ledger.fit_report(cycle) is None:
                boxes = spent(labeled.labels) if self.budget_unit == "box" else None
                fit = Fit.of(cycle, said, labeled=len(labeled), seconds=seconds, boxes=boxes)
                write_fit(files, fit)
                self.ledger.finish_fit(cycle, as_json(fit))
            for left in files.checkpoints():
                left.unlink()
        self._model_of = cycle

    def model(self, cycle: int) -> Learner:
        """The learner, holding the model of a cycle that was fitted."""
        if self._model_of != cycle:
            self.learner.load(self.folder.cycle(cycle).model)
            self._model_of = cycle
        return self.learner

    def would_say(self, labeled: LabeledSet) -> Iterator[Prediction]:
        """Of the held-out images, chunk by chunk, by what the next cycle would learn from other labels.

        For simulations, where those are known. The learner then holds that model; the next step of the loop
        loads its own again.
        """
        assert isinstance(self.test, TestSet)
        self._model_of = None
        self.learner.fit(labeled, self.pool, cycle=len(self.ledger.cycles()) + 1)
        return self.learner.predict(self.test.pool, self.test.ids, want=frozenset())

    def guess(self) -> Learner | None:
        """A learner of the labels so far that is recorded nowhere, before a first fit is due.

        It chooses nothing and is not measured. The next step of the loop loads a model of its own again.

        Returns:
            None before two classes have a label, of images whose features are there.
        """
        self._bytes.check()
        labels = self._labeled_set()
        there = set(labels.ids if self.available is None else self.available(labels.ids))
        known = [(id, label) for id, label in zip(labels.ids, labels.labels, strict=True) if id in there]
        if len({label for _, label in known}) < 2:
            return None
        self._model_of = None
        ids, named = zip(*known, strict=True)
        some = LabeledSet(ids, named, labels.class_names)
        self.learner.fit(some, self.pool, cycle=len(self.ledger.cycles()) + 1)
        return self.learner

    def _current_cycle(self) -> tuple[int, int]:
        """The cycle that learns the labels there are, started if need be, and its last event."""
        cycles = self.ledger.cycles()
        if cycles and (
            self.ledger.fit_report(cycles[-1].number) is None
            or dict(self.labeled(cycles[-1].upto)) == dict(self.labeled())
        ):
            return cycles[-1]
        if not self.labeled():
            raise UsageError("nothing to learn from: answer a query first")
        self._state.wait_for_everyone()
        if self._state.is_main_process:
            self.ledger.start_cycle(self.ledger.last_seq())
        self._state.wait_for_everyone()
        return self.ledger.cycles()[-1]

    def labeled(self, upto: int | None = None) -> list[tuple[str, Label]]:
        """Ids and labels to learn from, as of an event."""
        return [(id, label) for id, label in self.ledger.labeled(upto) if id not in self._apart]

    def _labeled_set(self, upto: int | None = None) -> LabeledSet:
        """The same, with the classes that there are: one of before may be merged or deleted."""
        known = self.class_names if self.ledger.classes.changes() else None
        labels = [(id, label) for id, label in self.labeled(upto) if known is None or label in known]
        return LabeledSet([id for id, _ in labels], [label for _, label in labels], self.class_names)

    def _recorded(self, cycle: int, query_size: int) -> Query | None:
        """The query of this cycle that nobody has answered yet, if it is what is asked for now."""
        last = self.ledger.latest_query(cycle, by=self._asking(cycle))
        if last is None or self.ledger.open_ids(last) != list(last.query.ids):
            return None
        files = self.folder.cycle(cycle)
        if self.budget_unit == "box":
            return last.query if asked_for(files, last.query) == query_size else None
        there = len(self._open())
        available = min(there, self.pool_subset or there) if cycle else there
        whole = len(last.query) == min(query_size, available)
        return last.query if whole or made_for(files, last.query, query_size, there) else None

    def _asking(self, cycle: int) -> Provenance:
        """Who makes the query of a cycle."""
        if self.first is not None and not (cycle and self._trusted(cycle)):
            return TYPICAL
        return by_strategy(self.strategy_name) if cycle else INITIAL

    def _trusted(self, cycle: int) -> bool:
        """Whether the model of a cycle may choose."""
        labeled = len(self.labeled(self.ledger.cycles()[cycle - 1].upto))
        files, classes = self.folder.cycle(cycle), len(self.class_names)
        return trusted_by_records(files, labeled=labeled, classes=classes)

    def _open(self) -> list[str]:
        """Ids that may be queried."""
        closed = self.ledger.closed_ids() | self.ledger.problems().keys() | self._apart
        ids = [id for id in self.pool.ids() if id not in closed]
        return ids if self.available is None else self.available(ids)

    def _query(self, cycle: int, query_size: int, count: BoxCount | None) -> Query:
        ids: Sequence[str] = self._open()
        pool, start = len(ids), time.perf_counter()
        by, seconds, labeled = self._asking(cycle), 0.0, self._labeled_set()
        if cycle and self.pool_subset is not None and self.pool_subset < len(ids):
            chosen = self.streams.numpy("subset", cycle).choice(len(ids), self.pool_subset, replace=False)
            ids = [ids[i] for i in sorted(chosen)]
        chances = dict[str, float]()
        if cycle and self.leave_out_foreign and (skips := self.ledger.skipped_ids()):
            learner, rng = self.model(cycle), self.streams.torch("scope", cycle)
            known, weigh = (labeled.ids, skips), self.strategy.weighs_scope
            ids, chances = of_scope(learner, self.pool, ids, *known, least=query_size, rng=rng, weigh=weigh)
        if by == TYPICAL and self.first is not None:
            query = self.first.query(ids, labeled.ids, query_size)
        elif cycle == 0:
            query = random_query(ids, query_size, self.streams)
        else:
            learner, needs = self.model(cycle), self.strategy.needs
            view = LearnerView(learner, self.pool, ids, labeled, needs, self.vectors, self.notify, chances)
            query = query_of(self.strategy, view, query_size, rng=self.streams.torch("query", cycle))
            seconds = view.predict_seconds
        if self.budget_unit == "box":
            query = cut(query, query_size, count or self._expected_boxes(cycle))
        select_seconds = time.perf_counter() - start - seconds
        files = self.folder.cycle(cycle)
        files.path.mkdir(parents=True, exist_ok=True)  # cycle 0 has no fit that made it
        if cycle and by.kind is Kind.STRATEGY and isinstance(self.learner, BoxLearner):
            from ncenet.loop.pictures import draw_queried

            draw_queried(files.path, query, self.learner, self.pool, self.strategy)
        asked = Asked(
            cycle=cycle,
            strategy=str(by),
            size=len(query),
            score_seconds=seconds,
            select_seconds=select_seconds,
            asked=query_size,
            pool=pool,
            scored=len(ids),
        )
        write_query(files, asked, query)
        self.enter(query.ids)
        self.ledger.record_query(cycle, by, query)
        self.notify({"event": "query", **as_json(asked)})
        return query

    def _expected_boxes(self, cycle: int) -> ExpectedBoxes:
        """What people will draw, as far as can be told."""
        learner = self.model(cycle) if cycle else None
        found = learner if isinstance(learner, BoxLearner) else None
        return ExpectedBoxes(dict(self.labeled()), self.pool, found)

    def _leave_out(self, cycle: int) -> None:
        """Without a test set of its own, have labels be left out in turn; anew when some more are there."""
        if self.test is not None:
            return
        from ncenet.loop.evaluate import evaluate_left_out

        labeled = self._labeled_set(self.ledger.cycles()[cycle - 1].upto)
        try:
            before = last_left_out(self.folder.cycles())
        except DamagedRecord:  # told of elsewhere; this one is read in its place
            before = None
        if before is None or len(labeled) >= MORE * before.labeled:
            self.model(cycle)
            evaluate_left_out(self.learner, labeled, self.pool, self.folder.cycle(cycle))

    def _test(self, cycle: int, labeled: LabeledSet, test: TestSet | BoxTestSet) -> None:
        from ncenet.loop.evaluate import evaluate

        files, calibrate = self.folder.cycle(cycle), self.last_cycle in (None, cycle)
        later = unlabeled_held_out(self.ledger) if self.test is None else ()
        learned = (labeled, self.pool) if calibrate else None
        self.notify({"event": "test", "images": len(test.ids)})
        record = evaluate(self.learner, test, files, labeled=len(labeled), later=later, learned=learned)
        event = {"event": "cycle", "cycle": cycle, "labeled": len(labeled)}
        self.notify({**event, "accuracy": record.headline, "metric": record.metric})

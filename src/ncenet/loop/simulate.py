"""Simulation: the loop with an oracle that knows the labels and hands out only those that are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from ncenet.class_names import check_two_classes
from ncenet.data.dataset import BoxTestSet, Dataset, TestSet
from ncenet.data.open import names_test, open_train
from ncenet.errors import DamagedRecord
from ncenet.features.names import check_inputs
from ncenet.files import alone
from ncenet.learners.box_counts import boxes_of, spent
from ncenet.learners.processes import group
from ncenet.loop.open import open_loop
from ncenet.loop.oracle import OracleLine, open_simulated
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.run.folder import CycleFolder, RunFolder
from ncenet.run.record_files import read_asked
from ncenet.run.records import Asked
from ncenet.run.same_test import check_same_test
from ncenet.types import Learner, Query


def simulate(
    recipe: Recipe,
    folder: Path,
    *,
    notify: Notify | None = None,
    train: Dataset | None = None,
    learner: Learner | None = None,
) -> None:
    """Run all cycles of a recipe, or those that are missing.

    Cycle 1 trains on the initial set; each further cycle on ``query_size`` labels more. The last cycle makes
    no query. Ends early when the pool is used up. A budget of boxes is that of the true boxes; each query has
    one image at least.

    Args:
        recipe: the whole run.
        folder: the run folder. Running again continues a run that was interrupted, bit for bit on the same
            machine; a finished run returns at once.
        notify: told of each fit, query and cycle.
        train: images with labels of the caller's own, in the place of those that the recipe names.
        learner: what learns and predicts, in the place of the network that the recipe describes.

    Raises:
        DataError: the data set has no labels to answer with, or the held-out images are others than those
            that earlier cycles were tested on.
        RecipeError: the strategy doesn't fit the rest of the recipe.
        UsageError: another process is at work on this run, the network doesn't take vectors, or there is one
            class alone.
    """
    if _finished(recipe, folder):
        return
    open_simulated(recipe)  # mistakes come before anything is written
    images = open_train(recipe) if train is None else train
    images.required_oracle()
    if recipe.task == "classification":
        check_two_classes(recipe.data.classes or images.class_names)
    if learner is None:
        check_inputs(recipe, images.pool)

    with alone(folder) if group().is_main_process else nullcontext():
        _simulate(recipe, folder, notify, train, learner)


def _simulate(
    recipe: Recipe, folder: Path, notify: Notify | None, own: Dataset | None, learner: Learner | None
) -> None:
    def tell_all(event: Mapping[str, Any]) -> None:
        if not group().is_main_process:
            return
        if event["event"] in ("query", "cycle"):
            stamp = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **event}
            with RunFolder(folder).events.open("a", encoding="utf-8") as log:
                log.write(json.dumps(stamp) + "\n")
        if notify is not None:
            notify({"cycles": recipe.loop.cycles, **event})

    strategy = open_simulated(recipe)
    loop, train = open_loop(
        recipe, folder, notify=tell_all, keep_looks=False, train=own, strategy=strategy, learner=learner
    )
    loop.last_cycle = recipe.loop.cycles
    with loop.ledger:
        if loop.test is not None:
            check_same_test(loop.folder, _test_labels(loop.test))
        oracle = train.required_oracle()
        if isinstance(strategy, OracleLine):
            strategy.reveal(loop, oracle)

        def ask(cycle: int) -> Query:
            if recipe.loop.budget_unit == "image":
                return loop.ask(recipe.loop.query_size if cycle else recipe.loop.initial)
            # What one query took beyond its budget, the next ones have less.
            budget = recipe.loop.initial + cycle * recipe.loop.query_size
            left = budget - spent(label for _, label in loop.labeled())
            return loop.ask(max(1, left), count=lambda image: boxes_of(oracle.answer([image])[image]))

        while not loop.labeled() and len(
            first := ask(0)
        ):  # held-out images, if any, come before the initial set
            loop.tell(oracle.answer(first.ids), who="oracle")
        for earlier in loop.ledger.cycles()[:-1]:  # of which something may have been set aside
            loop.finish(*earlier)
        while (cycle := loop.fit()) < recipe.loop.cycles:
            query = ask(cycle)
            if len(query) == 0:
                break
            loop.tell(oracle.answer(query.ids), who="oracle")


def _test_labels(test: TestSet | BoxTestSet) -> dict[str, str | None]:
    """Class of each held-out image by id; None where it has boxes."""
    if isinstance(test, BoxTestSet):
        return dict.fromkeys(test.ids)
    return {id: test.class_names[target] for id, target in zip(test.ids, test.targets, strict=True)}


def _finished(recipe: Recipe, folder: Path) -> bool:
    """Whether every cycle of this very recipe was trained and tested, or as many as there were images for.

    Where nothing is named to test on, it is enough that they were trained, if one has asked untested.
    """
    files = RunFolder(folder)
    if not files.recipe.exists() or Recipe.load(files.recipe) != recipe:
        return False
    cycles = [files.cycle(number) for number in range(1, recipe.loop.cycles + 1)]
    done = list(takewhile(lambda cycle: cycle.test.exists(), cycles))
    if not done and not names_test(recipe) and _asked(cycles[0]) is not None:
        done = list(takewhile(lambda cycle: cycle.fit.exists(), cycles))
    if len(done) == recipe.loop.cycles:
        return True
    return len(done) > 0 and (asked := _asked(done[-1])) is not None and asked.size == 0


def _asked(cycle: CycleFolder) -> Asked | None:
    """What a cycle asked for; None when it is damaged: the ledger knows as well."""
    try:
        return read_asked(cycle)
    except DamagedRecord:
        return None

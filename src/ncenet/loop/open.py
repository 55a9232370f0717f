"""From a recipe and a folder to a loop that is ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from ncenet.data.dataset import BoxTestSet, Dataset, TestSet, as_box_test_set, as_test_set
from ncenet.data.open import open_test, open_train
from ncenet.data.scan import Scan
from ncenet.errors import DataError
from ncenet.learners.committee import build_learner
from ncenet.learners.detector import Detector
from ncenet.learners.processes import processes
from ncenet.ledger.ledger import Ledger
from ncenet.loop.first import TypicalImages
from ncenet.loop.loop import Loop
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.run.events import Notify
from ncenet.run.findings import Findings, look_at, write_findings
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import draw_held_out
from ncenet.strategies.build import open_strategy
from ncenet.types import Learner


def open_loop(
    recipe: Recipe,
    folder: Path,
    *,
    notify: Notify | None = None,
    found: Scan | None = None,
    keep_looks: bool = True,
) -> tuple[Loop, Dataset]:
    """Open the data, the ledger and the learner of a run, new or begun.

    Every image of the pool is decoded, unless it was before and has not changed since, so that
    unreadable ones are known by name before anything is trained; they stand in ``bad_images.csv``, and images
    with the same bytes in ``duplicates.csv``.

    Args:
        recipe: the whole run.
        folder: the run folder; made when missing, continued when it holds a part of the same run.
        notify: told what happens.
        found: what a look at every image of the pool found a moment ago, to be taken as it is.
        keep_looks: keep what looks at images find, so that the next time only those are decoded that changed.

    Returns:
        The loop, and the training data set with its oracle.

    Raises:
        UnreadableImages: some images cannot be read, or their annotations cannot be what they say, and the
            recipe says to stop.
        RecipeError: the folder holds another run, or the strategy doesn't fit the rest of the recipe.
        DataError: the data set names no classes and the recipe gives none.
        UsageError: the strategy can't be diversified.
        LedgerError: images with an answer are gone, or have other bytes now.
    """
    strategy = open_strategy(recipe)
    if recipe.train.threads is not None:
        torch.set_num_threads(recipe.train.threads)
    train = open_train(recipe)
    names = recipe.data.classes or train.class_names
    if not names:
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with --classes")
    held_out = None if recipe.loop.held_out else open_test(recipe.data, train)

    run = RunFolder(folder)
    with processes().main_process_first():  # the other processes find folder and ledger made
        run.check_recipe(recipe)
        kept = {place: run.looks(place) if keep_looks else None for place in ("pool", "test")}
        findings = look_at(train, recipe, notify, seen=found, kept=kept["pool"])
        of_held_out = None if held_out is None else look_at(held_out, recipe, notify, kept=kept["test"])
        write_findings(run, recipe, findings, of_held_out)
        run.keep_recipe(recipe)
        ledger = Ledger(run.ledger)
        ledger.remember("task", recipe.task)
        ledger.remember("class_names", json.dumps(names))
        bad, hashes = findings.reasons(), findings.scan.hashes
        ledger.add_items((id, hashes.get(id, ""), bad.get(id)) for id in train.pool.ids())
        ledger.miss_items(set(train.pool.ids()))
        draw_held_out(ledger, recipe.loop.held_out, Streams(recipe.loop.seed))
    streams = Streams(recipe.loop.seed)
    loop = Loop(
        run,
        ledger,
        pool=train.pool,
        class_names=names,
        learner=_learner(recipe, train, findings, getattr(strategy, "auxiliary", None), streams, notify),
        strategy_name=recipe.loop.strategy,
        strategy=strategy,
        streams=streams,
        test=_test_set(held_out, of_held_out, names),
        first=TypicalImages(train.pool, recipe, streams) if recipe.loop.first == "typical" else None,
        pool_subset=recipe.loop.pool_subset,
        budget_unit=recipe.loop.budget_unit,
        notify=notify,
    )
    return loop, train


def _test_set(
    held_out: Dataset | None, found: Findings | None, names: tuple[str, ...]
) -> TestSet | BoxTestSet | None:
    """Those held-out images that can be used, with open labels."""
    if held_out is None or found is None:
        return None
    sound = held_out.subset(found.sound)
    return as_box_test_set(sound, names) if held_out.task == "detection" else as_test_set(sound, names)


def _learner(
    recipe: Recipe,
    train: Dataset,
    found: Findings,
    auxiliary: AuxiliaryFactory | None,
    streams: Streams,
    notify: Notify | None,
) -> Learner:
    """What learns the task."""
    data = recipe.data
    make: Callable[..., Learner] = Detector
    if recipe.task == "classification":
        make = build_learner
        if data.image_size is None and found.scan.sizes is not None:
            data = data.model_copy(update={"image_size": found.scan.sizes.default_side()})
    return make(
        recipe.model,
        recipe.train,
        data,
        streams,
        flip_safe=train.flip_safe,
        auxiliary=auxiliary,
        notify=notify,
    )

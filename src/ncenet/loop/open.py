"""From a recipe and a folder to a loop that is ready to be asked."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ncenet.data.dataset import Dataset, as_test_set
from ncenet.data.open import open_test, open_train
from ncenet.data.scan import Scan, scan
from ncenet.errors import DataError, UnreadableImages, UsageError
from ncenet.files import write_csv
from ncenet.learners.committee import build_learner
from ncenet.learners.processes import processes
from ncenet.ledger.ledger import Ledger
from ncenet.loop.folder import RunFolder
from ncenet.loop.held_out import draw_held_out
from ncenet.loop.loop import Loop, Notify
from ncenet.recipe import LoopRecipe, Recipe
from ncenet.rng import Streams
from ncenet.strategies import build_strategy
from ncenet.strategies.diverse import diversified
from ncenet.types import QueryStrategy


def open_strategy(recipe: LoopRecipe) -> QueryStrategy:
    """The query strategy that a recipe names, diversified if the recipe says so.

    Raises:
        UnknownName: there is no such strategy.
        UsageError: it is to be diversified and doesn't rank images by a score.
    """
    strategy = build_strategy(recipe)
    return diversified(strategy, recipe.strategy, recipe.diversify, recipe.diversify_factor)


def open_loop(
    recipe: Recipe,
    folder: Path,
    *,
    notify: Notify | None = None,
    found: Scan | None = None,
) -> tuple[Loop, Dataset]:
    """Open the data, the ledger and the learner of a run, new or begun.

    Every image of the pool is decoded once, so that unreadable ones are known by name before anything is
    trained; they stand in ``bad_images.csv``, and images with the same bytes in ``duplicates.csv``.

    Args:
        recipe: the whole run.
        folder: the run folder; made when missing, continued when it holds a part of the same run.
        notify: told what happens.
        found: what a look at every image of the pool found a moment ago, to be taken as it is.

    Returns:
        The loop, and the training data set with its oracle.

    Raises:
        UnreadableImages: some images cannot be read, and the recipe says to stop.
        RecipeError: the folder holds another run.
        DataError: the data set names no classes and the recipe gives none.
        UsageError: the strategy can't be diversified.
    """
    strategy = open_strategy(recipe.loop)
    if recipe.task == "detection":
        raise UsageError("task detection: there is no detector yet")
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
        found = found or scan_pool(train, recipe, notify)
        found_held_out = None if held_out is None else scan_pool(held_out, recipe, notify)
        write_findings(run, recipe, found, found_held_out)
        run.keep_recipe(recipe)
        ledger = Ledger(run.ledger)
        ledger.remember("class_names", json.dumps(names))
        bad = {problem.id: problem.why for problem in found.problems}
        ledger.add_items((id, found.hashes.get(id, ""), bad.get(id)) for id in train.pool.ids())
        set_aside = draw_held_out(ledger, recipe.loop.held_out, Streams(recipe.loop.seed))
    test = None
    if held_out is not None and found_held_out is not None:
        test = as_test_set(held_out.subset(found_held_out.readable), names)

    streams = Streams(recipe.loop.seed)
    data = recipe.data
    if data.image_size is None and found.sizes is not None:
        data = data.model_copy(update={"image_size": found.sizes.default_side()})
    learner = build_learner(
        recipe.model,
        recipe.train,
        data,
        streams,
        flip_safe=train.flip_safe,
        auxiliary=getattr(strategy, "auxiliary", None),
        notify=notify,
    )
    loop = Loop(
        run,
        ledger,
        pool=train.pool,
        class_names=names,
        learner=learner,
        strategy_name=recipe.loop.strategy,
        strategy=strategy,
        streams=streams,
        test=test,
        held_out=set_aside,
        pool_subset=recipe.loop.pool_subset,
        notify=notify,
    )
    return loop, train


def scan_pool(dataset: Dataset, recipe: Recipe, notify: Notify | None = None) -> Scan:
    """Decode every image of a data set once.

    Args:
        dataset: where they are.
        recipe: says how many threads decode.
        notify: told of the progress.
    """

    def count(done: int, total: int) -> None:
        if notify is not None:
            notify({"event": "scan", "done": done, "total": total})

    return scan(dataset.pool, on_bad="skip", workers=recipe.data.workers, progress=count)


def write_findings(run: RunFolder, recipe: Recipe, found: Scan, held_out: Scan | None) -> None:
    """List what is wrong with the images in the run folder.

    Args:
        run: the folder.
        recipe: says whether to stop then.
        found: what a look at the pool found.
        held_out: what a look at the test images found, if there are some.

    Raises:
        UnreadableImages: some images cannot be read, and the recipe says to stop.
    """
    both = [("pool", found)] if held_out is None else [("pool", found), ("test", held_out)]
    problems = [(place, problem) for place, scanned in both for problem in scanned.problems]
    write_csv(
        run.path / "bad_images.csv",
        ("in", "id", "why"),
        ((place, problem.id, problem.why) for place, problem in problems),
    )
    write_csv(
        run.path / "duplicates.csv",
        ("group", "id"),
        ((group, id) for group, ids in enumerate(found.duplicates) for id in ids),
    )
    if problems and recipe.data.on_bad_image == "stop":
        raise UnreadableImages([problem for _, problem in problems])

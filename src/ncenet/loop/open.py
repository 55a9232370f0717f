"""From a recipe and a folder to a loop that is ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.data.dataset import Dataset
from ncenet.data.open import open_train
from ncenet.data.pools import VectorRows
from ncenet.data.scan import Scan
from ncenet.features.names import check_inputs
from ncenet.learners.processes import group
from ncenet.loop.embedded import as_learned
from ncenet.loop.first import TypicalImages
from ncenet.loop.loop import Loop
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.run.by_reference import LOOKED_AT
from ncenet.run.findings import Findings
from ncenet.run.opening import survey
from ncenet.strategies.build import check_needs, open_strategy
from ncenet.types import Learner, QueryStrategy, whole_strategy

if TYPE_CHECKING:
    from torch import nn


def open_loop(
    recipe: Recipe,
    folder: Path,
    *,
    notify: Notify | None = None,
    found: Scan | None = None,
    keep_looks: bool = True,
    embed: bool = True,
    train: Dataset | None = None,
    test: Dataset | None = None,
    strategy: QueryStrategy | None = None,
    learner: Learner | None = None,
    backbone: Callable[[], nn.Module] | None = None,
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
        embed: with features, have all images embedded now; else the loop chooses among those that are.
        train: images of the caller's own, in the place of those that the recipe names.
        test: held-out images of the caller's own, likewise.
        strategy: a query strategy of the caller's own, likewise.
        learner: what learns and predicts, in the place of the network that the recipe describes.
        backbone: makes the part of a classifier before its head, likewise.

    Returns:
        The loop, and the training data set with its oracle.

    Raises:
        UnreadableImages: some images cannot be read, or their annotations cannot be what they say, and the
            recipe says to stop.
        RecipeError: the folder holds another run, or the strategy doesn't fit the rest of the recipe.
        UnknownName: the strategy needs what nobody says.
        DataError: the data set names no classes and the recipe gives none.
        LedgerError: images with a label are gone, or some with an answer have other bytes now.
    """
    own = None if strategy is None else whole_strategy(strategy)
    chosen = own or open_strategy(recipe)
    if learner is None:
        check_needs(chosen, recipe)
    if train is None:
        train = open_train(recipe)
    if learner is None and backbone is None:
        check_inputs(recipe, train.pool)
    with group().main_process_first():  # the other processes find folder and ledger made
        seen = survey(
            recipe,
            folder,
            notify=notify,
            train=train,
            test=test,
            strategy=own,
            seen=found,
            keep_looks=keep_looks,
            look=LOOKED_AT,
        )
        run = seen.begin(notify)
        embed = embed or seen.hand is not None  # of few at hand, and nobody else would
        try:
            pool, test_set, vectors = as_learned(seen, seen.test_set, notify, embed=embed)
        except BaseException:
            run.close()
            raise
    streams = Streams(recipe.loop.seed)
    rows = pool if isinstance(pool, VectorRows) else vectors
    looked_at = pool if vectors is None else vectors
    make = partial(_learner, recipe, seen.train, seen.found, chosen, streams, notify, backbone)
    loop = Loop(
        run.files,
        run.ledger,
        pool=pool,
        class_names=seen.class_names,
        learner=make if learner is None else lambda: learner,
        strategy_name=recipe.loop.strategy,
        strategy=chosen,
        streams=streams,
        test=test_set,
        first=None if recipe.loop.first == "random" else TypicalImages(looked_at, recipe, streams),
        pool_subset=recipe.loop.pool_subset,
        leave_out_foreign=recipe.loop.foreign == "leave-out",
        budget_unit=recipe.loop.budget_unit,
        warm=recipe.train.warm,
        notify=notify,
        vectors=None if recipe.on_vectors else vectors,
        available=None if embed or rows is None else rows.present,
        enter=run.enter,
    )
    return loop, seen.train


def _learner(
    recipe: Recipe,
    train: Dataset,
    found: Findings,
    strategy: QueryStrategy,
    streams: Streams,
    notify: Notify | None,
    backbone: Callable[[], nn.Module] | None,
) -> Learner:
    """What learns the task."""
    import torch

    from ncenet.learners.committee import build_learner
    from ncenet.learners.detector import Detector

    if recipe.train.threads is not None:
        torch.set_num_threads(recipe.train.threads)
    data, own = recipe.data, {} if backbone is None else {"backbone": backbone}
    make: Callable[..., Learner] = Detector
    if recipe.task == "classification":
        make = build_learner
        known = recipe.model.brings_weights and backbone is None  # its network knows its size
        if data.image_size is None and found.scan.sizes is not None and not known:
            data = data.model_copy(update={"image_size": found.scan.sizes.default_side()})
    return make(
        recipe.model,
        recipe.train,
        data,
        streams,
        flip_safe=train.flip_safe,
        auxiliary=strategy.auxiliary,
        notify=notify,
        **own,
    )

"""Runs and comparisons read from their folders: from small files and the ledger, never from a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ncenet.boxes import Boxes
from ncenet.compare.comparison import Comparison
from ncenet.compare.records import HEADLINE, CycleResult, Results, RunResults, Table
from ncenet.files import COMPARISON_FILE
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.folder import CycleFolder, RunFolder
from ncenet.run.held_out import set_apart
from ncenet.run.recipe_record import is_begun
from ncenet.run.record_files import (
    BAD_IMAGES,
    DUPLICATES,
    read_asked,
    read_fit,
    read_query,
    read_table,
    read_test,
)
from ncenet.run.records import Fit, Test


def read_run(folder: Path, cycles: int | None = None) -> RunResults:
    """Read a run folder, finished or not.

    A cycle counts once its network is tested; in a run without held-out images, once it is fitted.

    Args:
        folder: of the run.
        cycles: read as a run of so many cycles, without what came later. Default: as it is.

    Raises:
        RecipeError: the folder has no recipe that can be read.
        DamagedRecord: a record of a cycle is damaged.
        LedgerError: the ledger is.
    """
    files = RunFolder(folder)
    recipe = Recipe.load(files.recipe)
    if cycles is not None:
        recipe = recipe.with_changes({"loop.cycles": cycles})
    counted = [cycle for cycle in files.cycles() if cycles is None or cycle.number <= cycles]
    read = [(cycle, fit, read_test(cycle)) for cycle in counted if (fit := read_fit(cycle))]
    has_test = any(test is not None for _, _, test in read)
    found = [
        _cycle(cycle, fit, test, recipe) for cycle, fit, test in read if not has_test or test is not None
    ]
    if found and found[-1].number == cycles:
        found[-1] = replace(found[-1], queried=(), score_seconds=None, select_seconds=None, pool=None)
    queried = {image for cycle in found for image in cycle.queried}
    initial_per_class, queried_per_class = Counter[str](), Counter[str]()
    if is_begun(files):
        with Ledger(files.ledger, read_only=True) as ledger:
            apart = set_apart(ledger)
            upto = next((c.upto for c in ledger.cycles() if c.number == cycles), None)
            for image, label in ledger.labeled(upto):
                if image in apart:
                    continue
                names = Boxes.from_label(label).labels if recipe.task == "detection" else (label,)
                (queried_per_class if image in queried else initial_per_class).update(names)
    return RunResults(
        folder=folder,
        recipe=recipe,
        cycles=tuple(found),
        initial_per_class=initial_per_class,
        queried_per_class=queried_per_class,
        bad_images=Table(*read_table(files.bad_images, BAD_IMAGES)),
        duplicates=Table(*read_table(files.duplicates, DUPLICATES)),
        metric=next((test.metric for _, _, test in read if test is not None), HEADLINE),
    )


def read_comparison(folder: Path, asked: Comparison | None = None) -> Results:
    """Read the folder of a comparison, finished or not.

    Args:
        folder: of the comparison.
        asked: read it as this one, and of its seeds those that the folder has, too: a data set of several may
            have gone on by itself, with more arms, seeds or cycles. Default: as it is.

    Raises:
        RecipeError: the folder has no ``comparison.yaml`` that can be read.
    """
    comparison = Comparison.load(folder / COMPARISON_FILE)
    if asked is not None:
        both = tuple(seed for seed in asked.seeds if seed in comparison.seeds)
        comparison = asked.model_copy(update={"seeds": both or asked.seeds})

    def begun(trials: Iterable[tuple[str, int]], *, again: bool) -> dict[tuple[str, int], RunResults]:
        folders = {(arm, seed): folder / comparison.folder(arm, seed, again=again) for arm, seed in trials}
        cycles = comparison.base.loop.cycles
        return {
            key: read_run(path, cycles) for key, path in folders.items() if RunFolder(path).recipe.exists()
        }

    return Results(
        folder,
        comparison,
        begun(comparison.trials, again=False),
        begun(comparison.replayed, again=True),
    )


def _cycle(files: CycleFolder, fit: Fit, test: Test | None, recipe: Recipe) -> CycleResult:
    query, asked = read_query(files), read_asked(files)
    labeled = fit.labeled
    if recipe.loop.budget_unit == "box":
        # Arms are compared at equal budgets. The last image of a query takes it a little beyond its own.
        budget = recipe.loop.initial + (fit.cycle - 1) * recipe.loop.query_size
        labeled = min(budget, budget if fit.boxes is None else fit.boxes)
    return CycleResult(
        number=fit.cycle,
        labeled=labeled,
        loss=fit.loss,
        fit_accuracy=fit.accuracy,
        fit_seconds=fit.seconds,
        images=0 if test is None else test.images,
        accuracy=None if test is None else test.headline,
        balanced_accuracy=None if test is None else test.balanced_accuracy,
        per_class={} if test is None else test.per_class,
        live_prototypes=fit.details.get("live_prototypes", {}),
        queried=() if query is None else query.ids,
        score_seconds=None if asked is None else asked.score_seconds,
        select_seconds=None if asked is None else asked.select_seconds,
        pool=None if asked is None else asked.pool,
    )

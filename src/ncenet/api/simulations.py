"""Simulations and comparisons, and what they found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ncenet.api.report import Report
from ncenet.compare.comparison import Comparison
from ncenet.progress import Onlooker, Watch
from ncenet.recipe import Recipe
from ncenet.run.people import with_features


def simulate(
    recipe: Recipe | Mapping[str, Any] | str | PathLike[str],
    folder: str | PathLike[str],
    *,
    notify: Watch = None,
) -> Report:
    """Active learning on images whose labels are known; an oracle hands out those that are asked for.

    Args:
        recipe: the whole run, a file that holds it, or changes by dotted path, such as
            ``{"data.train": "digits"}``; with these photographs and vectors are learned on as in
            :func:`ncenet.open`.
        folder: the run folder. Running again continues a run that was interrupted, bit for bit on the same
            machine; a finished run returns at once.
        notify: told of each fit, query and cycle. Default: bars or lines; False: nothing is shown.

    Returns:
        What was reached, cycle by cycle.

    Raises:
        DataError: the data set has no labels to answer with.
        RecipeError: the recipe can't be read, or its strategy doesn't fit the rest of it.
        UsageError: another process is at work on this run.

    >>> import ncenet, tempfile
    >>> changes = {"train.epochs": 1, "train.min_steps": 1, "loop.cycles": 2, "loop.initial": 10}
    >>> recipe = ncenet.Recipe().with_changes(changes | {"loop.query_size": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [point.labeled for point in ncenet.simulate(recipe, folder).curve()]
    [10, 15]
    """
    from ncenet.loop.simulate import simulate as run

    with Onlooker(notify).at_work() as show:
        run(_recipe(recipe), Path(folder), notify=show)
    return Report(folder)


def compare(
    comparison: Comparison | str | PathLike[str],
    folder: str | PathLike[str],
    *,
    arms: Collection[str] | None = None,
    seeds: int | None = None,
    engine: str = "local",
    processes: int | None = None,
    notify: Watch = None,
) -> Report:
    """Several arms over paired seeds; runs what is missing.

    Args:
        comparison: arms, seeds and perhaps data sets, or a file that holds them, in which each head has an
            arm that picks at random, as the command asks for. A strategy beside others:
            :meth:`ncenet.Comparison.beside`.
        folder: takes the runs, the records of the figures and the report.
        arms: names of those that run now. Default: all.
        seeds: so many of the first run now. Default: all.
        engine: where trials run: ``"local"``, ``"ray"``, or that of a plug-in.
        processes: trials at a time. Default: as many as there are cores.
        notify: told of the trials. Default: bars or lines; False: nothing is shown.

    Returns:
        Tables, verdicts and learning curves; with several data sets over all of them, and of each under
        ``sets``.

    Raises:
        RecipeError: the comparison can't be read, or does not hold together; or no arm of the file picks at
            random with one of the heads.
        UsageError: there is nothing to test on, or another process is at work here.

    >>> import ncenet
    >>> ncenet.compare(ncenet.Comparison(arms=[{"name": "NCE"}], seeds=[0]), "runs/x", arms=["NEC"])
    Traceback (most recent call last):
    ...
    ncenet.errors.UnknownName: unknown arm 'NEC': did you mean 'NCE'? known: NCE
    """
    from ncenet.compare.analysis import analyze
    from ncenet.compare.heads import check_random_arms
    from ncenet.compare.trials import run

    if isinstance(comparison, Comparison):
        whole = comparison
    else:
        whole = Comparison.load(Path(comparison))
        check_random_arms(whole)
    target = Path(folder)
    with Onlooker(notify).at_work() as show:
        run(whole, target, arms=arms, seeds=seeds, engine=engine, processes=processes, on_event=show)
        for _, part in whole.parts(target).values():
            analyze(part, on_event=show)
    return Report(target)


def _recipe(recipe: Recipe | Mapping[str, Any] | str | PathLike[str]) -> Recipe:
    if isinstance(recipe, Mapping):
        return with_features(Recipe(), recipe, say=lambda text: None)
    return recipe if isinstance(recipe, Recipe) else Recipe.load(Path(recipe))

"""A query that was chosen from files of scores, in the records of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from ncenet.counts import count_of
from ncenet.errors import DataError
from ncenet.ledger.provenance import by_strategy
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.opening import OpenRun, open_run, survey
from ncenet.run.recipe_record import is_begun
from ncenet.selection.choose import Chosen, choose_from
from ncenet.selection.wish import Choice, wish_of


def begun(recipe: Recipe, folder: Path, notify: Notify | None = None) -> OpenRun:
    """The run of a folder, begun if it was not; how many it asks for, and with which seed, the recipe says.

    Raises:
        UsageError, RecipeError, DataError: as :func:`ncenet.run.opening.survey`.
    """
    if is_begun(RunFolder(folder)):
        run = open_run(folder)
        return replace(run, recipe=run.recipe.model_copy(update={"loop": recipe.loop}))
    return survey(recipe, folder, notify=notify).begin(notify)


def ask_files(
    run: OpenRun,
    sources: Sequence[str],
    number: int | None = None,
    *,
    notify: Notify = lambda event: None,
    **choice: Unpack[Choice],
) -> Chosen:
    """Choose from files of scores, and enter the query into the ledger under the last cycle.

    Args:
        run: whose answered images are passed over.
        sources: files, folders, globs or addresses.
        number: of images. Default: what the recipe says, unless boxes or minutes bound it.
        notify: told how many rows are read.
        choice: see :class:`ncenet.selection.wish.Choice`.

    Raises:
        UsageError, NonFiniteScore: as :func:`ncenet.selection.choose.choose`.
        DataError: an image is none of the run; nothing is recorded then.
    """
    if number is None and choice.get("boxes") is None and choice.get("minutes") is None:
        number = run.recipe.loop.query_size
    wish = wish_of(number, seed=run.recipe.loop.seed, ledger=run.ledger, **choice)
    chosen = choose_from(sources, wish, notify)
    record_choice(run, chosen)
    return chosen


def record_choice(run: OpenRun, chosen: Chosen) -> None:
    """Enter a query into the ledger, by the name of what ranked it.

    Raises:
        DataError: an image is none of the run; nothing is recorded then.
    """
    run.enter(chosen.query.ids)
    known = run.ledger.review.items(chosen.query.ids)
    unknown = [id for id in chosen.query.ids if id not in known]
    if unknown:
        raise DataError(
            f"{count_of(len(unknown), 'image of the scores is', 'images of the scores are')} none of "
            f"this run, the first {unknown[0]!r}: do "
            f"the ids of the files stand for the images of {run.recipe.data.train}?"
        )
    if not chosen.query.ids:
        return
    cycles = run.ledger.cycles()
    cycle = cycles[-1].number if cycles else 0
    run.ledger.record_query(cycle, by_strategy(chosen.strategy), chosen.query)

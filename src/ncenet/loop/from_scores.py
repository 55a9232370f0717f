"""A query that was chosen from files of scores, in the records of a run."""

from __future__ import annotations

from pathlib import Path

from ncenet.errors import DataError
from ncenet.ledger.provenance import by_strategy
from ncenet.recipe import Recipe
from ncenet.run.events import Notify
from ncenet.run.folder import RunFolder
from ncenet.run.opening import OpenRun, open_run, survey
from ncenet.selection.choose import Chosen


def begun(recipe: Recipe, folder: Path, notify: Notify | None = None) -> OpenRun:
    """The run of a folder, begun if it was not.

    Raises:
        UsageError, RecipeError, DataError: as :func:`ncenet.run.opening.survey`.
    """
    if RunFolder(folder).ledger.exists():
        return open_run(folder)
    return survey(recipe, folder, notify=notify).begin()


def record_choice(run: OpenRun, chosen: Chosen) -> None:
    """Enter a query into the ledger, under the last cycle, by the name of what ranked it.

    Raises:
        DataError: an image is none of the run; nothing is recorded then.
    """
    run.enter(chosen.query.ids)
    known = run.ledger.review.items(chosen.query.ids)
    unknown = [id for id in chosen.query.ids if id not in known]
    if unknown:
        raise DataError(
            f"{len(unknown)} image(s) of the scores are none of this run, the first {unknown[0]!r}: do "
            f"the ids of the files stand for the images of {run.recipe.data.train}?"
        )
    if not chosen.query.ids:
        return
    cycles = run.ledger.cycles()
    cycle = cycles[-1].number if cycles else 0
    run.ledger.record_query(cycle, by_strategy(chosen.strategy), chosen.query)

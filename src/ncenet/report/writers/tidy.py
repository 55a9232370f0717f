"""Results as one tidy table: a row for each tested cycle, for a spreadsheet or a data frame."""

from __future__ import annotations

from collections.abc import Iterator

from ncenet.compare.heads import head_name
from ncenet.compare.records import Results, RunResults, Table
from ncenet.compare.suite import SuiteResults
from ncenet.report.writers import Files, ReportContent, report_formats
from ncenet.tables import csv_lines


@report_formats.register("csv", order=4)
def _files(report: ReportContent) -> Files:
    return {"report.csv": as_csv(tidy(report.results)).encode()}


def as_csv(table: Table) -> str:
    """The table as CSV."""
    return "".join(csv_lines(table.columns, table.rows))


def tidy(results: Results | SuiteResults | RunResults) -> Table:
    """One row for each tested cycle of each trial that was begun, numbers as precise as they are known.

    Columns: ``arm``, ``head``, ``strategy``, ``seed``, ``cycle``, ``labels`` (boxes, with a budget of boxes),
    the headline number by its name and ``balanced_accuracy``, both in [0, 1], ``fit_seconds``,
    ``score_seconds``, ``select_seconds``, and ``finished``: whether the trial has all cycles of the recipe or
    has used up its pool; the report leaves out those that have not. Empty where there is nothing, as for
    seconds of a query in the last cycle. Of a comparison on several data sets a column ``set`` stands before
    all others.
    """
    if isinstance(results, SuiteResults):
        of_sets = {name: tidy(of_set) for name, of_set in results.sets.items()}
        columns = next((table.columns for table in of_sets.values()), ())
        return Table(
            ("set", *columns), tuple((name, *row) for name, table in of_sets.items() for row in table.rows)
        )
    if isinstance(results, Results):
        runs, unfinished = dict(results.runs), results.unfinished
    else:
        key = results.recipe.loop.strategy, results.recipe.loop.seed
        runs, unfinished = {key: results}, () if results.finished else (key,)
    rows = (row for key, run in runs.items() for row in _rows(key, run, finished=key not in unfinished))
    return Table(
        (
            *("arm", "head", "strategy", "seed", "cycle", "labels", results.metric, "balanced_accuracy"),
            *("fit_seconds", "score_seconds", "select_seconds", "finished"),
        ),
        tuple(rows),
    )


def _rows(key: tuple[str, int], run: RunResults, *, finished: bool) -> Iterator[tuple[str, ...]]:
    arm, seed = key
    for cycle in run.tested:
        numbers = (cycle.accuracy, cycle.balanced_accuracy, cycle.fit_seconds)
        query = (cycle.score_seconds, cycle.select_seconds)
        yield (
            arm,
            head_name(run.recipe.model.head),
            run.recipe.loop.strategy,
            str(seed),
            str(cycle.number),
            str(cycle.labeled),
            *("" if number is None else repr(number) for number in (*numbers, *query)),
            "yes" if finished else "no",
        )

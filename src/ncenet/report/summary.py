"""The results of a folder, whichever it is: in the terminal, as JSON, as files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.compare.bootstrap import Interval, bootstrap_differences
from ncenet.compare.heads import against_baseline
from ncenet.compare.read import read_run
from ncenet.compare.records import Results, RunResults
from ncenet.compare.statistics import Difference, difference_to_baseline, mean_over_cycles
from ncenet.compare.suite import SuiteResults, read_compared
from ncenet.errors import UsageError
from ncenet.files import COMPARISON_FILE, whole
from ncenet.report import tables, words
from ncenet.report.across import suite_record
from ncenet.report.sections import sections_of, title_of
from ncenet.report.writers import ReportContent, report_formats, terminal
from ncenet.run.folder import RunFolder, runs_within
from ncenet.run.record_files import SCHEMA

if TYPE_CHECKING:
    from rich.console import Console


def read_results(folder: Path) -> Results | SuiteResults | RunResults:
    """Read the folder of a comparison or of a run, finished or not.

    Raises:
        UsageError: the folder is neither.
    """
    if (folder / COMPARISON_FILE).exists():
        return read_compared(folder)
    recipe = RunFolder(folder).recipe
    if recipe.exists():
        return read_run(folder)
    why = f"it has no {recipe.name}, no {COMPARISON_FILE}" if folder.exists() else "there is no such folder"
    raise UsageError(f"{folder}: neither a run nor a comparison: {why}{runs_within(folder)}")


def print_results(folder: Path, console: Console, *, everything: bool = False) -> None:
    """Print tables and verdicts of a run or a comparison.

    Args:
        folder: a run or a comparison, finished or not.
        console: takes the text.
        everything: print every table of the report.

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    # Tables must wrap within their cells even on a console that leaves wrapping to the terminal.
    if everything:
        console.print(terminal.whole_report(sections_of(results)), soft_wrap=False)
        return
    if isinstance(results, Results | SuiteResults):
        console.print(terminal.for_terminal(results), soft_wrap=False)
    else:
        console.print(terminal.as_rich(tables.of_run(results)), soft_wrap=False)
        console.print(words.headline(results), markup=False, highlight=False)
    for name, run in _one_run_of_each(results).items():
        if run.copied:
            said = f"{name}: {words.copied(run.copied)}." if name else f"{words.copied(run.copied)}."
            console.print(said, markup=False, highlight=False)


def write_report(folder: Path, formats: Collection[str] = (), *, out: Path | None = None) -> tuple[Path, ...]:
    """Write the report of a run or a comparison in some formats.

    ========== ==========================================================================
    ``html``   ``report.html``, one file that needs nothing else
    ``md``     ``report.md``, with the figures beside it
    ``tex``    ``report.tex``, the tables in LaTeX
    ``csv``    ``report.csv``, a row for each tested cycle (:func:`ncenet.report.writers.tidy.tidy`)
    ``svg``    the figures, ``curves.svg`` among them once something was tested
    ``png``    ``curves.png``, likewise
    ========== ==========================================================================

    Args:
        folder: a run or a comparison, finished or not.
        formats: which. Default: all, those of plug-ins too.
        out: takes the files. Default: the folder itself.

    Returns:
        The files, texts before figures.

    Raises:
        UnknownName: there is no such format.
        UsageError: the folder is neither.
    """
    for name in formats:
        report_formats.get(name)  # a mistake comes before the work
    results = read_results(folder)
    if isinstance(results, SuiteResults):
        for of_set in results.sets.values():
            below = None if out is None else out / of_set.folder.relative_to(folder)
            write_report(of_set.folder, formats, out=below)
    report = ReportContent(title_of(results), sections_of(results), results)
    content: dict[str, bytes] = {}
    if formats:
        written = [report_formats.use(name, lambda write: write(report)) for name in formats]
    else:
        written = [files for _, files in report_formats.each(lambda write: write(report))]
    for files in written:
        content |= files
    names = sorted(content, key=lambda name: name.endswith((".svg", ".png")))  # texts, then figures
    for name in names:
        with whole((out or folder) / name) as partial:
            partial.write_bytes(content[name])
    return tuple((out or folder) / name for name in names)


def results_record(folder: Path) -> dict[str, Any]:
    """The results of a run or a comparison as what JSON can hold; accuracies in [0, 1].

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    if isinstance(results, RunResults):
        return {
            "kind": "run",
            "schema": SCHEMA,
            "metric": results.metric,
            "recipe": results.recipe.model_dump(mode="json"),
            "cycles": [asdict(cycle) for cycle in results.cycles],
        }
    if isinstance(results, SuiteResults):
        return (
            suite_record(results)
            | {"title": title_of(results), "schema": SCHEMA}
            | {"sets": {name: results_record(of_set.folder) for name, of_set in results.sets.items()}}
        )
    comparison, baseline = results.comparison, results.comparison.baseline_arm
    pairs = against_baseline(comparison)
    images = bootstrap_differences(results, pairs)
    return {
        "kind": "comparison",
        "schema": SCHEMA,
        "title": title_of(results),
        "metric": results.metric,
        "baseline": baseline,
        "seeds": list(comparison.seeds),
        "labeled": list(results.labeled),
        "unfinished": [{"arm": arm, "seed": seed} for arm, seed in results.unfinished],
        "arms": [
            {
                "name": arm.name,
                "changes": arm.changes,
                "curves": [
                    {**asdict(curve), "mean_over_cycles": mean_over_cycles(curve)}
                    for curve in results.curves(arm.name).values()
                ],
                "difference": None
                if arm.name == baseline
                else _difference_record(
                    difference_to_baseline(results, arm.name),
                    images.get(arm.name),
                    judged=arm.name in pairs,
                ),
            }
            for arm in comparison.arms
        ],
    }


def _one_run_of_each(results: Results | SuiteResults | RunResults) -> dict[str, RunResults]:
    """A run on each data set, by its name; the same images are behind all others."""
    if isinstance(results, RunResults):
        return {"": results}
    sets = results.sets if isinstance(results, SuiteResults) else {"": results}
    return {name: next(iter(of_set.runs.values())) for name, of_set in sets.items() if of_set.runs}


def _difference_record(
    difference: Difference | None, images: Interval | None, *, judged: bool
) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        **asdict(difference.spread),
        "low": difference.low,
        "high": difference.high,
        "bootstrap": None if images is None else asdict(images),
        "verdict": difference.verdict if judged else None,
        "more_seeds": difference.more_seeds if judged else None,
    }

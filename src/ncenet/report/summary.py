"""The results of a folder, whichever it is: in the terminal, as JSON, as files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.compare.records import COMPARISON_FILE, Results, Run, read_comparison, read_run
from ncenet.compare.statistics import Difference, difference_to_baseline, mean_over_cycles
from ncenet.errors import UsageError
from ncenet.report import curves, page, tables, words
from ncenet.report.drawing import as_png, as_svg
from ncenet.report.html import as_html

if TYPE_CHECKING:
    from rich.console import Console


def read_results(folder: Path) -> Results | Run:
    """Read the folder of a comparison or of a run, finished or not.

    Raises:
        UsageError: the folder is neither.
    """
    if (folder / COMPARISON_FILE).exists():
        return read_comparison(folder)
    if (folder / "recipe.yaml").exists():
        return read_run(folder)
    raise UsageError(f"{folder}: neither a run (recipe.yaml) nor a comparison ({COMPARISON_FILE}) is here")


def print_results(folder: Path, console: Console) -> None:
    """Print tables and verdicts of a run or a comparison.

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    # Tables must wrap within their cells even on a console that leaves wrapping to the terminal.
    if isinstance(results, Results):
        console.print(tables.for_terminal(results), soft_wrap=False)
    else:
        console.print(tables.as_rich(tables.of_run(results)), soft_wrap=False)
        console.print(words.headline(results), markup=False, highlight=False)


def write_report(folder: Path) -> tuple[Path, ...]:
    """Write ``report.html`` and, once something was tested, ``curves.png`` and ``curves.svg``.

    Args:
        folder: a run or a comparison, finished or not; takes the files.

    Returns:
        The files, the page first.

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    if isinstance(results, Results):
        title, sections = page.title_of_comparison(results), page.sections_of_comparison(results, folder)
        lines, baseline = curves.lines_of_comparison(results), results.comparison.baseline_arm
    else:
        title, sections = page.title_of_run(results), page.sections_of_run(results)
        lines, baseline = curves.lines_of_run(results), None
    content = {"report.html": as_html(title, sections).encode()}
    if lines:
        figure = curves.learning_curves(lines, baseline=baseline, metric=results.metric)
        content |= {"curves.png": as_png(figure), "curves.svg": as_svg(figure).encode()}
    for name, data in content.items():
        partial = folder / f"{name}.partial"
        partial.write_bytes(data)
        partial.replace(folder / name)
    return tuple(folder / name for name in content)


def results_record(folder: Path) -> dict[str, Any]:
    """The results of a run or a comparison as what JSON can hold; accuracies in [0, 1].

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    if isinstance(results, Run):
        return {
            "kind": "run",
            "metric": results.metric,
            "recipe": results.recipe.model_dump(mode="json"),
            "cycles": [asdict(cycle) for cycle in results.cycles],
        }
    comparison = results.comparison
    return {
        "kind": "comparison",
        "metric": results.metric,
        "baseline": comparison.baseline_arm,
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
                if arm.name == comparison.baseline_arm
                else _difference_record(difference_to_baseline(results, arm.name)),
            }
            for arm in comparison.arms
        ],
    }


def _difference_record(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        **asdict(difference.spread),
        "low": difference.low,
        "high": difference.high,
        "verdict": difference.verdict,
        "more_seeds": difference.more_seeds,
    }

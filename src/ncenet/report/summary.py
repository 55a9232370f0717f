"""The results of a folder, whichever it is: in the terminal, as JSON, as files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ncenet.compare.bootstrap import Interval, bootstrap_differences
from ncenet.compare.records import COMPARISON_FILE, Results, Run, read_comparison, read_run
from ncenet.compare.statistics import Difference, difference_to_baseline, mean_over_cycles
from ncenet.errors import UsageError
from ncenet.files import whole
from ncenet.report import page, tables, words
from ncenet.report.blocks import Figure, Section
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_png
from ncenet.report.writers import terminal
from ncenet.report.writers.html import as_html
from ncenet.report.writers.latex import as_latex
from ncenet.report.writers.markdown import as_markdown
from ncenet.report.writers.tidy import as_csv, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure
    from rich.console import Console

Format: TypeAlias = Literal["html", "md", "tex", "csv", "svg", "png"]
FORMATS: tuple[Format, ...] = ("html", "md", "tex", "csv", "svg", "png")


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
        console.print(terminal.whole_report(_report(results)[1]), soft_wrap=False)
    elif isinstance(results, Results):
        console.print(terminal.for_terminal(results), soft_wrap=False)
    else:
        console.print(terminal.as_rich(tables.of_run(results)), soft_wrap=False)
        console.print(words.headline(results), markup=False, highlight=False)
    run = next(iter(results.runs.values()), None) if isinstance(results, Results) else results
    if run is not None and run.copied and not everything:
        console.print(f"{words.copied(run.copied)}.", markup=False, highlight=False)


def write_report(
    folder: Path, formats: Collection[Format] = FORMATS, *, out: Path | None = None
) -> tuple[Path, ...]:
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
        formats: which.
        out: takes the files. Default: the folder itself.

    Returns:
        The files, in the order of the formats.

    Raises:
        UsageError: the folder is neither.
    """
    results = read_results(folder)
    title, sections = _report(results)
    content: dict[str, bytes] = {}
    if "html" in formats:
        content["report.html"] = as_html(title, sections).encode()
    if "md" in formats:
        content["report.md"] = as_markdown(title, sections).encode()
    if "tex" in formats:
        content["report.tex"] = as_latex(title, sections).encode()
    if "csv" in formats:
        content["report.csv"] = as_csv(tidy(results)).encode()
    if "svg" in formats or "md" in formats:
        figures = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
        content |= {f"{figure.name}.svg": figure.svg.encode() for figure in figures}
    if "png" in formats and (lines := _lines(results)):
        content["curves.png"] = as_png(_draw(results, lines))
    for name, data in content.items():
        with whole((out or folder) / name) as partial:
            partial.write_bytes(data)
    return tuple((out or folder) / name for name in content)


def _report(results: Results | Run) -> tuple[str, list[Section]]:
    """Title and sections."""
    if isinstance(results, Results):
        return page.title_of_comparison(results), page.sections_of_comparison(results)
    return page.title_of_run(results), page.sections_of_run(results)


def _lines(results: Results | Run) -> list[curves.Line]:
    if isinstance(results, Results):
        return curves.lines_of_comparison(results)
    return curves.lines_of_run(results)


def _draw(results: Results | Run, lines: list[curves.Line]) -> MplFigure:
    baseline = results.comparison.baseline_arm if isinstance(results, Results) else None
    return curves.learning_curves(lines, baseline=baseline, metric=results.metric, unit=results.unit)


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
    comparison, baseline = results.comparison, results.comparison.baseline_arm
    pairs = {arm.name: baseline for arm in comparison.arms if arm.name != baseline}
    images = bootstrap_differences(results, pairs)
    return {
        "kind": "comparison",
        "title": page.title_of_comparison(results),
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
                else _difference_record(difference_to_baseline(results, arm.name), images.get(arm.name)),
            }
            for arm in comparison.arms
        ],
    }


def _difference_record(difference: Difference | None, images: Interval | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        **asdict(difference.spread),
        "low": difference.low,
        "high": difference.high,
        "bootstrap": None if images is None else asdict(images),
        "verdict": difference.verdict,
        "more_seeds": difference.more_seeds,
    }

"""What ``demo``, ``simulate`` and ``run`` share: run one trial or many, and say how it went."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ncenet.compare.comparison import Comparison
from ncenet.console import plain_console
from ncenet.progress import bars
from ncenet.recipe import Recipe


def run_single(recipe: Recipe, folder: Path) -> None:
    """Simulate one run, print its learning curve, write its report."""
    from ncenet.learners.processes import processes
    from ncenet.loop.simulate import simulate

    with bars() as show:
        simulate(recipe, folder, notify=show)
    if processes().is_main_process:
        show_results(folder)


def run_comparison(
    comparison: Comparison,
    folder: Path,
    processes: int | None,
    *,
    engine: str = "local",
    arms: Collection[str] | None = None,
    seeds: int | None = None,
) -> None:
    """Run a comparison, or some arms and the first seeds of it; print its table, write its report."""
    from ncenet.compare.analysis import analyze
    from ncenet.compare.trials import run

    with bars() as show:
        run(comparison, folder, arms=arms, seeds=seeds, engine=engine, processes=processes, on_event=show)
        for _, part in comparison.parts(folder).values():
            analyze(part, on_event=show)
    show_results(folder)


def print_cost(
    what: Recipe | Comparison,
    folder: Path,
    *,
    arms: Collection[str] | None = None,
    seeds: int | None = None,
) -> None:
    """Print what ``--dry-run`` is for: labels, cycles or trials, minutes and memory."""
    from ncenet.compare.costs import cost

    plain_console().print(cost(what, folder, arms=arms, seeds=seeds))


def show_results(
    folder: Path, *, everything: bool = False, formats: Collection[str] = (), out: Path | None = None
) -> None:
    """Print the tables of a run or comparison, and write its report, beside its records or elsewhere."""
    from ncenet.report.summary import print_results, write_report

    console = plain_console()
    print_results(folder, console, everything=everything)
    first, *others = write_report(folder, formats, out=out)
    beside = f", and beside it {', '.join(file.name for file in others)}" if others else ""
    console.print(f"wrote {first}{beside}", highlight=False)

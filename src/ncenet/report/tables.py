"""Tables of results: made once as text, shown in the terminal, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import TYPE_CHECKING

from ncenet.compare.records import Results, Run, Table
from ncenet.compare.statistics import Spread, difference_to_baseline, mean_over_cycles, per_cycle
from ncenet.report.words import interval, metric_name, outlook, percent, points, spread, verdicts

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable

NOTHING = "\N{EN DASH}"
WORDS = frozenset({"Verdict", "Changes in the recipe", "id", "why"})
"""Columns of words, flush left; the others hold numbers."""
TERMINAL_CYCLES = 6
"""More accuracies than these do not fit into a line of 80 characters beside the name of an arm."""


def summary(results: Results) -> Table:
    """For each arm its mean over cycles and its difference to the baseline, with interval and verdict."""
    baseline = results.comparison.baseline_arm
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name).values()
        mean = spread(Spread.of([mean_over_cycles(c) for c in curves]), 2) if curves else NOTHING
        difference = None if arm.name == baseline else difference_to_baseline(results, arm.name)
        if difference is not None:
            more = outlook(difference)
            said = difference.verdict + (f": {more}" if more else "")
            rows.append((arm.name, mean, points(difference.spread.mean), interval(difference), said))
        elif arm.name == baseline:
            rows.append((arm.name, mean, NOTHING, NOTHING, "baseline"))
        else:
            rows.append((arm.name, mean, NOTHING, NOTHING, "not finished"))
    return Table(
        ("Arm", "Mean over cycles, %", f"Against {baseline}", "95 % interval", "Verdict"), tuple(rows)
    )


def by_cycle(results: Results) -> Table:
    """For each arm its accuracy at each size of the labelled set: mean and deviation over seeds, in %."""
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name)
        cells = [spread(s) for s in per_cycle(curves)] if curves else [NOTHING] * len(results.labeled)
        rows.append((arm.name, *cells))
    return Table(("Labels", *(f"{n:,}" for n in results.labeled)), tuple(rows))


def seconds(results: Results) -> Table:
    """For each arm the mean wall time of a cycle, by what it was spent on."""
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name).values()
        rows.append(
            (
                arm.name,
                _mean_seconds(t for c in curves for t in c.fit_seconds),
                _mean_seconds(t for c in curves for t in c.score_seconds),
                _mean_seconds(t for c in curves for t in c.select_seconds),
            )
        )
    return Table(("Seconds a cycle", "training", "scoring the pool", "selecting"), tuple(rows))


def queried_per_class(results: Results) -> Table:
    """How many images of each class an arm has queried; the mean over its seeds."""
    runs = {
        arm.name: [run for (a, _), run in results.runs.items() if a == arm.name]
        for arm in results.comparison.arms
    }
    classes = _classes(run for of_arm in runs.values() for run in of_arm)
    rows = tuple(
        (name, *(_mean_count([run.queried_per_class for run in of_arm], name) for of_arm in runs.values()))
        for name in classes
    )
    return Table(("Class", *runs), rows)


def of_run(run: Run) -> Table:
    """The cycles of one run."""
    rows = tuple(
        (
            f"{c.labeled:,}",
            NOTHING if c.accuracy is None else percent(c.accuracy),
            NOTHING if c.balanced_accuracy is None else percent(c.balanced_accuracy),
            percent(c.fit_accuracy),
            f"{c.loss:.3f}",
            f"{c.fit_seconds:.1f}",
            NOTHING if c.score_seconds is None else f"{c.score_seconds:.1f}",
        )
        for c in run.cycles
    )
    columns = ("Labels", "Test, %", "balanced, %", "Training, %", "loss", "Training, s", "Scoring, s")
    return Table(columns, rows)


def classes_of_run(run: Run) -> Table:
    """What one run had of each class, and how well it knows it in the end."""
    last = run.cycles[-1].per_class if run.cycles else {}
    rows = tuple(
        (
            name,
            f"{run.initial_per_class.get(name, 0):,}",
            f"{run.queried_per_class.get(name, 0):,}",
            percent(last[name]) if name in last else NOTHING,
        )
        for name in _classes([run])
    )
    return Table(
        (
            "Class",
            "In the initial set",
            "Queried since",
            f"Test {metric_name(run.metric)} in the last cycle, %",
        ),
        rows,
    )


def as_rich(table: Table, title: str | None = None) -> RichTable:
    """A table for the terminal. The first column is text, the others are numbers."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for n, column in enumerate(table.columns):
        shown.add_column(
            Text(column), justify="right" if n and column not in WORDS else "left", overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown


def as_markdown(table: Table) -> str:
    r"""A table in Markdown.

    >>> print(as_markdown(Table(("Arm", "%"), (("a|b", "50"),))))
    | Arm | % |
    |:--|--:|
    | a\|b | 50 |
    """
    rule = [":--", *(":--" if column in WORDS else "--:" for column in table.columns[1:])]
    rows = [_markdown_row(table.columns), f"|{'|'.join(rule)}|", *map(_markdown_row, table.rows)]
    return "\n".join(rows)


def for_terminal(results: Results) -> Group:
    """A comparison for the terminal: accuracies, then differences, then the verdicts as sentences."""
    from rich.console import Group
    from rich.text import Text

    cycles = by_cycle(results)
    kept = _evenly(len(results.labeled), TERMINAL_CYCLES)
    left_out = f" ({len(kept)} of {len(results.labeled)} cycles)" if len(kept) < len(results.labeled) else ""
    shorter = Table(
        (cycles.columns[0], *(cycles.columns[n + 1] for n in kept)),
        tuple((row[0], *(row[n + 1].replace(" ± ", "±") for n in kept)) for row in cycles.rows),
    )
    whole = summary(results)
    # The sentences below say what the last column says.
    brief = Table(whole.columns[:-1], tuple(row[:-1] for row in whole.rows))
    return Group(
        as_rich(shorter, f"Test {metric_name(results.metric)}, %{left_out}"),
        as_rich(brief, "Difference to the baseline, percentage points"),
        *(Text(sentence) for _, sentence in verdicts(results).values()),
    )


def for_markdown(results: Results) -> str:
    """A comparison in Markdown: verdicts as sentences, then differences, then accuracies."""
    sentences = "\n".join(f"- {sentence}" for _, sentence in verdicts(results).values())
    return "\n\n".join([sentences, as_markdown(summary(results)), as_markdown(by_cycle(results))]) + "\n"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _evenly(n: int, most: int) -> list[int]:
    """At most so many of range(n), evenly spaced, with both ends."""
    return list(range(n)) if n <= most else [round(k * (n - 1) / (most - 1)) for k in range(most)]


def _classes(runs: Iterable[Run]) -> list[str]:
    runs = list(runs)
    tested = [name for run in runs for cycle in run.cycles[-1:] for name in cycle.per_class]
    labeled = sorted({name for run in runs for name in (*run.initial_per_class, *run.queried_per_class)})
    return list(dict.fromkeys([*tested, *labeled]))


def _mean_count(counts: list[Mapping[str, int]], name: str) -> str:
    if not counts:
        return NOTHING
    mean = fmean(c.get(name, 0) for c in counts)
    return f"{mean:,.0f}" if mean == int(mean) else f"{mean:,.1f}"


def _mean_seconds(times: Iterable[float]) -> str:
    times = list(times)
    return f"{fmean(times):,.2f}" if times else NOTHING

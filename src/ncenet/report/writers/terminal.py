"""Reports in the terminal: the essence of a comparison, or all of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ncenet.compare.records import Results, Table
from ncenet.compare.replay import replay_noise
from ncenet.compare.suite import SuiteResults
from ncenet.report.across import differences_by_set, suite_verdicts
from ncenet.report.blocks import Block, Facts, Note, ReportSection, Verdicts
from ncenet.report.tables import by_cycle, summary, without_empty
from ncenet.report.words import metric_name, missing_trials, verdict_lines

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table as RichTable

TERMINAL_CYCLES = 6
"""More accuracies than these do not fit into a line of 80 characters beside the name of an arm."""


def as_rich(table: Table, title: str | None = None) -> RichTable:
    """A table for the terminal."""
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
            Text(column), justify="right" if n and column not in table.words else "left", overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown


def for_terminal(results: Results | SuiteResults) -> Group:
    """A comparison for the terminal: accuracies, then differences, then the verdicts as sentences."""
    from rich.console import Group
    from rich.text import Text

    if isinstance(results, SuiteResults):
        return Group(
            as_rich(differences_by_set(results), "Mean over cycles, differences to the baseline, points"),
            *(Text(sentence) for _, sentence in suite_verdicts(results)),
        )
    cycles = without_empty(by_cycle(results))
    kept = _evenly(len(results.labeled), TERMINAL_CYCLES)
    left_out = f" ({len(kept)} of {len(results.labeled)} cycles)" if len(kept) < len(results.labeled) else ""
    shorter = Table(
        (cycles.columns[0], *(cycles.columns[n + 1] for n in kept)),
        tuple((row[0], *(row[n + 1].replace(" ± ", "±") for n in kept)) for row in cycles.rows),
    )
    whole = without_empty(summary(results, replay=replay_noise(results)))
    # The sentences below say what the last column says.
    brief = Table(whole.columns[:-1], tuple(row[:-1] for row in whole.rows))
    return Group(
        as_rich(shorter, f"Test {metric_name(results.metric)}, %{left_out}"),
        as_rich(brief, "Difference to the baseline, percentage points"),
        *(Text(sentence) for _, sentence in verdict_lines(results)),
        *([Text(f"{missing_trials(results)}.")] if results.unfinished else []),
    )


def whole_report(sections: Sequence[ReportSection]) -> Group:
    """Every section for a wide terminal: what can be shown as text, without what only few want to see."""
    from rich.console import Group
    from rich.text import Text

    shown: list[RenderableType] = []
    for section in sections:
        parts = [part for block in section.blocks for part in _renderables(block)]
        if parts and section.title:
            shown.append(Text(section.title, style="bold"))
        shown += parts
    return Group(*shown)


def _renderables(block: Block) -> Iterator[RenderableType]:
    from rich.text import Text

    match block:
        case Table():
            yield as_rich(block)
        case Verdicts(sentences):
            yield from (Text(sentence) for _, sentence in sentences)
            yield ""
        case Note(text):
            yield Text(f"{text}\n")
        case Facts(items):
            yield as_rich(Table(("Subject", "Fact"), tuple(items.items()), frozenset({"Fact"})))
        case _:  # figures, recipes, long lists: for the page
            return


def _evenly(n: int, most: int) -> list[int]:
    """At most so many of range(n), evenly spaced, with both ends."""
    return list(range(n)) if n <= most else [round(k * (n - 1) / (most - 1)) for k in range(most)]

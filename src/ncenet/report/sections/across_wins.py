"""Across data sets: who wins how often against whom."""

from __future__ import annotations

from ncenet.compare.across.table import numbers
from ncenet.compare.across.wins import win_shares
from ncenet.compare.records import Table
from ncenet.compare.suite import SuiteResults
from ncenet.report.across import over_sets
from ncenet.report.blocks import Folded, Note, ReportSection
from ncenet.report.sections import suite_sections
from ncenet.report.words import NOTHING, percent, percents


@suite_sections.register("across-wins", order=4)
def wins(results: SuiteResults) -> ReportSection | None:
    """The win matrix, and the intervals of its entries."""
    of = numbers(results)
    if of is None or len(of.arms) < 2:
        return None
    found = win_shares(of)
    rows, listed = [], []
    for a, arm in enumerate(of.arms):
        cells = [
            NOTHING if a == b else over_sets(found, (a, b), of, lambda x: percent(x, 0))
            for b in range(len(of.arms))
        ]
        rows.append((arm, *cells))
        for b, other in enumerate(of.arms):
            if a != b:
                _, low, high, sets_low, sets_high = found.at((a, b))
                listed.append((arm, other, cells[b], percents(low, high), percents(sets_low, sets_high)))
    grown = all(len(results.labeled) > 1 for results in of.results)
    note = Note(
        "Row against column, in %: of all cells (set, cycle, seed) those in which the row's arm is more "
        "accurate, a tie counting half, each set alike. The first cycle"
        f"{'' if grown else ', in which nobody has chosen yet,'} is left out"
        f"{': nobody has chosen yet' if grown else ' on sets that have another'}."
    )
    columns = ("Arm", "Beside", "wins, %", "95 %, these sets", "95 %, other sets")
    intervals = Folded("Intervals of the shares", (Table(columns, tuple(listed), frozenset({"Beside"})),))
    return ReportSection("Who wins how often", (Table(("Arm", *of.arms), tuple(rows)), note, intervals))

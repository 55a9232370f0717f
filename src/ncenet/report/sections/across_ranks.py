"""Across data sets: mean ranks, and what a critical difference tells apart."""

from __future__ import annotations

from ncenet.compare.across.ranks import Ranks
from ncenet.compare.across.table import numbers
from ncenet.compare.records import Table
from ncenet.compare.suite import SuiteResults
from ncenet.counts import count_of
from ncenet.report.across import set_ranks
from ncenet.report.blocks import Figure, Note, ReportSection
from ncenet.report.figures.drawing import as_svg
from ncenet.report.figures.ranks import rank_diagram
from ncenet.report.sections import suite_sections
from ncenet.report.words import NOTHING

FEW = 5
"""With so many sets or fewer the report says that they are few (ours; Demsar's rule of thumb is N > 10)."""


@suite_sections.register("across-ranks", order=5)
def mean_ranks(results: SuiteResults) -> ReportSection | None:
    """The critical-difference diagram and its numbers."""
    of = numbers(results)
    if of is None:
        return None
    usable = of.ranked()
    over_sets, over_runs = set_ranks(usable)
    if over_sets is None or over_runs is None:
        return None
    order = sorted(range(len(usable.arms)), key=lambda a: float(over_sets.mean[a]))
    rows = tuple((usable.arms[a], f"{over_sets.mean[a]:.2f}", f"{over_runs.mean[a]:.2f}") for a in order)
    table = Table(("Arm", "Mean rank over sets", "over sets and seeds"), rows)
    notes = (
        f"Sets as blocks: {_said(over_sets)}. Pairs of set and seed as blocks: {_said(over_runs)}; seeds "
        "of a set share its images, so this holds for these sets alone."
    )
    if later := [arm for arm in of.arms if arm not in (*usable.arms, of.oracle)]:
        notes += f" No trial is finished of {', '.join(later)}: left out."
    if over_sets.blocks <= FEW:
        notes += f" With {count_of(over_sets.blocks, 'set')} hardly any difference can be critical."
    caption = (
        "Mean ranks over sets, 1 is the best. Bars join arms that Nemenyi's critical difference (.05) does "
        "not tell apart: thick over sets, thin over pairs of set and seed (Demsar 2006)."
    )
    drawn = rank_diagram(usable.arms, over_sets, over_runs)
    return ReportSection(
        "Mean ranks", (Figure("ranks", as_svg(drawn), caption, wide=True), table, Note(notes))
    )


def _said(found: Ranks) -> str:
    p = "" if found.p is None else f"all alike at p = {found.p:.2g} (Friedman, by permutation), "
    critical = NOTHING if found.critical is None else f"{found.critical:.2f}"
    return f"N = {found.blocks}, {p}critical difference {critical}"

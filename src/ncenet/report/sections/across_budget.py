"""Across data sets: early, middle and late in the budget, and what it takes to reach what random reaches."""

from __future__ import annotations

import numpy as np

from ncenet.compare.across.budget import THIRDS, areas_of_sets, shares_to_reach, step_of_thirds, thirds
from ncenet.compare.across.estimate import estimate
from ncenet.compare.across.table import numbers
from ncenet.compare.records import Table
from ncenet.compare.suite import SuiteResults
from ncenet.report.across import against, over_sets, some_sets
from ncenet.report.blocks import Note, ReportSection
from ncenet.report.sections import suite_sections
from ncenet.report.words import NOTHING, ends, percent, percents, points


@suite_sections.register("across-thirds", order=6)
def in_thirds(results: SuiteResults) -> ReportSection | None:
    """Differences to the baseline in each third of the budget, and under the curve."""
    of, baseline = numbers(results), results.comparison.baseline_arm
    found = None if of is None else thirds(of)
    if of is None or found is None:
        return None
    # The area is nearly the mean over cycles, and what rounding hides in it nearly the same.
    steps = [*step_of_thirds(of), of.step_of_mean]
    measures = zip([*found, areas_of_sets(of)], steps, strict=True)
    parts = [estimate(against(values, of, baseline), step=step) for values, step in measures]
    rows = []
    for a, arm in enumerate(of.arms):
        if arm == baseline:
            continue
        cells = []
        for part in parts:
            mean, low, high, *_ = part.at(a)
            around = "; ".join(filter(None, (ends(low, high), some_sets(part, a, of))))
            cells.append(NOTHING if np.isnan(mean) else f"{points(mean)} ({around})")
        rows.append((arm, *cells))
    note = Note(
        "Thirds of the cycles of each set, the first cycle included; the area under the curve is taken by "
        "trapezoids and divided by the range of labels. In brackets 95 % intervals over seeds, on these sets."
    )
    title = f"Early, middle and late, against {baseline}, percentage points"
    return ReportSection(title, (Table(("Arm", *THIRDS, "Area under the curve"), tuple(rows)), note))


@suite_sections.register("across-labels", order=7)
def labels_to_reach(results: SuiteResults) -> ReportSection | None:
    """The share of the budget by which arms reach what random reaches with all of it."""
    of = numbers(results)
    if of is None:
        return None
    shares, reached = shares_to_reach(of)
    if np.isnan(shares).all():
        return None
    found = estimate(np.moveaxis(shares, -1, 0)).of_shares()
    rows = []
    for a, arm in enumerate(of.arms):
        _, low, high, sets_low, sets_high = found.at(a)
        there = reached[..., a][np.isfinite(reached[..., a])]
        count = f"{int(there.sum())} of {len(there)}"
        shown = over_sets(found, a, of, lambda x: percent(x, 0))
        at_least = "at least " if len(there) and not there.all() else ""
        rows.append((arm, f"{at_least}{shown}", percents(low, high), percents(sets_low, sets_high), count))
    note = Note(
        "Share of all labels by which a run's own curve, straight between cycles, reaches what the random "
        "arm of the baseline's head reaches in the mean with all of them. A run that doesn't get there "
        "counts as 100 %, the least that it needs."
    )
    columns = ("Of the budget, %", "95 %, these sets", "95 %, other sets", "Runs that do")
    return ReportSection(
        "Labels to reach what random reaches with all", (Table(("Arm", *columns), tuple(rows)), note)
    )

"""Across data sets: seconds a query takes."""

from __future__ import annotations

import numpy as np

from ncenet.compare.across.budget import seconds_per_query
from ncenet.compare.across.estimate import estimate
from ncenet.compare.across.table import numbers
from ncenet.compare.records import Table
from ncenet.compare.suite import SuiteResults
from ncenet.report.across import cell, over_sets
from ncenet.report.blocks import Note, ReportSection
from ncenet.report.sections import suite_sections
from ncenet.report.words import NOTHING


@suite_sections.register("across-cost", order=9)
def cost(results: SuiteResults) -> ReportSection | None:
    """Seconds of a query on each set and in the mean over sets."""
    of = numbers(results)
    if of is None:
        return None
    seconds = seconds_per_query(of)
    if np.isnan(seconds).all():
        return None
    by_arm = np.moveaxis(seconds, -1, 0)  # (A, D, S)
    found, of_sets = estimate(by_arm), estimate(by_arm[..., None, :]).mean
    rows = []
    for a, arm in enumerate(of.arms):
        _, low, high, *_ = found.at(a)
        interval = NOTHING if np.isnan(low) else f"{max(low, 0):.3f} to {high:.3f}"
        rows.append(
            (arm, *(cell(s, _seconds) for s in of_sets[a]), over_sets(found, a, of, _seconds), interval)
        )
    note = Note(
        "Predictions on the pool and the choice among them, wall time of trials that may have shared the "
        "machine: compare them within this table only. The interval is over seeds, on these sets."
    )
    columns = (*of.sets, "all sets", "95 % interval")
    return ReportSection("Seconds a query", (Table(("Arm", *columns), tuple(rows)), note))


def _seconds(value: float) -> str:
    return f"{value:.3f}"

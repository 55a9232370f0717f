"""The sections of a report: what it says and in which order, whatever the format.

A section is made from results and is None where there is nothing to say. It enters by being in a module of
this package, one of a plug-in by an entry point of the group ``ncenet.sections`` (of comparisons),
``ncenet.suite_sections`` (of comparisons on several data sets) or ``ncenet.run_sections`` (of runs); those of
plug-ins stand at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from ncenet.compare.records import Results, RunResults
from ncenet.compare.suite import SuiteResults
from ncenet.counts import count_of
from ncenet.registry import Registry
from ncenet.report.blocks import ReportSection

Made: TypeAlias = ReportSection | Sequence[ReportSection] | None
"""What a maker of sections returns."""

comparison_sections: Registry[Made] = Registry(
    "report section", package="ncenet.report.sections", group="ncenet.sections"
)
"""Makers, which take the results of a comparison."""
suite_sections: Registry[Made] = Registry(
    "report section", package="ncenet.report.sections", group="ncenet.suite_sections"
)
"""Makers, which take the results of a comparison on several data sets."""
run_sections: Registry[Made] = Registry(
    "report section", package="ncenet.report.sections", group="ncenet.run_sections"
)
"""Makers, which take a run."""


def sections_of(results: Results | SuiteResults | RunResults) -> list[ReportSection]:
    """What the report of a comparison or a run says."""
    match results:
        case Results():
            registry = comparison_sections
        case SuiteResults():
            registry = suite_sections
        case RunResults():
            registry = run_sections
    return [section for _, made in registry.each(lambda make: _sections(make(results))) for section in made]


def _sections(made: Made) -> list[ReportSection]:
    if made is None:
        return []
    return [made] if isinstance(made, ReportSection) else list(made)


def title_of(results: Results | SuiteResults | RunResults) -> str:
    """Title of the report of a comparison or a run."""
    if isinstance(results, RunResults):
        return f"One run of {results.recipe.loop.strategy} on {Path(results.recipe.data.train).name}"
    comparison = results.comparison
    if isinstance(results, SuiteResults):
        images = ", ".join(results.sets)
    else:
        images = Path(comparison.base.data.train).name
    return comparison.title or f"{count_of(len(comparison.arms), 'arm')} compared on {images}"

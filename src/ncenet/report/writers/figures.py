"""The figures alone."""

from __future__ import annotations

from ncenet.compare.records import Results
from ncenet.compare.suite import SuiteResults
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_png
from ncenet.report.writers import Files, ReportContent, report_formats


@report_formats.register("svg", order=5)
def svg(report: ReportContent) -> Files:
    """Every figure of the report, ``curves.svg`` among them once something was tested."""
    return {f"{figure.name}.svg": figure.svg.encode() for figure in report.figures}


@report_formats.register("png", order=6)
def png(report: ReportContent) -> Files:
    """``curves.png``, once something was tested; of several data sets each has its own in its folder."""
    results, baseline = report.results, None
    if isinstance(results, SuiteResults):
        return {}
    if isinstance(results, Results):
        lines, baseline = curves.lines_of_comparison(results), results.comparison.baseline_arm
    else:
        lines = curves.lines_of_run(results)
    if not lines:
        return {}
    figure = curves.learning_curves(lines, baseline=baseline, metric=results.metric, unit=results.unit)
    return {"curves.png": as_png(figure)}

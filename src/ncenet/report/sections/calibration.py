"""Whether what the last model says of held-out images can be taken at its word."""

from __future__ import annotations

from ncenet.compare.records import RunResults
from ncenet.report.blocks import Figure, Note, ReportSection
from ncenet.report.figures.drawing import as_svg
from ncenet.report.figures.reliability import reliability_diagram
from ncenet.report.sections import run_sections
from ncenet.report.words import percent
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_test
from ncenet.run.records import Calibration, ClassTest


@run_sections.register("calibration", order=5)
def calibration(run: RunResults) -> ReportSection | None:
    """Errors and the reliability diagram, of the last model that was tested; none of boxes."""
    for files in reversed(RunFolder(run.folder).cycles()):
        test = read_test(files)
        if isinstance(test, ClassTest):
            if test.calibration is None:
                return None
            svg = as_svg(reliability_diagram(test.calibration.bins))
            caption = (
                "A dot for each fifteenth of the scale, the larger the more held-out images; dashed: honest."
            )
            said = Note(words_of(test.calibration))
            return ReportSection("How sure, how often right", (said, Figure("reliability", svg, caption)))
    return None


def words_of(found: Calibration) -> str:
    """What the errors are, and what they are of.

    >>> words_of(Calibration(0.43, None, None, ((10, 0.4, 0.8),)))
    'The likelihood of the likeliest class is off by 43.0 points on average (expected calibration error).'
    """
    said = (
        f"The likelihood of the likeliest class is off by {percent(found.error)} points on average (expected "
        "calibration error)"
    )
    if found.temperature is None or found.calibrated is None:
        return f"{said}."
    return (
        f"{said}. As shares, with a temperature of {found.temperature:.2f} that labels left out in turn "
        f"tell, it is off by {percent(found.calibrated)}: these are drawn. Queries are chosen by the "
        "likelihoods as they are."
    )

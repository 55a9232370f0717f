"""The report of a comparison on several data sets: what was found, set by set and over all."""

from __future__ import annotations

from ncenet.compare.suite import SuiteResults
from ncenet.report.across import differences_by_set, suite_verdicts
from ncenet.report.blocks import Block, Code, Figure, Folded, Note, ReportSection, Verdicts
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_svg
from ncenet.report.sections import suite_sections
from ncenet.report.tables import without_empty
from ncenet.report.words import copied, missing_trials

INTERVALS = (
    "Sets count alike. The first interval answers: would other seeds say the same on these sets? (each set a "
    "stratum, Student's quantile with the degrees of freedom of Welch and Satterthwaite). The second: would "
    "other sets of the kind? (Student's, over the means of the sets.)"
)


@suite_sections.register("across-verdicts", order=1)
def verdicts(results: SuiteResults) -> ReportSection | None:
    """What was asked, what was found, and what is missing."""
    blocks: list[Block] = [Note(results.comparison.about)] if results.comparison.about else []
    if said := suite_verdicts(results):
        blocks.append(Verdicts(said))
    waiting = [name for name in results.comparison.sets if name not in results.sets]
    if waiting:
        blocks.append(Note(f"Not begun: {', '.join(waiting)}."))
    blocks += [
        Note(f"{name}: {missing_trials(of_set)}")
        for name, of_set in results.sets.items()
        if of_set.unfinished
    ]
    blocks += [
        Note(f"{name}: {copied(run.copied)}.")
        for name, of_set in results.sets.items()
        for run in list(of_set.runs.values())[:1]  # the same images are behind all others
        if run.copied
    ]
    return ReportSection("", tuple(blocks)) if blocks else None


@suite_sections.register("across-summary", order=2)
def summary(results: SuiteResults) -> ReportSection:
    """Differences to the baseline on each set and over all."""
    title = f"Against {results.comparison.baseline_arm}, percentage points of the mean over cycles"
    return ReportSection(title, (without_empty(differences_by_set(results)), Note(INTERVALS)))


@suite_sections.register("across-curves", order=3)
def learning_curves(results: SuiteResults) -> ReportSection | None:
    """The learning curves of each set."""
    drawn: list[Block] = []
    for name, of_set in results.sets.items():
        lines = curves.lines_of_comparison(of_set)
        if not lines:
            continue
        figure = curves.learning_curves(
            lines,
            baseline=results.comparison.baseline_arm,
            metric=of_set.metric,
            unit=of_set.unit,
        )
        caption = f"{name}: means over seeds, bands one deviation. Its own report: {of_set.folder.name}."
        drawn.append(Figure(f"curves-{of_set.folder.name}", as_svg(figure), caption, curves.is_wide(lines)))
    return ReportSection("Learning curves", tuple(drawn)) if drawn else None


@suite_sections.register("across-compared", order=19)
def compared(results: SuiteResults) -> ReportSection:
    """The file that runs it again."""
    recipe = Folded("Data sets, arms and seeds", (Code(results.comparison.to_yaml()),))
    note = Note(
        "Beside this page lies a folder for each data set, with a report of its own that says what must be "
        "stated with these numbers, and report.csv, a row for each cycle of each run."
    )
    return ReportSection("What was compared", (note, recipe))

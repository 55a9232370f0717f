"""The sections of the report of a single run."""

from __future__ import annotations

from ncenet.compare.records import RunResults
from ncenet.counts import count_of
from ncenet.report import protocol, tables, words
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, ReportSection, Verdicts
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_svg
from ncenet.report.sections import run_sections
from ncenet.report.sections.comparison import folded_if_long, images_to_look_at
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import last_choosing, last_left_out


@run_sections.register("headline", order=1)
def headline(run: RunResults) -> ReportSection:
    """What was reached, and what is missing."""
    missing = run.recipe.loop.cycles - len(run.cycles)
    said: list[Block] = [Verdicts((("unclear", words.headline(run)),))]
    if missing > 0 and not run.answered_by_people:
        were = "was" if missing == 1 else "were"
        why = ": the pool was used up" if run.used_up else ""
        said.append(Note(f"{missing} of {count_of(run.recipe.loop.cycles, 'cycle')} {were} not run{why}."))
    return ReportSection("", tuple(said))


@run_sections.register("answers", order=1)
def answers(run: RunResults) -> ReportSection | None:
    """What happened, in a run that people labelled."""
    if not run.answered_by_people:
        return None
    return ReportSection("What was labelled", (Facts(words.answers(run.folder)),))


@run_sections.register("confusions", order=5)
def confusions(run: RunResults) -> ReportSection | None:
    """Which classes the last model takes for which, on the held-out images."""
    table = tables.confusions_of_run(run)
    return None if table is None else ReportSection("Taken for", (folded_if_long(table),))


@run_sections.register("learning-curve", order=2)
def learning_curve(run: RunResults) -> ReportSection | None:
    """The learning curve, as far as something was tested."""
    lines = curves.lines_of_run(run)
    if not lines:
        return None
    svg = as_svg(curves.learning_curves(lines, metric=run.metric, unit=run.unit))
    return ReportSection("Learning curve", (Figure("curves", svg, "One run, one seed."),))


@run_sections.register("left-out", order=2)
def labels_left_out(run: RunResults) -> ReportSection | None:
    """What the labels say of the model, each left out in turn."""
    found = last_left_out(RunFolder(run.folder).cycles())
    if found is None:
        return None
    return ReportSection("Labels left out in turn", (Note(words.left_out_words(found)),))


@run_sections.register("choosing", order=2)
def choosing(run: RunResults) -> ReportSection | None:
    """Whether choosing images was worth it."""
    found = last_choosing(RunFolder(run.folder).cycles())
    if found is None:
        return None
    return ReportSection("Was choosing worth it?", (Note(words.choosing_words(found)),))


@run_sections.register("cycles", order=3)
def cycles(run: RunResults) -> ReportSection:
    """A row for each cycle."""
    return ReportSection("Cycles", (tables.of_run(run),))


@run_sections.register("protocol", order=4)
def what_numbers_are(run: RunResults) -> ReportSection:
    """What must be stated with every number."""
    facts = protocol.protocol_of_run(run.recipe, run.cycles[-1].labeled if run.used_up else None)
    if run.answered_by_people:  # how much was labelled, and when, is up to them
        facts = {subject: said for subject, said in facts.items() if subject not in ("Initial set", "Labels")}
    return ReportSection("What these numbers are", (Facts(facts),))


@run_sections.register("classes", order=5)
def classes(run: RunResults) -> ReportSection:
    """How well each class is known."""
    return ReportSection("Classes", (folded_if_long(tables.classes_of_run(run)),))


@run_sections.register("recipe", order=6)
def recipe(run: RunResults) -> ReportSection:
    """The file that runs it again."""
    return ReportSection("What was run", (Folded("The recipe", (Code(run.recipe.to_yaml()),)),))


@run_sections.register("images", order=8)
def images(run: RunResults) -> ReportSection | None:
    """Images that somebody should look at."""
    return images_to_look_at(run)

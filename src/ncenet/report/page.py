"""The report, section by section: what it says and in which order, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from ncenet.compare.records import Results, Run, Table
from ncenet.report import curves, models, protocol, prototypes, tables, words
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, Section, Verdicts
from ncenet.report.drawing import as_svg

MOST_ROWS = 200
"""Rows of a table of bad images or duplicates; the whole of it stands in the run folder."""
MOST_CLASSES = 20
"""As many classes fit on a screen; tables of more are folded."""

SectionMaker: TypeAlias = Callable[[Results, Path], Section | None]
"""Makes a section from the results and the folder of a comparison; None when there is nothing to say."""


def title_of_comparison(results: Results) -> str:
    """Title of the report of a comparison."""
    return f"{len(results.comparison.arms)} arms compared on {results.comparison.base.data.train}"


def title_of_run(run: Run) -> str:
    """Title of the report of a run."""
    return f"One run of {run.recipe.loop.strategy} on {run.recipe.data.train}"


def sections_of_comparison(results: Results, folder: Path) -> list[Section]:
    """What the report of a comparison says.

    Args:
        results: its records.
        folder: of the comparison; sections may read further small files in it.
    """
    return [section for make in COMPARISON_SECTIONS if (section := make(results, folder)) is not None]


def sections_of_run(run: Run) -> list[Section]:
    """What the report of a single run says."""
    recipe = run.recipe
    missing = recipe.loop.cycles - len(run.cycles)
    lines = curves.lines_of_run(run)
    said: list[Block] = [Verdicts((("unclear", words.headline(run)),))]
    if missing > 0:
        said.append(Note(f"{missing} of {recipe.loop.cycles} cycles were not run."))
    sections = [Section("", tuple(said))]
    if lines:
        svg = as_svg(curves.learning_curves(lines, metric=run.metric))
        sections.append(Section("Learning curve", (Figure("curves", svg, "One run, one seed."),)))
    sections += [
        Section("Cycles", (tables.of_run(run),)),
        Section("What these numbers are", (Facts(protocol.protocol_of_run(recipe)),)),
        Section("Classes", (_per_class(tables.classes_of_run(run)),)),
        Section("What was run", (Folded("The recipe", (Code(recipe.to_yaml()),)),)),
    ]
    images = _images_to_look_at(run)
    return sections if images is None else [*sections, images]


def _verdicts(results: Results, folder: Path) -> Section | None:
    said = words.verdicts(results).values()
    blocks: list[Block] = []
    if said:
        sentences = (("unclear" if d is None else d.verdict, sentence) for d, sentence in said)
        blocks.append(Verdicts(tuple(sentences)))
    missing = [f"{arm}, seed {seed}" for arm, seed in results.unfinished]
    if missing:
        total = len(results.comparison.arms) * len(results.comparison.seeds)
        shown = "; ".join(missing)
        blocks.append(Note(f"{len(missing)} of {total} trials are not finished and left out: {shown}"))
    return Section("", tuple(blocks)) if blocks else None


def _summary(results: Results, folder: Path) -> Section:
    return Section("Summary", (tables.summary(results),))


def _curves(results: Results, folder: Path) -> Section:
    lines = curves.lines_of_comparison(results)
    if not lines:
        return Section("Learning curves", (Note("No trial has come far enough to draw."),))
    figure = curves.learning_curves(lines, baseline=results.comparison.baseline_arm, metric=results.metric)
    caption = "Lines are means over seeds, bands one deviation."
    return Section("Learning curves", (Figure("curves", as_svg(figure), caption),))


def _by_cycle(results: Results, folder: Path) -> Section:
    name = words.metric_name(results.metric)
    return Section(f"Test {name} at each number of labels, %", (tables.by_cycle(results),))


def _protocol(results: Results, folder: Path) -> Section:
    return Section("What these numbers are", (Facts(protocol.protocol_of_comparison(results.comparison)),))


def _compared(results: Results, folder: Path) -> Section:
    changes = Table(
        ("Arm", "Changes in the recipe"),
        tuple(
            (arm.name, ", ".join(f"{path}: {value}" for path, value in arm.changes.items()) or "none")
            for arm in results.comparison.arms
        ),
    )
    recipe = Folded("The recipe", (Code(results.comparison.to_yaml()),))
    return Section("What was compared", (changes, recipe))


def _queried(results: Results, folder: Path) -> Section:
    return Section("What was queried", (_per_class(tables.queried_per_class(results)),))


def _cost(results: Results, folder: Path) -> Section:
    return Section("What it cost", (tables.seconds(results),))


def _images(results: Results, folder: Path) -> Section | None:
    return next((_images_to_look_at(run) for run in results.runs.values()), None)


COMPARISON_SECTIONS: Sequence[SectionMaker] = (
    _verdicts,
    _summary,
    _curves,
    _by_cycle,
    prototypes.section,
    _protocol,
    _compared,
    _queried,
    models.information,
    models.embedding,
    models.regions,
    _cost,
    _images,
)
"""What the report of a comparison says, in order."""


def _per_class(table: Table) -> Block:
    return table if len(table.rows) <= MOST_CLASSES else Folded(f"{len(table.rows)} classes", (table,))


def _images_to_look_at(run: Run) -> Section | None:
    """What was wrong with the images; None when nothing was."""
    bad, twins = run.bad_images, run.duplicates
    groups = len({row[0] for row in twins.rows})
    blocks = []
    if bad.rows:
        blocks.append(Folded(f"{len(bad.rows):,} cannot be read and were left out", (_shortened(bad),)))
    if twins.rows:
        count = f"{len(twins.rows):,} are duplicates: {groups:,} groups of the same bytes"
        blocks.append(Folded(count, (_shortened(twins),)))
    return Section("Images to look at", tuple(blocks)) if blocks else None


def _shortened(table: Table) -> Table:
    more = len(table.rows) - MOST_ROWS
    if more <= 0:
        return table
    ellipsis = (f"and {more:,} more", *[""] * (len(table.columns) - 1))
    return Table(table.columns, (*table.rows[:MOST_ROWS], ellipsis))

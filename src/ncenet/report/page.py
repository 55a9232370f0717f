"""The report, section by section: what it says and in which order, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from ncenet.compare.records import Results, Run
from ncenet.report import models, pictures, protocol, prototypes, sections, tables, words
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, Section, Verdicts
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_svg

SectionMaker: TypeAlias = Callable[[Results], Section | None]
"""Makes a section from the results of a comparison; None when there is nothing to say."""


def title_of_comparison(results: Results) -> str:
    """Title of the report of a comparison."""
    comparison = results.comparison
    images = Path(comparison.base.data.train).name
    return comparison.title or f"{len(comparison.arms)} arms compared on {images}"


def title_of_run(run: Run) -> str:
    """Title of the report of a run."""
    return f"One run of {run.recipe.loop.strategy} on {Path(run.recipe.data.train).name}"


def sections_of_comparison(results: Results) -> list[Section]:
    """What the report of a comparison says."""
    return [section for make in COMPARISON_SECTIONS if (section := make(results)) is not None]


def sections_of_run(run: Run) -> list[Section]:
    """What the report of a single run says."""
    recipe = run.recipe
    missing = recipe.loop.cycles - len(run.cycles)
    lines = curves.lines_of_run(run)
    said: list[Block] = [Verdicts((("unclear", words.headline(run)),))]
    if missing > 0:
        said.append(Note(f"{missing} of {recipe.loop.cycles} cycles were not run."))
    parts = [Section("", tuple(said))]
    if lines:
        svg = as_svg(curves.learning_curves(lines, metric=run.metric, unit=run.unit))
        parts.append(Section("Learning curve", (Figure("curves", svg, "One run, one seed."),)))
    parts += [
        Section("Cycles", (tables.of_run(run),)),
        Section("What these numbers are", (Facts(protocol.protocol_of_run(recipe)),)),
        Section("Classes", (sections.folded_if_long(tables.classes_of_run(run)),)),
        Section("What was run", (Folded("The recipe", (Code(recipe.to_yaml()),)),)),
    ]
    parts += pictures.pictures_of_run(run)
    images = sections.images_to_look_at(run)
    return parts if images is None else [*parts, images]


COMPARISON_SECTIONS: Sequence[SectionMaker] = (
    sections.verdicts,
    sections.summary,
    sections.learning_curves,
    sections.by_cycle,
    sections.balanced,
    prototypes.section,
    sections.cycle_by_cycle,
    sections.labels_saved,
    sections.head_and_selection,
    sections.best_rivals,
    sections.classes,
    sections.queried,
    sections.overlap,
    models.information,
    models.embedding,
    models.regions,
    sections.cost,
    sections.protocol_of_all,
    sections.compared,
    pictures.pictures_of_comparison,
    sections.images,
)
"""What the report of a comparison says, in order."""

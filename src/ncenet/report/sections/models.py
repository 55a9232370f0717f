"""Sections on what the networks make of the images, from the files that the analysis left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.compare.analysis.records import EMBEDDING, REGIONS, Analysis, information_name, read_analysis
from ncenet.compare.records import Results
from ncenet.report.blocks import Block, Figure, Note, ReportSection
from ncenet.report.figures.drawing import as_svg
from ncenet.report.figures.embedding import embedding_caption, embedding_figure
from ncenet.report.figures.information import information_caption, information_figure
from ncenet.report.figures.regions import regions_caption, regions_figure
from ncenet.report.sections import comparison_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@comparison_sections.register("information", order=14)
def information(results: Results) -> ReportSection | None:
    """Subset information (Fig. 3 of the paper)."""
    seeds = results.comparison.seeds
    analysis = read_analysis(results.folder, seeds)
    found = analysis.information
    drawn = (information_figure(found), information_caption(found)) if found else None
    names = [information_name(seed) for seed in seeds]
    return _section("How information is spread over the pool", "information", drawn, analysis, names)


@comparison_sections.register("embedding", order=15)
def embedding(results: Results) -> ReportSection | None:
    """t-SNE over the cycles (Fig. 4 of the paper)."""
    analysis = read_analysis(results.folder, results.comparison.seeds)
    found = analysis.embedding
    drawn = (embedding_figure(found), embedding_caption(found)) if found else None
    return _section("Where the queried images lie", "embedding", drawn, analysis, [EMBEDDING])


@comparison_sections.register("regions", order=16)
def regions(results: Results) -> ReportSection | None:
    """Decision regions (Fig. 1 and 2 of the paper)."""
    analysis = read_analysis(results.folder, results.comparison.seeds)
    found = analysis.regions
    drawn = (regions_figure(found), regions_caption(found)) if found else None
    return _section("What the scores find informative", "regions", drawn, analysis, [REGIONS])


def _section(
    title: str, name: str, drawn: tuple[Drawing, str] | None, analysis: Analysis, names: list[str]
) -> ReportSection | None:
    blocks: list[Block] = []
    if drawn is not None:
        figure, caption = drawn
        blocks.append(Figure(name, as_svg(figure), caption))
    # Seeds share their reasons, and one is enough.
    reasons = dict.fromkeys(analysis.problems[name] for name in names if name in analysis.problems)
    blocks += [Note(f"Not drawn: {reason}") for reason in reasons]
    return ReportSection(title, tuple(blocks)) if blocks else None

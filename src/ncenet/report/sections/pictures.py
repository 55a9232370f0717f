"""Pictures that the loop left behind: what the detector sees, and where in an image a score came from."""

from __future__ import annotations

from pathlib import Path

from ncenet.compare.records import Results, RunResults
from ncenet.report.blocks import Block, Folded, Note, Picture, ReportSection
from ncenet.report.sections import comparison_sections, run_sections
from ncenet.tables import read_csv

OF_A_RUN = 6
"""Pictures of a kind in the report of a run."""
OF_AN_ARM = 3
"""Pictures of a kind and arm in the report of a comparison."""
_TITLES = {
    "test": "What was found on held-out images",
    "query": "Where the scores of queried images came from",
}


@run_sections.register("pictures", order=7)
def pictures_of_run(run: RunResults) -> list[ReportSection]:
    """What the last model sees, and why it asked; none when no pictures were drawn."""
    return [ReportSection(title, pictures) for title, pictures in _pictures(run.folder, OF_A_RUN).items()]


@comparison_sections.register("pictures", order=20)
def pictures_of_comparison(results: Results) -> ReportSection | None:
    """The same for each arm, of its first seed; None when no pictures were drawn."""
    seed = results.comparison.seeds[0]
    arms: list[Block] = []
    for arm in results.comparison.arms:
        run = results.runs.get((arm.name, seed))
        drawn = {} if run is None else _pictures(run.folder, OF_AN_ARM)
        blocks: list[Block] = []
        for title, pictures in drawn.items():
            blocks += [Note(title), *pictures]
        if blocks:
            arms.append(Folded(f"{arm.name}, seed {seed}", tuple(blocks)))
    return ReportSection("What was found, and where scores came from", tuple(arms)) if arms else None


def _pictures(run: Path, most: int) -> dict[str, tuple[Picture, ...]]:
    """Those of each kind, of the last cycle that has any, by title."""
    drawn: dict[str, tuple[Picture, ...]] = {}
    for kind, title in _TITLES.items():
        for table in sorted(run.glob("cycles/*/pictures/pictures.csv"), reverse=True):
            rows = [row for row in read_csv(table)[1] if row[1] == kind][:most]
            if rows:
                drawn[f"{title}, cycle {int(table.parent.parent.name)}"] = tuple(
                    Picture((table.parent / file).read_bytes(), f"{id}: {caption}")
                    for file, _, id, caption in rows
                )
                break
    return drawn

"""Pictures that the loop left behind: what the detector sees, and where in an image a score came from."""

from __future__ import annotations

import csv
from pathlib import Path

from ncenet.compare.records import Results, Run
from ncenet.report.blocks import Block, Folded, Note, Picture, Section

OF_A_RUN = 6
"""Pictures of a kind in the report of a run."""
OF_AN_ARM = 3
"""Pictures of a kind and arm in the report of a comparison."""
_TITLES = {
    "test": "Held-out images: true boxes on the left, found ones on the right",
    "query": "Queried images, most informative first: on the right, where the anchors score high",
}


def pictures_of_run(run: Run) -> Section | None:
    """What the last model sees, and why it asked; None when no pictures were drawn."""
    blocks = _pictures(run.folder, OF_A_RUN)
    return Section("Pictures", tuple(blocks)) if blocks else None


def pictures_of_comparison(results: Results, folder: Path) -> Section | None:
    """The same for each arm, of its first seed; None when no pictures were drawn."""
    seed = results.comparison.seeds[0]
    arms: list[Block] = []
    for arm in results.comparison.arms:
        if (arm.name, seed) in results.runs and (
            blocks := _pictures(results.runs[arm.name, seed].folder, OF_AN_ARM)
        ):
            arms.append(Folded(f"{arm.name}, seed {seed}", tuple(blocks)))
    return Section("Pictures", tuple(arms)) if arms else None


def _pictures(run: Path, most: int) -> list[Block]:
    """Those of the last cycle that has any of a kind."""
    blocks: list[Block] = []
    for kind, title in _TITLES.items():
        for table in sorted(run.glob("cycles/*/pictures/pictures.csv"), reverse=True):
            with table.open(encoding="utf-8", newline="") as lines:
                rows = [row for row in csv.DictReader(lines) if row["kind"] == kind][:most]
            if rows:
                cycle = int(table.parent.parent.name)
                blocks.append(Note(f"{title}; cycle {cycle}."))
                blocks += [
                    Picture((table.parent / row["file"]).read_bytes(), f"{row['id']}: {row['caption']}")
                    for row in rows
                ]
                break
    return blocks

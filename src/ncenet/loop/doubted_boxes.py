"""Have the detector of a cycle look at the images that have boxes; write down which of those it doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.boxes import Boxes
from ncenet.run.box_doubts import Slip, box_doubts
from ncenet.run.doubts import some_of
from ncenet.run.record_files import write_doubts

if TYPE_CHECKING:
    from ncenet.loop.loop import Loop
    from ncenet.types import BoxLearner

LEAST, MOST = 20, 200
"""Boxes are doubted when so many images have some (ours): fewer say little. Of more, so many are drawn anew
after each fit, for to look at all of them would take too long."""


def doubt_boxes(loop: Loop, cycle: int, learner: BoxLearner) -> None:
    """Write down which images have boxes that look wrong, the worst first, and what seems to have slipped.

    Args:
        loop: the run.
        cycle: which one.
        learner: holds its model.
    """
    labels = loop.labeled()
    if len(labels) < LEAST:
        return
    rows = some_of(list(range(len(labels))), MOST, loop.streams.numpy("subset", -cycle, 1))
    drawn = {labels[row][0]: Boxes.from_label(labels[row][1]) for row in rows}
    found = {said.id: said for said in learner.detect(loop.pool, list(drawn))}
    worst: dict[str, Slip] = {}
    for doubt in box_doubts(drawn, found):
        worst.setdefault(doubt.id, doubt.slip)
    write_doubts(loop.folder.cycle(cycle), list(worst), list(worst.values()))

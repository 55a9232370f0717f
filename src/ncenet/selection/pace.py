"""How long people take for an image and for a box, by the answers in a ledger."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from ncenet.boxes import Boxes
from ncenet.counts import count_of
from ncenet.errors import DataError, UsageError
from ncenet.ledger.ledger import Ledger

PAUSE = 300.0
"""Seconds from which on the gap between two answers is a pause (ours)."""
FEWEST = 10
"""Answers in a row that tell a pace (ours)."""


class Pace(NamedTuple):
    """What an annotator takes.

    Attributes:
        image: seconds an image.
        box: seconds a box beside that.
        answers: how many gaps between answers tell it.
    """

    image: float
    box: float
    answers: int


def pace_of(ledger: Ledger) -> Pace:
    """The pace of the people who answered: the median gap between two answers of one of them.

    With boxes it is a line through the gaps over the number of boxes. Gaps of less than a fifth of a second,
    which are answers that came in together, and pauses count nothing.

    Raises:
        UsageError: there are too few answers, or they came in all at once.
    """
    last: dict[str, datetime] = {}
    gaps: list[tuple[float, int]] = []
    boxes = ledger.recall("task") == "detection"
    for event in ledger.events():
        at = datetime.fromisoformat(event.at)
        before = last.get(event.who)
        last[event.who] = at
        if before is None or event.kind == "undo":
            continue
        seconds = (at - before).total_seconds()
        if 0.2 <= seconds < PAUSE:
            gaps.append((seconds, _boxes(event.label) if boxes else 0))
    if len(gaps) < FEWEST:
        raise UsageError(
            f"{count_of(len(gaps), 'answer')} one after the other: too few to tell a pace, which takes "
            f"{FEWEST}; give `seconds_per_image`"
        )
    seconds_N, boxes_N = (np.array(column, float) for column in zip(*gaps, strict=True))
    if np.ptp(boxes_N) > 0:
        slope, start = np.polyfit(boxes_N, seconds_N, 1)
        if slope > 0 and start > 0:
            return Pace(float(start), float(slope), len(gaps))
    return Pace(float(np.median(seconds_N)), 0.0, len(gaps))


def _boxes(label: str | None) -> int:
    try:
        return len(Boxes.from_label(label or "[]"))
    except DataError:
        return 0

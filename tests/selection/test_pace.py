"""How long people take, by the answers of a ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ncenet.boxes import Boxes
from ncenet.errors import UsageError
from ncenet.selection.pace import pace_of


def ledger(gaps, *, task="classification", boxes=()):
    """One that holds answers with such gaps; a real one has no clock that a test could set."""
    at, events = datetime(2026, 1, 1, tzinfo=UTC), []
    for n, gap in enumerate([0, *gaps]):
        at += timedelta(seconds=gap)
        count = boxes[n - 1] if n and boxes else 0
        label = Boxes(((0, 0, 9, 9),) * count, ("a",) * count).to_label()
        events.append(SimpleNamespace(at=at.isoformat(), who="ann", kind="answer", label=label))
    return SimpleNamespace(recall=lambda key: task, events=lambda: events)


def test_the_median_without_pauses_and_without_what_came_together():
    assert pace_of(ledger([3, 4, 5] * 5 + [4000, 0.01, 0.01])) == (4, 0, 15)


def test_boxes_take_time_of_their_own():
    boxes = [1, 2, 5, 3] * 4
    image, box, _ = pace_of(ledger([6 + 2.5 * n for n in boxes], task="detection", boxes=boxes))
    assert (image, box) == pytest.approx((6, 2.5))


def test_too_few():
    with pytest.raises(UsageError, match=r"3 answers one after the other: too few to tell a pace"):
        pace_of(ledger([3, 3, 3]))

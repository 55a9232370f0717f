"""What came of second looks: at labels that looked wrong, and at images that people dispute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ncenet.boxes import Boxes
from ncenet.ledger.again import Twice
from ncenet.ledger.ledger import Ledger
from ncenet.run.box_doubts import agree


class Looked(NamedTuple):
    """What came of some second looks.

    Attributes:
        answered: how many images were answered again.
        changed: of how many the second answer says something else. Boxes say something else when they are
            other objects: nobody draws the same pixels twice.
    """

    answered: int
    changed: int


class SecondLooks(NamedTuple):
    """What came of all second looks.

    Attributes:
        labels: at labels that looked wrong.
        disputes: at images about which two annotators said different things; changed are those where the
            answer that stood was not borne out.
    """

    labels: Looked
    disputes: Looked


def second_looks(ledger: Ledger) -> SecondLooks:
    """What came of the second looks of a run."""
    twice, boxed = ledger.again.outcomes("doubt"), ledger.recall("task") == "detection"
    return SecondLooks(
        _looked((one for one in twice if one.suspicion != "dispute"), boxed),
        _looked((one for one in twice if one.suspicion == "dispute"), boxed),
    )


def _looked(twice: Iterable[Twice], boxed: bool) -> Looked:
    pairs = [(one.before, one.after) for one in twice]
    return Looked(len(pairs), sum(_differ(*pair, boxed) for pair in pairs))


def _differ(before: str | None, after: str | None, boxed: bool) -> bool:
    if not boxed or before is None or after is None:
        return before != after
    return not agree(Boxes.from_label(before), Boxes.from_label(after))

"""What goes into a ledger and comes back out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple

from ncenet.counts import count_of
from ncenet.errors import LedgerError
from ncenet.ledger.provenance import Provenance
from ncenet.types import Label, Query


class Answer(Enum):
    """What an annotator may say instead of a class name; either way the image is not asked for again.

    >>> import ncenet
    >>> ncenet.Answer.SKIP.value, ncenet.Answer.UNSURE.value
    ('skip', 'unsure')
    """

    SKIP = "skip"
    """Not to be labelled: out of scope, broken, private."""

    UNSURE = "unsure"
    """The annotator can't tell."""


class Item(NamedTuple):
    """An image of the pool.

    Attributes:
        id: its id in the pool.
        hash: hash of its bytes.
        problem: why it cannot be read; None for a sound image.
    """

    id: str
    hash: str
    problem: str | None = None


class Event(NamedTuple):
    """One thing that an annotator did.

    Attributes:
        seq: number of the event, from 1; later events have larger numbers.
        at: when, ISO 8601, UTC.
        who: the annotator, or whatever answered in their place.
        kind: a label, one of the answers that are none, or the undoing of an earlier event.
        id: the image.
        label: the class name of an ``"answer"``, else None.
        cycle: the cycle whose model asked; 0 before there was one.
        hash: hash of the image's bytes when it was answered.
        undoes: ``seq`` of the event that an ``"undo"`` takes back, else None.
    """

    seq: int
    at: str
    who: str
    kind: Literal["answer", "skip", "unsure", "undo"]
    id: str
    label: Label | None
    cycle: int
    hash: str
    undoes: int | None


class Cycle(NamedTuple):
    """A fit that was started.

    Attributes:
        number: from 1.
        upto: the fit learns from the answers up to this event.
    """

    number: int
    upto: int


@dataclass(frozen=True)
class RecordedQuery:
    """A query that was made.

    Attributes:
        number: from 1.
        cycle: the cycle whose model scored the pool.
        asked: who asked.
        query: the images, most informative first.
    """

    number: int
    cycle: int
    asked: Provenance
    query: Query


def not_as_labelled(what: str, ids: Sequence[str]) -> LedgerError:
    """The error of images that are not what they were when they were labelled."""
    more = f" and {len(ids) - 20} more" if len(ids) > 20 else ""
    return LedgerError(
        f"{count_of(len(ids), 'image')} {what}: {', '.join(ids[:20])}{more}; restore them, "
        "or take their answers back: the word undo in ncenet tell"
    )

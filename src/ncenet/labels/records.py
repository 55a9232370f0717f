"""Answers on their way out of a ledger or into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from ncenet.box_gate import Size
from ncenet.class_names import shown
from ncenet.errors import DataError
from ncenet.ledger import Answer, Event, Item
from ncenet.types import Label, Pool

Kind: TypeAlias = Literal["answer", "skip", "unsure"]
"""What sort of answer it is: a label, or one of the two that close an image without one."""

COLUMNS = ("id", "label", "kind", "hash", "who", "at", "cycle")
"""What a table of records says of an answer, in this order."""
WORDS = (*(answer.value for answer in Answer), "undo")
"""What may stand in the place of a label: skip and unsure, and undo in answers to a query."""
WRITTEN = (*COLUMNS, "held_out")
"""What is written: also ``yes`` where the image measures the model, so that nobody trains on it unawares."""


@dataclass(frozen=True)
class Record:
    """One answer. What a file does not say is None.

    Attributes:
        id: the image.
        label: the class name, or the boxes as text, of an ``"answer"``; else None.
        kind: a label, skip or unsure.
        hash: hash of the image's bytes when it was answered.
        who: the annotator.
        at: when, ISO 8601, UTC.
        cycle: the cycle whose model asked; 0 before there was one.
        unsaid: the file merely lists the image, and doesn't say whether somebody has looked at it.
        drawn_on: (width, height) of the image on which boxes were drawn, as whoever drew them has it.
        held_out: ``"yes"`` if the image measures the model; written, and never read: the run knows.
    """

    id: str
    label: Label | None
    kind: Kind = "answer"
    hash: str | None = None
    who: str | None = None
    at: str | None = None
    cycle: int | None = None
    unsaid: bool = False
    drawn_on: Size | None = None
    held_out: str = field(default="", compare=False)

    @classmethod
    def of(cls, event: Event, *, held_out: bool = False) -> Record:
        """A standing answer of a ledger.

        Args:
            event: the answer.
            held_out: whether its image, or one with the same bytes, measures the model.

        Raises:
            ValueError: the event takes an answer back and is none itself.
        """
        if event.kind == "undo":
            raise ValueError(f"event {event.seq} is an undo")
        return cls(
            event.id,
            event.label,
            event.kind,
            event.hash,
            event.who,
            event.at,
            event.cycle,
            held_out="yes" if held_out else "",
        )

    @property
    def answer(self) -> Label | Answer:
        """What :meth:`ncenet.ledger.Ledger.tell` takes."""
        return (self.label or "") if self.kind == "answer" else Answer(self.kind)

    def row(self) -> dict[str, str | int | None]:
        """The values of :data:`WRITTEN`."""
        return {column: value for column, value in asdict(self).items() if column in WRITTEN}


@dataclass(frozen=True)
class Labels:
    """What a format writes.

    Attributes:
        records: the answers, in the order in which they arrived.
        class_names: the C classes.
        pool: opens the images, for formats that need more than their ids.
        task: what the labels are.
        link: make links to image files instead of copies.
        raw: leave cells of CSV alone that a spreadsheet would take for formulas.
    """

    records: Sequence[Record]
    class_names: tuple[str, ...]
    pool: Callable[[], Pool]
    task: Literal["classification", "detection"] = "classification"
    link: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Known:
    """What a format may lean on when it reads: the images and classes of the run that takes the answers.

    Attributes:
        items: the images.
        class_names: the C classes.
        pool: opens the images, for formats whose numbers are relative to an image's size.
    """

    items: Sequence[Item]
    class_names: tuple[str, ...]
    pool: Callable[[], Pool] = field(repr=False)

    @cached_property
    def by_id(self) -> dict[str, Item]:
        """The images by their ids."""
        return {item.id: item for item in self.items}

    @cached_property
    def by_hash(self) -> dict[str, list[str]]:
        """Ids of the images with these bytes."""
        found: dict[str, list[str]] = {}
        for item in self.items:
            found.setdefault(item.hash, []).append(item.id)
        return found

    def record(self, row: Mapping[str, Any], where: str) -> Record | None:
        """The answer in a row of a table, in which only ``id`` and ``label`` must be.

        Blanks around the name of a class, and around a word, mean nothing. An empty label in a row without
        ``kind`` is no answer. There the words skip and unsure stand for themselves, unless a class is called
        so.

        Args:
            row: values by column; None or "" for what is not known.
            where: file and line, for messages.

        Raises:
            DataError: a value is not what its column holds.
        """
        values = {column: row.get(column) for column in COLUMNS}
        for column, value in values.items():
            expected: type = int if column == "cycle" else str
            if value is not None and (not isinstance(value, expected) or isinstance(value, bool)):
                raise DataError(f"{where} {column} is {value!r}, not {_WORDS[expected]}")
        if values["id"] is None:
            raise DataError(f"{where} the id is missing")
        label, kind = values["label"] or None, _kind(values["kind"] or None, where)
        if label is not None and label not in self.class_names:
            bare = label.strip()  # a cell " cat " of a spreadsheet; no class has blanks around it
            said = bare in self.class_names or bare.lower() in WORDS
            label = bare if said or (kind is None and not bare) else label
        if kind is None:
            label = label or None
            if label is None:
                return None
            special = label in (Answer.SKIP.value, Answer.UNSURE.value) and label not in self.class_names
            kind, label = (_kind(label, where), None) if special else ("answer", label)
        if (kind == "answer") != (label is not None):
            raise DataError(f"{where} kind {kind} {'needs a' if kind == 'answer' else 'has no'} label")
        return Record(
            values["id"],
            label,
            kind or "answer",
            hash=values["hash"] or None,
            who=values["who"] or None,
            at=_time(values["at"], where) if values["at"] else None,
            cycle=values["cycle"],
        )


def _kind(text: str | None, where: str) -> Kind | None:
    for kind in get_args(Kind):
        if kind == text:
            found: Kind = kind
            return found
    if text is not None:
        raise DataError(f"{where} kind is {text!r}, not one of {', '.join(get_args(Kind))}")
    return None


def _time(text: str, where: str) -> str:
    """A time as the ledger writes it, so that times compare as text; one without a zone is in UTC."""
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and last days have no such time in every zone
        raise DataError(f"{where} at is {shown(text)}, not a time such as 2026-11-29T10:00:00Z") from None
    return f"{time.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


_WORDS = {int: "a whole number", str: "text"}


def distinct(records: Iterable[Record], source: object) -> list[Record]:
    """The records without those that are there twice.

    Args:
        records: what was read.
        source: the file, for messages.

    Raises:
        DataError: an image has two answers that differ.
    """
    found: dict[str, Record] = {}
    for record in records:
        first = found.setdefault(record.id, record)
        if (first.kind, first.label) != (record.kind, record.label):
            raise DataError(f"{source}: answers {record.id!r} twice, and differently")
    return list(found.values())

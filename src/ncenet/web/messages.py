"""What the page may send and is shown: checked models, so that nothing else gets further than the door."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from ncenet.box_gate import BoxGate
from ncenet.boxes import Boxes
from ncenet.class_names import class_name_problem, shown
from ncenet.errors import DataError
from ncenet.ledger.inbox import NOW, Delivery, Together
from ncenet.ledger.notes import MOST as MOST_OF_A_NOTE
from ncenet.ledger.records import Answer
from ncenet.ledger.review import Said

MOST = 200
"""Answers in one parcel, ids that a window holds, answers on one sheet of the grid."""
MOST_TOGETHER = 2000
"""Images that one key labels at most, as picked in the pool; more than that nobody has looked at (ours)."""
MOST_BOXES = 1000
"""Boxes of one image (ours): nobody draws more, and their text stays below a request's largest size."""
LARGEST_SIDE = 1_000_000
"""Of an image, in pixels: no format that is read has larger ones."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only characters that can be printed")
    return text


def _class_name(text: str) -> str:
    problem = class_name_problem(text)
    if problem is not None:
        raise ValueError(f"the class {shown(text)} {problem}")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)
]
"""Of an annotator."""
ClassName = Annotated[str, AfterValidator(_class_name)]
"""Whatever the gate for names of classes lets through."""
TypedClassName = Annotated[
    ClassName, BeforeValidator(lambda text: text.strip() if isinstance(text, str) else text)
]
"""The same as somebody types it, perhaps with a blank too many."""


def _text(id: str) -> str:
    try:
        id.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character is no text") from None
    return id


Id = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_text)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
Edge = Annotated[float, Field(ge=-LARGEST_SIDE, le=LARGEST_SIDE, allow_inf_nan=False, strict=True)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Message(BaseModel):
    """Base of all: what is unknown is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AskForTurns(Message):
    """A window wants images; one that is closed wants none, and gives back what it holds."""

    window: Key
    who: Name
    holding: tuple[Id, ...] = Field((), max_length=MOST)
    want: int = Field(ge=0, le=20)


class Drawn(Message):
    """A box around an object, by its edges x1, y1, x2, y2 in pixels of the original image."""

    box: tuple[Edge, Edge, Edge, Edge]
    label: ClassName
    difficult: bool = False


class InGroup(Message):
    """That an answer was given to alike images at once."""

    party: Key
    shown: int = Field(ge=1, le=MOST_TOGETHER)
    kept: int = Field(ge=1, le=MOST_TOGETHER)
    purity: float = Field(ge=0, le=1, allow_inf_nan=False)
    kind: Literal["class", "copies", "picked"] = "class"
    of: Id | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> InGroup:
        if self.kept > self.shown:
            raise ValueError("no more can be kept than were shown")
        if (self.kind == "copies") != (self.of is not None):
            raise ValueError("near copies, and nothing else, are copies of an image")
        return self


class Entry(Message):
    """An answer, or the taking back of one."""

    key: Key
    id: Id
    kind: Literal["answer", "skip", "unsure", "undo"]
    label: ClassName | None = None
    boxes: tuple[Drawn, ...] | None = Field(None, max_length=MOST_BOXES)
    undoes: Key | None = None
    hash: Hash | None = None
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)
    together: InGroup | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        if (self.kind == "answer") != ((self.label is None) != (self.boxes is None)):
            raise ValueError("an answer, and nothing else, has either a label or boxes")
        if self.together is not None and (self.kind != "answer" or self.boxes is not None):
            raise ValueError("a label, and nothing else, is given to a group")
        if (self.kind == "undo") != (self.undoes is not None):
            raise ValueError("an undo, and nothing else, names what it undoes")
        try:
            self.drawn()
        except DataError as error:
            raise ValueError(str(error)) from error
        return self

    def drawn(self) -> Boxes | None:
        """The boxes of an answer; None when it has a label, or is none.

        Raises:
            DataError: a box has no area.
        """
        if self.boxes is None:
            return None
        return Boxes(
            tuple(each.box for each in self.boxes),
            tuple(each.label for each in self.boxes),
            tuple(each.difficult for each in self.boxes),
        )

    def delivery(self, who: str) -> Delivery:
        """As the ledger's inbox takes it."""
        closed = Answer(self.kind) if self.kind in ("skip", "unsure") else None
        drawn = self.drawn()
        answer = closed or (self.label if drawn is None else drawn.to_label())
        together = None if self.together is None else Together(**self.together.model_dump())
        return Delivery(self.key, who, self.id, answer, self.undoes, self.hash, self.seconds, together)


class Parcel(Message):
    """Answers of one annotator, in their order."""

    who: Name
    entries: tuple[Entry, ...] = Field(min_length=1, max_length=MOST)


class NewClass(Message):
    """A class that the run began without."""

    who: Name
    name: TypedClassName


class ClassLook(Message):
    """How a class is shown; ``example`` is the hash of an image of the run."""

    key: str | None = Field(None, pattern=r"^[a-z0-9]?$")
    colour: str | None = Field(None, pattern=r"^(#[0-9a-f]{6})?$")
    note: str | None = Field(None, max_length=500)
    example: str | None = Field(None, pattern=r"^([0-9a-f]{32})?$")


class ChangeClasses(Message):
    """A change of the classes; ``name`` is what it is about."""

    who: Name
    kind: Literal["rename", "merge", "delete", "order", "look", "again", "undo"]
    name: ClassName | None = None
    into: TypedClassName | None = None
    order: tuple[ClassName, ...] | None = Field(None, max_length=10_000)
    look: ClassLook | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> ChangeClasses:
        needs = {"rename": "into", "merge": "into", "order": "order", "look": "look"}.get(self.kind)
        given = {name for name in ("into", "order", "look") if getattr(self, name) is not None}
        if given != ({needs} if needs else set()) or (self.name is None) != (self.kind in ("order", "undo")):
            raise ValueError(f"not what {self.kind} needs")
        return self


class AskForGroup(Message):
    """A window wants alike images; those that it had go back.

    What is ``left`` over of them was crossed out: it is none of the classes ``crossed``. With ``of``, near
    copies of that image are wanted, and nothing else.
    """

    window: Key
    who: Name
    left: tuple[Id, ...] = Field((), max_length=MOST)
    crossed: tuple[ClassName, ...] = Field((), max_length=MOST)
    of: Id | None = None


class AskToSort(Message):
    """Sort the images, or with no likelihood say what would be sorted."""

    above: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    how: Literal["copy", "link"] = "copy"


class AskWhy(Message):
    """Why is this image asked for?"""

    id: Id


class NewNote(Message):
    """What an annotator has to say about an image; nothing takes the last note away."""

    who: Name
    id: Id
    text: Annotated[str, StringConstraints(max_length=MOST_OF_A_NOTE), AfterValidator(_text)]


class AskForSheet(Message):
    """A sheet of past answers."""

    limit: int = Field(60, ge=1, le=MOST)
    before: int | None = Field(None, ge=1, le=NOW)
    label: ClassName | None = None
    kind: Literal["answer", "skip", "unsure"] | None = None
    who: Name | None = None
    disputed: bool = False


class WantedImages(Message):
    """Which images of the pool somebody wants to see, and in which order."""

    guess: ClassName | None = None
    low: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    high: float = Field(1.0, ge=0, le=1, allow_inf_nan=False)
    folder: str = Field("", max_length=4096)
    since: date | None = None
    until: date | None = None
    order: Literal["name", "sure", "unsure", "new", "old"] = "name"

    @property
    def by_opinion(self) -> bool:
        """Whether only images that a model has looked at can be meant."""
        return self.guess is not None or self.order in ("sure", "unsure") or (self.low, self.high) != (0, 1)

    @property
    def by_date(self) -> bool:
        """Whether dates of files are needed."""
        return self.order in ("new", "old") or self.since is not None or self.until is not None


class AskForPool(Message):
    """A part of a list of images that nobody has answered; the list is made when it has no name yet."""

    wanted: WantedImages = WantedImages()
    name: Key | None = None
    start: int = Field(0, ge=0, le=NOW)
    count: int = Field(100, ge=1, le=MOST)


class AskForMine(Message):
    """The last answers of an annotator."""

    who: Name
    limit: int = Field(50, ge=1, le=MOST)


def deliveries(parcel: Parcel, *, detection: bool, gate: BoxGate) -> list[Delivery]:
    """Answers of the page as the ledger takes them, made sure to be of the kind that the run asks for.

    Args:
        parcel: what arrived.
        detection: whether the run asks for boxes.
        gate: what its boxes pass.

    Raises:
        DataError: an answer is of the other kind, or a box is none of its image; names the entry, counted
            from 0.
        UnknownName: a box is of none of the classes.
    """
    passed = []
    for n, entry in enumerate(parcel.entries):
        delivery = entry.delivery(parcel.who)
        if entry.kind == "answer" and detection:
            if entry.boxes is None:
                raise DataError(f"entries.{n}: this run asks for boxes, and this is a class: {entry.label!r}")
            label = gate.named(f"entries.{n}", entry.id, str(delivery.answer))
            delivery = replace(delivery, answer=label)
        elif entry.kind == "answer" and entry.boxes is not None:
            raise DataError(f"entries.{n}: this run asks for classes, and these are boxes")
        passed.append(delivery)
    return passed


def as_shown(said: Said, *, detection: bool) -> dict[str, Any]:
    """A past answer as JSON; in detection with its boxes in the place of their text."""
    fields = said._asdict()
    if not detection:
        return fields
    return fields | {"label": None, "boxes": None if said.label is None else json.loads(said.label)}

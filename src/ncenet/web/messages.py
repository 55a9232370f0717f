"""What the page may send: checked models, so that nothing else gets further than the door."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ncenet.ledger.answers import Answer
from ncenet.ledger.inbox import Delivery

MOST = 200
"""Answers in one parcel, ids that a window holds, answers on one sheet of the grid."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only characters that can be printed")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)
]
"""Of an annotator or a class."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
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


class Entry(Message):
    """An answer, or the taking back of one."""

    key: Key
    id: Id
    kind: Literal["answer", "skip", "unsure", "undo"]
    label: Name | None = None
    undoes: Key | None = None
    hash: Hash | None = None
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        if (self.kind == "answer") != (self.label is not None):
            raise ValueError("an answer, and nothing else, has a label")
        if (self.kind == "undo") != (self.undoes is not None):
            raise ValueError("an undo, and nothing else, names what it undoes")
        return self

    def delivery(self, who: str) -> Delivery:
        """As the ledger's inbox takes it."""
        closed = Answer(self.kind) if self.kind in ("skip", "unsure") else None
        return Delivery(self.key, who, self.id, closed or self.label, self.undoes, self.hash, self.seconds)


class Parcel(Message):
    """Answers of one annotator, in their order."""

    who: Name
    entries: tuple[Entry, ...] = Field(min_length=1, max_length=MOST)


class NewClass(Message):
    """A class that the run began without."""

    who: Name
    name: Name


class AskWhy(Message):
    """Why is this image asked for?"""

    id: Id


class AskForSheet(Message):
    """A sheet of past answers."""

    limit: int = Field(60, ge=1, le=MOST)
    before: int | None = Field(None, ge=1)
    label: Name | None = None
    kind: Literal["answer", "skip", "unsure"] | None = None
    who: Name | None = None
    disputed: bool = False


class AskForMine(Message):
    """The last answers of an annotator."""

    who: Name
    limit: int = Field(50, ge=1, le=MOST)

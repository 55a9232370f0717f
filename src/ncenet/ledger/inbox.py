"""Answers that may arrive twice: each carries a key that its sender made, and a key counts once.

A page in a browser can't know whether an answer whose acknowledgement got lost was recorded, so it sends
the answer again. The receipt of a key is written in the transaction of its answer: both are on disk or none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ncenet.boxes import Boxes
from ncenet.errors import DataError, LedgerError, NcenetError, UnknownName
from ncenet.ledger.database import Database
from ncenet.ledger.records import Answer, Item
from ncenet.ledger.schema import ASKED, NOT_UNDONE, OPEN_AGAIN, standing
from ncenet.types import Label

NOW = 2**63 - 1
"""Later than any event."""

UNDO = """
INSERT INTO events (who, kind, id, cycle, hash, undoes)
SELECT ?, 'undo', id, cycle, hash, seq FROM events WHERE seq = ?
"""


@dataclass(frozen=True)
class Together:
    """That an answer was given to alike images at once.

    Attributes:
        party: a key of the group, never used for another.
        shown: images that were on screen.
        kept: how many of them got this answer.
        purity: share of the images that was expected to be of one class, in [0, 1].
        kind: what the group was: of one class by the model's opinion, near copies of an image, or whatever
            somebody picked out of the pool.
        of: the image of which they are near copies; None of the other kinds.
    """

    party: str
    shown: int
    kept: int
    purity: float
    kind: Literal["class", "copies", "picked"] = "class"
    of: str | None = None


@dataclass(frozen=True)
class Delivery:
    """An answer, or the taking back of one, under a key of its sender's making.

    Attributes:
        key: never used for anything else, a random UUID say.
        who: the annotator.
        id: the image.
        answer: what it is; None takes back what was delivered under ``undoes``.
        undoes: key of the delivery that is taken back; of the same annotator.
        hash: hash of the bytes that the annotator saw; None when the sender does not know.
        seconds: how long the annotator looked; None when the sender does not know.
        together: the group that it was given to; None for an image by itself.
    """

    key: str
    who: str
    id: str
    answer: Label | Answer | None
    undoes: str | None = None
    hash: str | None = None
    seconds: float | None = None
    together: Together | None = None


class Inbox:
    """Takes deliveries.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def deliver(
        self,
        deliveries: Sequence[Delivery],
        *,
        cycle: int,
        classes: Collection[str] | None = None,
        hashes: Mapping[str, str] | None = None,
    ) -> dict[str, str | None]:
        """Record deliveries in their order; on disk when this returns.

        One that can't be recorded doesn't hold up the others, and leaves no receipt: put right, it may come
        again under the same key.

        Args:
            deliveries: those that came before count as recorded.
            cycle: the cycle whose model asked; 0 before there is one.
            classes: the class names that are allowed; None allows any.
            hashes: hash of the bytes that images have on disk now, by id; for images that are not named, the
                ledger's holds.

        Returns:
            Why each was refused, by key; None for what is recorded.
        """
        outcome: dict[str, str | None] = {}
        with self._db.transaction() as db:
            for delivery in deliveries:
                try:
                    if not self._known(delivery):
                        seq = self._record(db, delivery, cycle, classes, hashes or {})
                        db.execute(
                            "INSERT INTO receipts (key, seq, seconds) VALUES (?, ?, ?)",
                            (delivery.key, seq, delivery.seconds),
                        )
                    outcome[delivery.key] = None
                except NcenetError as error:  # raised before the first write of this delivery
                    outcome[delivery.key] = str(error)
        return outcome

    def _known(self, delivery: Delivery) -> bool:
        """Whether it came before.

        Raises:
            LedgerError: its key came before, with something else.
        """
        receipt = self._db.rows("SELECT seq FROM receipts WHERE key = :key", key=delivery.key)
        if receipt and not self._said(delivery, receipt[0][0]):
            raise LedgerError(f"the key {delivery.key!r} was used for something else: take another one")
        return bool(receipt)

    def _said(self, delivery: Delivery, seq: int | None) -> bool:
        """Whether a delivery says what event ``seq`` says; where none was written, whether any event does."""
        wanted: dict[str, Any] = {"seq": seq, "id": delivery.id, "who": delivery.who}
        event = "SELECT 1 FROM events WHERE (:seq IS NULL OR seq = :seq) AND id = :id AND who = :who"
        if delivery.answer is not None:
            detection = self._db.one("SELECT value FROM facts WHERE key = 'task'") == "detection"
            kind, label = _kind_and_label(delivery.id, delivery.answer, None, detection)
            same = f"{event} AND kind = :kind AND label IS :label"
            return self._db.one(same, **wanted, kind=kind, label=label) is not None
        receipt = self._db.rows("SELECT seq FROM receipts WHERE key = :key", key=delivery.undoes)
        if seq is None:  # nothing was there to undo
            return bool(receipt) and self._db.one(event, **wanted) is not None
        return (
            bool(receipt)
            and self._db.one(f"{event} AND undoes = :of", **wanted, of=receipt[0][0]) is not None
        )

    def _record(
        self,
        db: Any,
        delivery: Delivery,
        cycle: int,
        classes: Collection[str] | None,
        hashes: Mapping[str, str],
    ) -> int | None:
        """The event that was written; None when nothing had to be."""
        if delivery.answer is None:
            return self._take_back(db, delivery)
        item = item_of(self._db, delivery.id)
        if delivery.hash is not None and delivery.hash != item.hash:
            raise LedgerError(f"{delivery.id!r} changed since it was shown: look at it again")
        if hashes.get(item.id, item.hash) != item.hash:
            raise LedgerError(f"{delivery.id!r} changed since it was scanned: start ncenet label again")
        if delivery.together is not None and self._measures(item):
            raise LedgerError(f"{delivery.id!r} measures the model: it is answered by itself")
        if delivery.together is not None and delivery.together.of is not None:
            item_of(self._db, delivery.together.of)
        again = self._db.one(OPEN_AGAIN + " AND again.id = :id", id=item.id, upto=NOW) is not None
        seq = record_answer(self._db, db, item, delivery.answer, delivery.who, cycle, classes, repeat=again)
        if seq is not None and delivery.together is not None:
            party = delivery.together
            row = (seq, party.party, party.shown, party.kept, party.purity)
            db.execute("INSERT INTO together VALUES (?, ?, ?, ?, ?)", row)
            if party.kind != "class":
                like = (party.party, party.kind, party.of)
                db.execute("INSERT OR IGNORE INTO parties (party, kind, of) VALUES (?, ?, ?)", like)
        return seq

    def _measures(self, item: Item) -> bool:
        """Whether the image, or one with the same bytes, is held out."""
        held_out = f"SELECT query FROM ({ASKED}) WHERE kind = 'held-out'"
        of_it = "SELECT id FROM items WHERE hash = :hash"
        found = f"SELECT 1 FROM queried WHERE id IN ({of_it}) AND query IN ({held_out})"
        return self._db.one(found, hash=item.hash) is not None

    def _take_back(self, db: Any, delivery: Delivery) -> int | None:
        receipt = self._db.rows("SELECT seq FROM receipts WHERE key = :key", key=delivery.undoes)
        if not receipt:
            raise LedgerError(f"{delivery.id!r} has no such answer to undo")
        (seq,) = receipt[0]
        item_of(self._db, delivery.id)
        about = self._db.one("SELECT id FROM events WHERE seq = :seq", seq=seq)
        if about is not None and about != delivery.id:
            raise LedgerError(f"that answer is about {about!r}, not about {delivery.id!r}")
        by = self._db.one("SELECT who FROM events WHERE seq = :seq", seq=seq)
        if by is not None and by != delivery.who:
            raise LedgerError(f"that answer about {delivery.id!r} is {by}'s: correct it with one of your own")
        stands = f"SELECT 1 FROM events WHERE seq = :seq AND {NOT_UNDONE}"
        if seq is None or self._db.one(stands, seq=seq, upto=NOW) is None:
            return None  # it repeated what stood before, or is taken back already
        return int(db.execute(UNDO, (delivery.who, seq)).lastrowid)


def record_answer(
    database: Database,
    db: Any,
    item: Item,
    answer: Label | Answer,
    who: str,
    cycle: int,
    classes: Collection[str] | None,
    *,
    repeat: bool = False,
) -> int | None:
    """Write an answer within a transaction, unless its annotator repeats what stands.

    Args:
        database: for reading.
        db: the transaction.
        item: the image.
        answer: what it is.
        who: the annotator.
        cycle: the cycle whose model asked.
        classes: the class names that are allowed; None allows any.
        repeat: the image was asked for again, so what its annotator repeats says something.

    Returns:
        Number of the event; None for a repetition.

    Raises:
        LedgerError: the image cannot be read, the label is empty, or in detection it is no text of boxes.
        UnknownName: a class is not among ``classes``.
    """
    detection = database.one("SELECT value FROM facts WHERE key = 'task'") == "detection"
    kind, label = _kind_and_label(item.id, answer, classes, detection)
    said = database.rows(f"SELECT who, kind, label FROM ({standing('id = :id')})", id=item.id, upto=NOW)
    if said == [(who, kind, label)] and not repeat:
        return None
    if item.problem is not None:
        raise LedgerError(f"{item.id!r} cannot be labelled, it cannot be read: {item.problem}")
    cursor = db.execute(
        "INSERT INTO events (who, kind, id, label, cycle, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (who, kind, item.id, label, cycle, item.hash),
    )
    return int(cursor.lastrowid)


def take_back(database: Database, db: Any, id: str, who: str, *, repeat: bool = True) -> int | None:
    """Take back the standing answer of an image within a transaction.

    Args:
        database: for reading.
        db: the transaction.
        id: the image.
        who: who takes it back, which need not be who gave it.
        repeat: also if that was the last thing that this annotator, or anybody, did about it.

    Returns:
        Number of the event; None for a repetition.

    Raises:
        LedgerError: the image has no standing answer.
    """
    seq = database.one(standing("id = :id"), id=id, upto=NOW)
    last = database.rows("SELECT kind, who FROM events WHERE id = :id ORDER BY seq DESC LIMIT 1", id=id)
    if not repeat and (last == [("undo", who)] or (last and seq is None)):
        return None
    if seq is None:
        raise LedgerError(f"{id!r} has no answer to undo")
    return int(db.execute(UNDO, (who, seq)).lastrowid)


def item_of(database: Database, id: str) -> Item:
    """The image of that id.

    Raises:
        LedgerError: there is none.
    """
    rows = database.rows("SELECT id, hash, problem FROM items WHERE id = :id", id=id)
    if not rows:
        raise LedgerError(f"{id!r} is not an image of this pool")
    return Item(*rows[0])


def _kind_and_label(
    image: str, answer: Label | Answer, classes: Collection[str] | None, detection: bool
) -> tuple[str, Label | None]:
    if isinstance(answer, Answer):
        return answer.value, None
    if not answer:
        raise LedgerError(f"{image!r}: empty label; to leave an image out, answer skip or unsure")
    if detection:
        return "answer", _canonical_boxes(image, answer, classes)
    if classes is not None and answer not in classes:
        raise UnknownName("class", answer, classes, where=repr(image))
    return "answer", answer


def _canonical_boxes(image: str, answer: Label, classes: Collection[str] | None) -> Label:
    """The one text of these boxes, however they were written."""
    try:
        return Boxes.from_label(answer, classes=classes).to_label()
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, error.known, where=f"{image!r}, {error.where}") from None
    except DataError as error:
        raise LedgerError(f"{image!r}: {error}") from error

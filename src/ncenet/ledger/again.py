"""Images that are asked for again though they have an answer: both answers stay on record.

Three reasons: a sample of what was answered in groups is asked for singly (``check``), a label looks wrong
(``doubt``), or a class is to be divided (``split``). What a doubt suspects may be known: that people dispute
the image, or a slip among its boxes. Who answers does not see that it is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ncenet.ledger.database import Database
from ncenet.ledger.inbox import NOW
from ncenet.ledger.schema import NOT_UNDONE, OPEN_AGAIN
from ncenet.types import Label

Why: TypeAlias = Literal["check", "doubt", "split"]
Suspicion: TypeAlias = Literal["dispute", "missing", "loose", "swapped"]


class Twice(NamedTuple):
    """An image that was answered again.

    Attributes:
        id: the image.
        before: its label when it was asked for again; None when that was skip or unsure.
        after: what was said then.
        suspicion: what a doubt was about, where that is known.
    """

    id: str
    before: Label | None
    after: Label | None
    suspicion: Suspicion | None = None


class Second(NamedTuple):
    """An image that waits to be answered again.

    Attributes:
        number: of the request.
        id: the image.
        why: the reason.
        suspicion: what a doubt is about, where that is known.
    """

    number: int
    id: str
    why: Why
    suspicion: Suspicion | None = None


class Group(NamedTuple):
    """What became of images that were shown together.

    Attributes:
        shown: how many they were.
        kept: how many of them got the answer.
        purity: share that was expected to, in [0, 1].
    """

    shown: int
    kept: int
    purity: float


class Again:
    """Asks for images again, and compares. Callers take care that images have an answer.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def ask(self, ids: Sequence[str], why: Why, about: Mapping[str, Suspicion] | None = None) -> None:
        """Have images answered again; those that wait for that already wait once.

        Args:
            ids: images that have an answer.
            why: the reason.
            about: what is suspected of some of them.
        """
        with self._db.transaction() as db:
            waiting = {row[1] for row in self._db.rows(OPEN_AGAIN, upto=NOW)}
            last = int(self._db.one("SELECT ifnull(max(seq), 0) FROM events"))
            for id in ids:
                if id in waiting:
                    continue
                number = db.execute(
                    "INSERT INTO again (id, why, upto) VALUES (?, ?, ?)", (id, why, last)
                ).lastrowid
                if about and id in about:
                    db.execute("INSERT INTO suspicions (number, what) VALUES (?, ?)", (number, about[id]))

    def waiting(self) -> list[Second]:
        """What nobody has answered since it was asked for again, in order."""
        rows = self._db.rows(OPEN_AGAIN + " ORDER BY number", upto=NOW)
        return [Second(number, id, why, what) for number, id, why, _, what in rows]

    def asked(self, why: Why) -> set[str]:
        """Ids of all that were ever asked for again for this reason."""
        return set(self._db.column("SELECT id FROM again WHERE why = :why", why=why))

    def outcomes(self, why: Why) -> list[Twice]:
        """What was said before and after, of those that were answered again."""
        said = f"SELECT label FROM events WHERE events.id = again.id AND {NOT_UNDONE}"
        rows = self._db.rows(
            f"""
            SELECT again.id,
                ({said} AND seq <= again.upto ORDER BY seq DESC LIMIT 1),
                ({said} AND seq > again.upto ORDER BY seq LIMIT 1),
                what
            FROM again LEFT JOIN suspicions USING (number)
            WHERE why = :why AND number NOT IN (SELECT number FROM ({OPEN_AGAIN})) ORDER BY number
            """,
            why=why,
            upto=NOW,
        )
        return [Twice(*row) for row in rows]

    def groups(self, last: int = 40) -> list[Group]:
        """What became of the last groups that the model made, the oldest first."""
        rows = self._db.rows(
            "SELECT max(shown), max(kept), max(purity), max(seq) AS latest FROM together "
            "WHERE party NOT IN (SELECT party FROM parties) GROUP BY party ORDER BY latest DESC LIMIT :last",
            last=last,
        )
        return [Group(shown, kept, purity) for shown, kept, purity, _ in reversed(rows)]

    def together(self) -> set[str]:
        """Ids of the images whose standing answer was given in a group."""
        return set(
            self._db.column(
                f"SELECT id FROM (SELECT id, max(seq) AS seq FROM events WHERE {NOT_UNDONE} GROUP BY id) "
                "WHERE seq IN (SELECT seq FROM together)",
                upto=NOW,
            )
        )

    def cross(self, ids: Iterable[str], label: Label, who: str) -> None:
        """Record that images were crossed out of a group: they are not of that class.

        Args:
            ids: images of the pool.
            label: the class.
            who: says so.
        """
        with self._db.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO crossed (id, label, who) SELECT id, ?, ? FROM items WHERE id = ?",
                ((label, who, id) for id in ids),
            )

    def crossed(self) -> dict[str, set[Label]]:
        """What images are not, by id, as the classes were called when that was said."""
        found: dict[str, set[Label]] = {}
        for id, label in self._db.rows("SELECT id, label FROM crossed"):
            found.setdefault(id, set()).add(label)
        return found

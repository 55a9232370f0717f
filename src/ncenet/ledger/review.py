"""Looking over what was answered: counts, the latest answers, who disagrees. Reads alone.

Whatever a page asks for between two key presses is found by an index, however many images there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ncenet.ledger.browse import Browse
from ncenet.ledger.database import Database
from ncenet.ledger.inbox import NOW
from ncenet.ledger.provenance import Provenance, provenance
from ncenet.ledger.records import Item
from ncenet.ledger.schema import ASKED, NOT_UNDONE, standing
from ncenet.types import Label

_STANDS = f"""
    {NOT_UNDONE} AND NOT EXISTS (
        SELECT 1 FROM events AS later WHERE later.id = events.id AND later.seq > events.seq
        AND later.kind != 'undo' AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = later.seq)
    )
"""
# The classes of an answer's boxes in one order: two people never draw the same pixels, so they disagree about
# an image when they see other objects on it.
_OBJECTS = """
    (SELECT group_concat(name, '/') FROM (
        SELECT json_extract(value, '$.label') AS name FROM json_each(label) ORDER BY name
    ))
"""


def _disputed(said: str) -> str:
    """Ids about which the latest answers of two annotators differ in ``said``."""
    return f"""
        SELECT id FROM (
            SELECT max(seq), id, kind, label FROM events WHERE {NOT_UNDONE} GROUP BY id, who
        ) GROUP BY id HAVING count(DISTINCT kind || '/' || ifnull({said}, '')) > 1
    """


class Said(NamedTuple):
    """An answer that nobody took back.

    Attributes:
        seq: number of its event.
        id: the image.
        hash: hash of the image's bytes when it was answered.
        who: the annotator.
        kind: a label, or one of the answers that are none.
        label: the class name of an ``"answer"``, else None.
        at: when, ISO 8601, UTC.
        key: what its sender called it; None when it did not come through the inbox.
    """

    seq: int
    id: str
    hash: str
    who: str
    kind: Literal["answer", "skip", "unsure"]
    label: Label | None
    at: str
    key: str | None


class Effort(NamedTuple):
    """What one annotator did.

    Attributes:
        who: the annotator.
        answers: how many images have an answer of theirs that nobody took back.
        seconds: median time for an answer; None when no time was measured.
    """

    who: str
    answers: int
    seconds: float | None


class Part(NamedTuple):
    """An image that was asked for and that too few have answered.

    Attributes:
        id: the image.
        hash: hash of its bytes.
        who: the annotators who have an answer about it that nobody took back.
        asked: who asked for it last.
        cycle: of that query.
    """

    id: str
    hash: str
    who: frozenset[str]
    asked: Provenance
    cycle: int


class Review:
    """Reads the answers of a ledger.

    Args:
        db: the file of the ledger.

    Attributes:
        browse: finds images that nobody has answered, however many they are.
    """

    def __init__(self, db: Database) -> None:
        self._db, self.browse = db, Browse(db)

    def readable(self) -> int:
        """How many images can be labelled."""
        return int(self._db.one("SELECT count(*) FROM items WHERE problem IS NULL"))

    def highest_row(self) -> int:
        """The largest argument for which :meth:`row` may find an image; 0 without images."""
        return int(self._db.one("SELECT ifnull(max(rowid), 0) FROM items"))

    def row(self, number: int) -> Item | None:
        """The image that was entered as number ``number`` from 1, if there is one."""
        rows = self._db.rows("SELECT id, hash, problem FROM items WHERE rowid = :number", number=number)
        return Item(*rows[0]) if rows else None

    def by_hash(self, hash: str) -> Item | None:
        """An image with these bytes; of several, the one that was entered first."""
        rows = self._db.rows(
            "SELECT id, hash, problem FROM items WHERE hash = :hash AND problem IS NULL "
            "ORDER BY rowid LIMIT 1",
            hash=hash,
        )
        return Item(*rows[0]) if rows else None

    def items(self, ids: Iterable[str]) -> dict[str, Item]:
        """The images of these ids; unknown ones are left out."""
        found = {}
        for id in ids:
            for row in self._db.rows("SELECT id, hash, problem FROM items WHERE id = :id", id=id):
                found[id] = Item(*row)
        return found

    def standing(self, id: str) -> Said | None:
        """What the image is called now."""
        said = self._said(f"id = :id AND {_STANDS}", "", id=id)
        return said[0] if said else None

    def answers(self, id: str) -> list[Said]:
        """The latest answer of each annotator about an image, in their order."""
        latest = {said.who: said for said in self._said(f"id = :id AND {NOT_UNDONE}", "ORDER BY seq", id=id)}
        return sorted(latest.values())

    def partly_answered(self, overlap: int) -> list[Part]:
        """Images that one annotator at least has answered and fewer than ``overlap`` have; the oldest first.

        Only those that a query asked for: what was imported is not asked for again.
        """
        rows = self._db.rows(
            f"""
            WITH parts AS (
                SELECT id, json_group_array(DISTINCT who) AS who, min(seq) AS first FROM events
                WHERE {NOT_UNDONE} GROUP BY id HAVING count(DISTINCT who) < :overlap
            ), asked AS (
                SELECT id, max(query) AS query FROM queried WHERE id IN (SELECT id FROM parts) GROUP BY id
            )
            SELECT id, hash, who, kind, strategy, cycle
            FROM parts JOIN asked USING (id) JOIN ({ASKED}) USING (query) JOIN items USING (id)
            WHERE problem IS NULL ORDER BY first
            """,
            overlap=overlap,
            upto=NOW,
        )
        return [
            Part(id, hash, frozenset(json.loads(who)), provenance(kind, strategy), cycle)
            for id, hash, who, kind, strategy, cycle in rows
        ]

    def counts(self) -> dict[tuple[str, Label | None], int]:
        """How many images stand under each kind of answer and label."""
        rows = self._db.rows(
            f"SELECT kind, label, count(*) FROM ({standing()}) GROUP BY kind, label", upto=NOW
        )
        return {(kind, label): count for kind, label, count in rows}

    def objects(self) -> dict[Label, int]:
        """How many boxes stand under each class, in detection."""
        return dict(
            self._db.rows(
                f"SELECT json_extract(value, '$.label') AS name, count(*) FROM ({standing()}), "
                "json_each(label) WHERE kind = 'answer' GROUP BY name",
                upto=NOW,
            )
        )

    def latest(
        self,
        limit: int,
        *,
        before: int = NOW,
        label: Label | None = None,
        kind: str | None = None,
        who: str | None = None,
        disputed: bool = False,
    ) -> list[Said]:
        """Standing answers, the latest first.

        Args:
            limit: how many at most.
            before: only events before this one: the last of the page before.
            label: only of this class; in detection, only with a box of it.
            kind: only ``"answer"``, ``"skip"`` or ``"unsure"``.
            who: only of this annotator.
            disputed: only images about which two annotators say different things.
        """
        where = [f"seq < :before AND {_STANDS}"]
        if label is not None and self._boxed:
            where.append(":label IN (SELECT json_extract(value, '$.label') FROM json_each(label))")
        elif label is not None:
            where.append("label = :label")
        where += ["kind = :kind"] if kind is not None else []
        where += ["who = :who"] if who is not None else []
        where += [f"id IN ({self._disputes()})"] if disputed else []
        return self._said(
            " AND ".join(where),
            "ORDER BY seq DESC LIMIT :limit",
            before=before,
            label=label,
            kind=kind,
            who=who,
            limit=limit,
        )

    def recent(self, who: str, limit: int) -> list[Said]:
        """The last answers of an annotator that nobody took back, the latest first."""
        return self._said(
            f"who = :who AND {NOT_UNDONE}", "ORDER BY seq DESC LIMIT :limit", who=who, limit=limit
        )

    def disputed(self) -> int:
        """How many images there are about which two annotators say different things.

        In detection: see another number of objects of some class.
        """
        return int(self._db.one(f"SELECT count(*) FROM ({self._disputes()})", upto=NOW))

    def disputes(self) -> list[str]:
        """Ids of the same, in the order in which they came up."""
        latest = "SELECT max(seq) FROM events WHERE events.id = disputed.id"
        return self._db.column(
            f"WITH disputed AS ({self._disputes()}) SELECT id FROM disputed ORDER BY ({latest})", upto=NOW
        )

    def differing_copies(self) -> list[tuple[str, ...]]:
        """Images with the same bytes and other labels, those that contradict each other together.

        Those that differ in being skipped or unsure are none. In detection: with another number of objects
        of some class.
        """
        said = _OBJECTS if self._boxed else "label"
        groups = self._db.column(
            f"SELECT json_group_array(id) FROM ({standing()}) WHERE kind = 'answer' AND hash != '' "
            f"GROUP BY hash HAVING count(DISTINCT ifnull({said}, '')) > 1 ORDER BY min(seq)",
            upto=NOW,
        )
        return [tuple(sorted(json.loads(ids))) for ids in groups]

    def efforts(self) -> list[Effort]:
        """What each annotator did, the most diligent first."""
        counts = self._db.rows(
            f"SELECT who, count(DISTINCT id) AS images FROM events WHERE {NOT_UNDONE} "
            "GROUP BY who ORDER BY images DESC, who",
            upto=NOW,
        )
        return [Effort(who, count, self._median_seconds(who)) for who, count in counts]

    def _median_seconds(self, who: str, among: int = 200) -> float | None:
        """Over an annotator's last answers: the pace of today, not that of the first hour."""
        times: Sequence[float] = self._db.column(
            "SELECT seconds FROM receipts JOIN events USING (seq) "
            "WHERE who = :who AND seconds IS NOT NULL AND kind != 'undo' ORDER BY seq DESC LIMIT :among",
            who=who,
            among=among,
        )
        return sorted(times)[len(times) // 2] if times else None

    @property
    def _boxed(self) -> bool:
        return bool(self._db.one("SELECT value FROM facts WHERE key = 'task'") == "detection")

    def _disputes(self) -> str:
        return _disputed(_OBJECTS if self._boxed else "label")

    def _said(self, condition: str, order: str, **values: object) -> list[Said]:
        rows = self._db.rows(
            "SELECT seq, id, hash, who, kind, label, at, "
            "(SELECT key FROM receipts WHERE receipts.seq = events.seq) "
            f"FROM events WHERE {condition} {order}",
            upto=NOW,
            **values,
        )
        return [Said(*row) for row in rows]

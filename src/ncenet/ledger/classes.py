"""Classes that live: renamed, merged, deleted, ordered, each change on record and to be undone.

A change of a class rewrites the answers that it touches, in the name of whoever gave them: the old ones stay,
the new ones stand. So whatever reads labels, an export, a fit, a count, sees the new names and needs to know
nothing of changes. Models and files from before are read with :meth:`Classes.renamed`.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Literal, NamedTuple, TypeAlias

from ncenet.class_names import check_class_names, folded, twin_of
from ncenet.errors import DataError, LedgerError, UnknownName
from ncenet.ledger.database import Database
from ncenet.ledger.inbox import NOW, UNDO
from ncenet.ledger.schema import NOT_UNDONE
from ncenet.types import Label

Kind: TypeAlias = Literal["rename", "merge", "delete", "order", "look"]


class ClassChange(NamedTuple):
    """A change that stands.

    Attributes:
        number: from 1.
        who: whoever made it.
        kind: what was done.
        name: the class as it was called then; "" of an order.
        value: the new name, the class that it was merged into, the order, or the look.
        first: the first event that it wrote; 0 when it wrote none.
        last: the last.
    """

    number: int
    who: str
    kind: Kind
    name: Label
    value: Any
    first: int
    last: int


class Classes:
    """The classes of a run, as they are now.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def names(self) -> tuple[Label, ...]:
        """All of them, in the order in which they are shown."""
        found = list(self._made())
        for change in self.changes():
            match change.kind:
                case "rename":
                    found[found.index(change.name)] = change.value
                case "merge" | "delete":
                    found.remove(change.name)
                case "order":
                    known = [name for name in change.value if name in found]
                    found = known + [name for name in found if name not in known]
        return tuple(found)

    def changes(self) -> list[ClassChange]:
        """What was changed and not undone, in order."""
        rows = self._db.rows(
            "SELECT number, who, kind, name, value, first, last FROM class_changes WHERE kind != 'undo' "
            "AND NOT EXISTS (SELECT 1 FROM class_changes AS u WHERE u.undoes = class_changes.number) "
            "ORDER BY number"
        )
        return [
            ClassChange(n, who, kind, name, json.loads(value), *at) for n, who, kind, name, value, *at in rows
        ]

    def renamed(self) -> dict[Label, Label]:
        """What classes of before are called now, those that were renamed or merged."""
        now: dict[Label, Label] = {}
        for change in self.changes():
            if change.kind in ("rename", "merge"):
                now = {old: change.value if name == change.name else name for old, name in now.items()}
                now[change.name] = change.value
            elif change.kind == "delete":
                now = {old: name for old, name in now.items() if name != change.name}
        return now

    def looks(self) -> dict[Label, dict[str, str]]:
        """Key, colour, note and example image that somebody gave to classes, by class."""
        found: dict[Label, dict[str, str]] = {}
        for change in self.changes():
            if change.kind == "look":
                found[change.name] = {**found.get(change.name, {}), **change.value}
            elif change.kind == "rename" and change.name in found:
                found[change.value] = found.pop(change.name)
            elif change.kind in ("merge", "delete"):
                found.pop(change.name, None)
        return found

    def check_new(self, name: Label, old: Label | None = None) -> None:
        """Make sure that a class may get this name.

        Args:
            name: the new name.
            old: what the class is called now; None of a new one.

        Raises:
            DataError: it can't be one, a class of this name was renamed, merged or deleted, or another one
                looks the same.
        """
        check_class_names([name])
        if (twin := twin_of(name, (other for other in self.names() if other != old))) is not None:
            raise DataError(f"{name!a} looks like the class {twin!a}: take another name, or that one")
        if name in self._made() or name in self.renamed():
            raise DataError(f"{name!r} was the name of a class that was changed: undo that, or take another")

    def rename(self, name: Label, new: Label, *, who: str) -> None:
        """Give a class another name.

        Raises:
            UnknownName: there is no such class.
            DataError: the new name can't be one, or is taken.
        """
        with self._db.transaction() as db:
            self._known(name)
            if new in self.names():
                raise DataError(f"{new!r} is a class already: merge {name!r} into it")
            self.check_new(new, name)
            self._record(db, "rename", name, new, who, self._rewrite(db, name, new))

    def merge(self, name: Label, into: Label, *, who: str) -> None:
        """Make a class a part of another one.

        Raises:
            UnknownName: there is no such class.
            DataError: both are the same.
        """
        with self._db.transaction() as db:
            self._known(name)
            self._known(into)
            if name == into:
                raise DataError(f"{name!r} can't be merged into itself")
            self._record(db, "merge", name, into, who, self._rewrite(db, name, into))

    def delete(self, name: Label, *, who: str) -> int:
        """Take a class away; its images have no answer then, and are asked for again. How many those are.

        Raises:
            UnknownName: there is no such class.
            DataError: it is one of the last two.
        """
        with self._db.transaction() as db:
            self._known(name)
            if len(self.names()) <= 2:
                raise DataError("a model tells two classes apart at least")
            touched = [(id, by) for id, by, _, label, _ in self._latest(name) if label == name]
            seqs = [
                seq
                for id, by in touched
                for seq in self._db.column(
                    f"SELECT seq FROM events WHERE id = :id AND who = :by AND {NOT_UNDONE} ORDER BY seq",
                    id=id,
                    by=by,
                    upto=NOW,
                )
            ]
            written = [int(db.execute(UNDO, (who, seq)).lastrowid or 0) for seq in seqs]
            self._record(db, "delete", name, [], who, written)
        return len({id for id, _ in touched})

    def order(self, names: list[Label], *, who: str) -> None:
        """Put the classes into an order.

        Raises:
            DataError: these are not all classes.
        """
        with self._db.transaction() as db:
            if sorted(names) != sorted(self.names()):
                raise DataError("an order names every class once")
            self._record(db, "order", "", names, who, [])

    def look(self, name: Label, look: dict[str, str], *, who: str) -> None:
        """Give a class a key, a colour, a note, an example image (its hash).

        Raises:
            UnknownName: there is no such class.
            DataError: another class has this key, or the example is no image of the run.
        """
        with self._db.transaction() as db:
            self._known(name)
            image = look.get("example")
            if image and self._db.one("SELECT 1 FROM items WHERE hash = :image LIMIT 1", image=image) is None:
                raise DataError(f"the example of {name!r} is no image of this run")
            others = {look.get("key"): other for other, look in self.looks().items() if other != name}
            if look.get("key") and look["key"] in others:
                raise DataError(f"{others[look['key']]!r} has the key {look['key']!r} already")
            self._record(db, "look", name, look, who, [])

    def undo(self, *, who: str) -> ClassChange | None:
        """Take the last change back, with the answers that it wrote; None when there is none.

        What was answered since stays.
        """
        with self._db.transaction() as db:
            change: ClassChange | None = next(reversed(self.changes()), None)
            if change is None:
                return None
            written = []
            if change.kind in ("rename", "merge"):
                seqs = self._db.column(
                    f"SELECT seq FROM events WHERE seq BETWEEN :first AND :last AND {NOT_UNDONE}",
                    first=change.first,
                    last=change.last,
                    upto=NOW,
                )
                written = [int(db.execute(UNDO, (who, seq)).lastrowid or 0) for seq in seqs]
                later = change.value if change.kind == "rename" else None
            if change.kind == "delete":
                written = self._give_back(db, change)
                later = None
            self._record(db, "undo", "", change.value, who, written, undoes=change.number)
            if change.kind == "rename" and later is not None:  # what was answered under the new name since
                self._rewrite(db, later, change.name)
        return change

    def _made(self) -> tuple[Label, ...]:
        begun = json.loads(self._db.one("SELECT value FROM facts WHERE key = 'class_names'") or "[]")
        return (*begun, *self._db.column("SELECT name FROM classes ORDER BY rowid"))

    def _known(self, name: Label) -> None:
        if name not in self.names():
            raise UnknownName("class", name, self.names())

    def _latest(self, name: Label) -> list[tuple[str, str, str, Label | None, int]]:
        """Of images about which somebody says so: the latest answer of each annotator, the oldest first."""
        return [
            (id, who, kind, label, cycle)
            for _, id, who, kind, label, cycle in self._db.rows(
                f"""
                WITH latest AS (
                    SELECT max(seq) AS seq, id, who, kind, label, cycle FROM events
                    WHERE {NOT_UNDONE} GROUP BY id, who
                )
                SELECT seq, id, who, kind, label, cycle FROM latest
                WHERE id IN (SELECT id FROM latest WHERE label = :name) ORDER BY seq
                """,
                name=name,
                upto=NOW,
            )
        ]

    def _rewrite(self, db: sqlite3.Connection, name: Label, new: Label) -> list[int]:
        """Say under the new name what was said under the old one, and after it what was said after it."""
        return [
            int(
                db.execute(
                    "INSERT INTO events (who, kind, id, label, cycle, hash) "
                    "SELECT ?, ?, id, ?, ?, hash FROM items WHERE id = ?",
                    (who, kind, new if label == name else label, cycle, id),
                ).lastrowid
                or 0
            )
            for id, who, kind, label, cycle in self._latest(name)
        ]

    def _give_back(self, db: sqlite3.Connection, change: ClassChange) -> list[int]:
        """Say once more what a deletion took back, about images of which nothing was said since."""
        of = "SELECT old.seq, old.who, old.kind, old.id, old.label, old.cycle, old.hash FROM events AS old"
        taken = self._db.rows(
            f"{of} JOIN events AS gone ON old.seq = gone.undoes WHERE gone.seq BETWEEN :first AND :last",
            first=change.first,
            last=change.last,
        )
        about = json.dumps(sorted({row[3] for row in taken}))
        stands = f"id IN (SELECT value FROM json_each(:about)) AND {NOT_UNDONE}"
        others = self._db.rows(
            f"SELECT seq, who, kind, id, label, cycle, hash FROM events WHERE {stands}", about=about, upto=NOW
        )
        since = {row[3] for row in others if row[0] > change.last}
        put = "INSERT INTO events (who, kind, id, label, cycle, hash) VALUES (?, ?, ?, ?, ?, ?)"
        # What others said stands after it, if it came after it.
        rows = [row[1:] for row in sorted(taken + others) if row[3] not in since]
        return [int(db.execute(put, row).lastrowid or 0) for row in rows]

    def _record(
        self,
        db: sqlite3.Connection,
        kind: str,
        name: Label,
        value: Any,
        who: str,
        written: list[int],
        *,
        undoes: int | None = None,
    ) -> None:
        if self._db.one("SELECT value FROM facts WHERE key = 'task'") == "detection" and kind != "look":
            raise LedgerError("classes of boxes can't be changed here yet: ncenet export and import can")
        first, last = (written[0], written[-1]) if written else (0, 0)
        db.execute(
            "INSERT INTO class_changes (who, kind, name, value, first, last, undoes) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (who, kind, name, json.dumps(value), first, last, undoes),
        )


def question(name: Label, names: tuple[Label, ...]) -> Label | None:
    """A class whose name differs from a new one in case, blanks or hyphens alone; None when there is none.

    >>> question("T Shirt", ("t-shirt", "hat")), question("hats", ("t-shirt", "hat"))
    ('t-shirt', None)
    """
    return next((known for known in names if known != name and folded(known) == folded(name)), None)

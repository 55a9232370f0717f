"""The ledger: items, answers, cycles and queries of one run, in one SQLite file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ncenet.class_names import check_class_names
from ncenet.errors import LedgerError
from ncenet.ledger.again import Again
from ncenet.ledger.apart import Apart
from ncenet.ledger.classes import Classes
from ncenet.ledger.database import Database
from ncenet.ledger.dump import rows_of_all
from ncenet.ledger.inbox import NOW, Inbox, item_of, record_answer, take_back
from ncenet.ledger.notes import Notes
from ncenet.ledger.places import Places
from ncenet.ledger.provenance import Kind, Provenance, provenance
from ncenet.ledger.records import Answer, Cycle, Event, Item, RecordedQuery, not_as_labelled
from ncenet.ledger.review import Review
from ncenet.ledger.schema import ASKED, standing
from ncenet.types import Label, Query

GONE = "not there any more"
"""Why an image cannot be read that was in the pool once."""


class Ledger:
    """The memory of a run. Every method that writes is one transaction, on disk when it returns.

    Several threads may share one ledger, and several processes one file, which must lie on a local disk.

    Args:
        file: the SQLite file; created when missing, unless ``read_only``.
        read_only: open for reading alone, as a report does.

    Attributes:
        again: images that are asked for a second time, and what became of that.
        apart: images that no model learns, as they look like held-out ones.
        classes: what they are called, and how that changed.
        places: where the images of a large pool are.
        notes: what annotators wrote about images.
        inbox: takes answers that may arrive twice, as those of a page do.
        review: looks over what was answered.

    Raises:
        LedgerError: the file is missing, is no ledger, or was written by a newer ncenet.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
    ...     ledger.add_items([("a.png", "5d41", None), ("b.png", "7692", None), ("c.png", "2c63", None)])
    ...     _ = ledger.tell({"a.png": "cat", "b.png": Answer.UNSURE}, who="ann", cycle=0)
    ...     _ = ledger.tell({"a.png": "dog", "c.png": "cat"}, who="ann", cycle=0)
    ...     ledger.undo("c.png", who="ann")
    ...     ledger.labeled(), sorted(ledger.closed_ids())
    ([('a.png', 'dog')], ['a.png', 'b.png'])
    """

    def __init__(self, file: Path | str, *, read_only: bool = False) -> None:
        self.file = Path(file)
        self._db = Database(self.file, read_only=read_only)
        self.inbox, self.review, self.notes = Inbox(self._db), Review(self._db), Notes(self._db)
        self.again, self.classes, self.places = Again(self._db), Classes(self._db), Places(self._db)
        self.apart = Apart(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let nobody come between what the block reads and what it writes: all of it is written, or nothing.

        Others who write wait meanwhile, so the block should be short.
        """
        with self._db.transaction():
            yield

    def check(self) -> None:
        """Read the whole file, and make sure that it hangs together.

        Raises:
            LedgerError: it doesn't.
        """
        found = self._db.column("PRAGMA quick_check(1)")
        if found != ["ok"]:
            raise LedgerError(
                f"{self.file}: damaged, {found[0]}; the answers are in it, so put it back from a copy"
            )

    def remember(self, key: str, value: str) -> None:
        """Store a fact that must not change during the run, such as the hash of its recipe.

        Raises:
            LedgerError: another value was stored before.
        """
        with self._db.transaction() as db:
            db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
            before = self.recall(key)
            if before != value:
                raise LedgerError(f"{self.file}: begun with {key} {before}, not {value}")

    def recall(self, key: str) -> str | None:
        """The fact stored under ``key``, or None."""
        fact: str | None = self._db.one("SELECT value FROM facts WHERE key = :key", key=key)
        return fact

    def add_class(self, name: Label, *, who: str) -> None:
        """Add a class to those that the run was begun with; one that is there already is left alone.

        Raises:
            DataError: it can't be the name of a class.
        """
        check_class_names([name])
        with self._db.transaction() as db:
            if name not in self.class_names():
                self.classes.check_new(name)
                db.execute("INSERT INTO classes (name, who) VALUES (?, ?)", (name, who))

    def class_names(self) -> tuple[Label, ...]:
        """Those that the run was begun with (the fact ``class_names``), then added ones, as they are now."""
        return self.classes.names()

    def add_items(self, items: Iterable[tuple[str, str, str | None]]) -> None:
        """Enter the images of the pool; those that are known already stay what they are.

        Args:
            items: id, hash of the bytes, and why the image cannot be read (None when it can).

        Raises:
            LedgerError: images with a standing answer have other bytes now; nothing is entered.
        """
        with self._db.transaction() as db:
            db.executemany(
                "INSERT INTO items VALUES (?, ?, ?) ON CONFLICT (id) "
                "DO UPDATE SET hash = excluded.hash, problem = excluded.problem "
                "WHERE hash != excluded.hash OR problem IS NOT excluded.problem",
                items,
            )
            if changed := self._db.column(
                f"SELECT id FROM ({standing()}) AS answer JOIN items USING (id) "
                "WHERE answer.hash != items.hash ORDER BY id",
                upto=NOW,
            ):
                raise not_as_labelled("changed since labelled", changed)

    def miss_items(self, there: Collection[str]) -> list[str]:
        """Note which images are gone from the pool; ids of those skipped or unsure that were there before.

        Args:
            there: ids of all that are not gone.

        Raises:
            LedgerError: images with a label are gone; nothing is noted.
        """
        with self._db.transaction() as db:
            gone = [item for item in self.items() if item.id not in there]
            labels, closed = (dict(self.labeled()), self.closed_ids()) if gone else ({}, set())
            if missed := sorted(item.id for item in gone if item.id in labels):
                raise not_as_labelled("gone since labelled", missed)
            db.executemany("UPDATE items SET problem = ? WHERE id = ?", ((GONE, item.id) for item in gone))
        return [item.id for item in gone if item.id in closed and item.problem != GONE]

    def items(self) -> list[Item]:
        """All images, in the order in which they were first entered."""
        return [Item(*row) for row in self._db.rows("SELECT id, hash, problem FROM items ORDER BY rowid")]

    @property
    def has_items(self) -> bool:
        """Whether any image was entered."""
        return self._db.one("SELECT 1 FROM items LIMIT 1") is not None

    def problems(self) -> dict[str, str]:
        """Why images cannot be read, by id; sound images are left out."""
        return dict(self._db.rows("SELECT id, problem FROM items WHERE problem IS NOT NULL ORDER BY rowid"))

    def same_bytes(self, ids: Collection[str]) -> frozenset[str]:
        """Ids of the images whose bytes are those of one of these: themselves, and their copies."""
        named = "SELECT hash FROM items WHERE id IN (SELECT value FROM json_each(:ids))"
        copies = f"SELECT id FROM items WHERE hash IN ({named})"
        return frozenset(self._db.column(copies, ids=json.dumps(list(ids))))

    def tell(
        self,
        answers: Mapping[str, Label | Answer | None],
        *,
        who: str,
        cycle: int,
        classes: Collection[str] | None = None,
    ) -> frozenset[str]:
        """Record answers, all or none of them.

        An answer about an image that has one is a correction. What an annotator repeats is not recorded
        again, so a caller that doesn't know whether its answers arrived can send them once more; that holds
        for answers that are taken back too: who took back an image's answer last takes back no older one.

        Args:
            answers: a class name, ``Answer.SKIP`` or ``Answer.UNSURE`` by id; None takes the standing answer
                back, whoever gave it, and the one before it, if any, stands again.
            who: the annotator, or whatever answers in their place.
            cycle: the cycle whose model asked; 0 before there is one.
            classes: the class names that are allowed; None allows any.

        Returns:
            Ids of the images of which something was recorded; the others repeat what stands there.

        Raises:
            LedgerError: an id is unknown, its image cannot be read, its label is empty, or it never had
                an answer to take back.
            UnknownName: a label is not among ``classes``.
        """
        written = set()
        with self._db.transaction() as db:
            for image, answer in answers.items():
                item = item_of(self._db, image)
                if answer is None:
                    seq = take_back(self._db, db, image, who, repeat=False)
                else:
                    seq = record_answer(self._db, db, item, answer, who, cycle, classes)
                if seq is not None:
                    written.add(image)
        return frozenset(written)

    def undo(self, id: str, *, who: str) -> None:
        """Take back the standing answer of an image; the one before it, if any, stands again.

        Args:
            id: the image.
            who: who takes it back, which need not be who gave it.

        Raises:
            LedgerError: the image has no standing answer.
        """
        with self._db.transaction() as db:
            take_back(self._db, db, id, who)

    def labeled(
        self, upto: int | None = None, *, among: Collection[str] | None = None
    ) -> list[tuple[str, Label]]:
        """Ids and standing labels in the order in which they arrived.

        Args:
            upto: as of this event; None for now.
            among: only of these images, found by an index; None for all.
        """
        wanted = "TRUE" if among is None else "id IN (SELECT value FROM json_each(:among))"
        return self._db.rows(
            f"SELECT id, label FROM ({standing(wanted)}) WHERE kind = 'answer' ORDER BY seq",
            upto=NOW if upto is None else upto,
            among=json.dumps(list(among or ())),
        )

    def answers(self) -> list[Event]:
        """The standing answer of each image that has one, in the order in which they arrived."""
        rows = self._db.rows(
            "SELECT seq, at, who, kind, id, label, cycle, hash, undoes FROM events "
            f"WHERE seq IN (SELECT seq FROM ({standing()})) ORDER BY seq",
            upto=NOW,
        )
        return [Event(*row) for row in rows]

    def closed_ids(self) -> set[str]:
        """Ids that are not to be asked for again: labelled, skipped or unsure."""
        return set(self._db.column(f"SELECT id FROM ({standing()})", upto=NOW))

    def skipped_ids(self) -> list[str]:
        """Sound images whose standing answer is a skip, sorted: out of scope, as far as anybody knows."""
        skips = f"SELECT answer.id FROM ({standing()}) AS answer JOIN items USING (id) WHERE kind = 'skip'"
        return self._db.column(f"{skips} AND problem IS NULL ORDER BY answer.id", upto=NOW)

    def events(self, after: int = 0) -> list[Event]:
        """All that annotators did since event ``after``, in order."""
        rows = self._db.rows(
            "SELECT seq, at, who, kind, id, label, cycle, hash, undoes FROM events "
            "WHERE seq > :after ORDER BY seq",
            after=after,
        )
        return [Event(*row) for row in rows]

    def last_seq(self) -> int:
        """Number of the last event; 0 when there is none."""
        return int(self._db.one("SELECT ifnull(max(seq), 0) FROM events"))

    def start_cycle(self, upto: int) -> int:
        """Record that a fit on the answers up to event ``upto`` starts, and number its cycle from 1.

        Raises:
            LedgerError: the fit of the cycle before has not finished; it is to be continued instead.
        """
        with self._db.transaction() as db:
            last = int(self._db.one("SELECT ifnull(max(cycle), 0) FROM cycles"))
            if last and self.fit_report(last) is None:
                raise LedgerError(f"{self.file}: the fit of cycle {last} has not finished")
            db.execute("INSERT INTO cycles (cycle, upto) VALUES (?, ?)", (last + 1, upto))
        return last + 1

    def cycles(self) -> list[Cycle]:
        """All cycles whose fit was started, in order."""
        return [Cycle(*row) for row in self._db.rows("SELECT cycle, upto FROM cycles ORDER BY cycle")]

    def finish_fit(self, cycle: int, report: Mapping[str, Any]) -> None:
        """Record that the fit of a cycle finished.

        Args:
            cycle: what :meth:`start_cycle` returned.
            report: what the fit did; plain JSON.

        Raises:
            LedgerError: the cycle was never started, or has finished already.
        """
        with self._db.transaction() as db:
            if self.fit_report(cycle) is not None:
                raise LedgerError(f"{self.file}: the fit of cycle {cycle} has finished already")
            if self._db.one("SELECT 1 FROM cycles WHERE cycle = :cycle", cycle=cycle) is None:
                raise LedgerError(f"{self.file}: cycle {cycle} was never started")
            db.execute("INSERT INTO fits (cycle, report) VALUES (?, ?)", (cycle, json.dumps(dict(report))))

    def fit_report(self, cycle: int) -> dict[str, Any] | None:
        """What :meth:`finish_fit` recorded; None while the fit of that cycle has not finished."""
        text = self._db.one("SELECT report FROM fits WHERE cycle = :cycle", cycle=cycle)
        return None if text is None else dict(json.loads(text))

    def record_query(self, cycle: int, asked: Provenance, query: Query) -> RecordedQuery:
        """Record what is asked.

        Args:
            cycle: the cycle whose model scored the pool; 0 for the initial set.
            asked: who asks.
            query: the images.

        Raises:
            LedgerError: an id is unknown.
        """
        with self._db.transaction() as db:
            for image in query.ids:
                item_of(self._db, image)
            number = int(self._db.one("SELECT ifnull(max(query), 0) + 1 FROM queries"))
            db.execute(
                "INSERT INTO queries (query, cycle, strategy) VALUES (?, ?, ?)", (number, cycle, str(asked))
            )
            db.execute("INSERT INTO askers VALUES (?, ?)", (number, asked.kind.value))
            ranked = enumerate(zip(query.ids, query.scores, strict=True))
            db.executemany(
                "INSERT INTO queried VALUES (?, ?, ?, ?)",
                ((number, rank, image, score) for rank, (image, score) in ranked),
            )
        return RecordedQuery(number, cycle, asked, query)

    def latest_query(
        self, cycle: int | None = None, *, by: Provenance | None = None, among: Collection[Kind] = tuple(Kind)
    ) -> RecordedQuery | None:
        """The last query that was recorded; None when there is none.

        Args:
            cycle: only of this cycle.
            by: only asked by this one.
            among: only asked by one of these kinds.
        """
        rows = self._db.rows(
            f"SELECT query, cycle, kind, strategy FROM ({ASKED}) WHERE (:cycle IS NULL OR cycle = :cycle) "
            "AND kind IN (SELECT value FROM json_each(:kinds)) "
            "AND (:strategy IS NULL OR strategy = :strategy) ORDER BY query DESC LIMIT 1",
            cycle=cycle,
            kinds=json.dumps([kind.value for kind in (among if by is None else (by.kind,))]),
            strategy=None if by is None else by.strategy,
        )
        return self._query(*rows[0]) if rows else None

    def queries(self) -> list[RecordedQuery]:
        """All queries, in order."""
        rows = self._db.rows(f"SELECT query, cycle, kind, strategy FROM ({ASKED}) ORDER BY query")
        return [self._query(*row) for row in rows]

    def _query(self, number: int, cycle: int, kind: str, strategy: str) -> RecordedQuery:
        rows = self._db.rows("SELECT id, score FROM queried WHERE query = :query ORDER BY rank", query=number)
        query = Query(tuple(image for image, _ in rows), tuple(score for _, score in rows))
        return RecordedQuery(number, cycle, provenance(kind, strategy), query)

    def open_ids(self, query: RecordedQuery) -> list[str]:
        """The ids of a query that nobody has answered yet, most informative first; broken images left out."""
        queried = "SELECT id FROM queried WHERE query = :query"
        return self._db.column(
            f"{queried} AND id NOT IN (SELECT id FROM ({standing(f'id IN ({queried})')})) "
            "AND id NOT IN (SELECT id FROM items WHERE problem IS NOT NULL) ORDER BY rank",
            query=query.number,
            upto=NOW,
        )

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, without times and durations: equal for equal runs."""
        return rows_of_all(self._db)

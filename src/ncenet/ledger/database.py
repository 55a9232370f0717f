"""The SQLite file under a ledger: opened safely, written in whole transactions, shared by threads."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ncenet.errors import EmptyLedger, LedgerError
from ncenet.ledger import schema

_OBJECTS = "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master"
BUSY_SECONDS = 30
"""How long a transaction waits for another process to finish its own."""
SYNCHRONOUS = "FULL"
"""A commit waits for the disk, so that an acknowledged answer survives a power cut."""


class Database:
    """One connection to one file, behind a lock.

    Args:
        file: the SQLite file; created when missing, unless ``read_only``.
        read_only: refuse to write.

    Raises:
        LedgerError: the file is missing, is no ledger, or has a newer schema.
    """

    def __init__(self, file: Path, *, read_only: bool) -> None:
        if read_only and not file.exists():
            raise LedgerError(f"{file}: there is no ledger here")
        if file.exists() and not file.is_file():
            raise LedgerError(f"{file}: is no file, but a folder, a device or a pipe")
        self.file = file
        self._read_only = read_only
        self._lock = threading.RLock()
        self._copy: TemporaryDirectory[str] | None = None
        self._closed = False
        with self._explained():
            self._connection = self._connected("mode=ro" if read_only else "mode=rwc")
            try:
                if read_only:
                    self._read_where_nothing_can_be_written()
                self._prepare(read_only)
            except BaseException:
                self._let_go()
                raise

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._let_go()
        if self._read_only:
            self._clear_up()

    def _let_go(self) -> None:
        with self._lock:
            self._connection.close()
            if self._copy is not None:
                self._copy.cleanup()

    def _clear_up(self) -> None:
        """Have the empty log taken away that SQLite makes for a reader, unless somebody is at work there.

        A reader may not do that itself. A log with something in it is for whoever writes next.
        """
        with suppress(OSError, sqlite3.Error):
            if self.file.with_name(self.file.name + "-wal").stat().st_size == 0:
                with closing(self._connected("mode=rw")) as writer:
                    writer.execute("PRAGMA busy_timeout = 0")
                    writer.execute("SELECT 1 FROM sqlite_master")

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query, with ``:name`` parameters."""
        with self._lock, self._explained():
            return self._connection.execute(sql, values).fetchall()

    def column(self, sql: str, **values: Any) -> list[Any]:
        """The first column of all rows of a query."""
        return [row[0] for row in self.rows(sql, **values)]

    def one(self, sql: str, **values: Any) -> Any:
        """The first column of the first row of a query; None when there is no row."""
        return next(iter(self.column(sql, **values)), None)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write what the block writes, all or nothing; on disk afterwards.

        Within another one it is a part of that, and on disk with it.
        """
        with self._lock, self._explained():
            if self._connection.in_transaction:  # begun by a caller of this block, who holds the lock
                with self._nested():
                    yield self._connection
                return
            # The connection's own context commits, or rolls back on any error, one in the commit included.
            with self._connection as connection:
                # IMMEDIATE: two writers queue up here, and don't fail when they turn from reading to writing.
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    @contextmanager
    def _nested(self) -> Iterator[None]:
        """A part of a transaction that is written whole or not at all, though what is around it may go on."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            self._connection.execute("RELEASE part")

    def _prepare(self, read_only: bool) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            self._connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            if self.one("PRAGMA application_id") == 0 and not self.rows("SELECT 1 FROM sqlite_master"):
                self._write_ahead()
                self._connection.executescript(schema.CREATE)
        if read_only and not self.rows("SELECT 1 FROM sqlite_master"):
            raise EmptyLedger(
                f"{self.file}: nothing is in this ledger yet, as when a process is ended while it makes one: "
                "ncenet ask goes on"
            )
        if self.one("PRAGMA application_id") != schema.APPLICATION_ID:
            raise LedgerError(f"{self.file}: a database, but not a ledger of ncenet")
        version = self.one("PRAGMA user_version")
        if version > schema.VERSION:
            raise LedgerError(
                f"{self.file}: written by a newer ncenet (schema {version}, this one knows "
                f"{schema.VERSION}): upgrade with pip install -U ncenet"
            )
        self._refuse_strangers()
        if version < schema.VERSION and not read_only:
            self._connection.executescript(schema.CREATE)  # makes what is missing, touches nothing else
        elif version < schema.VERSION:
            self._connection.execute("PRAGMA temp_store = MEMORY")
            self._connection.executescript(schema.stand_ins(self.column("SELECT name FROM sqlite_master")))

    def _write_ahead(self) -> None:
        """Have the file write ahead; where several make it at once, SQLite refuses this without waiting."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.01)

    def _refuse_strangers(self) -> None:
        """A ledger may come from anybody, and a trigger or view in it would act under our hands."""
        strange = [row for row in self.rows(_OBJECTS) if _spaced(row) not in _own_objects()]
        if strange:
            kind, name, *_ = strange[0]
            raise LedgerError(
                f"{self.file}: holds a {kind} {name!r} that ncenet did not make, or not so; have the answers "
                "exported where the file comes from, and import them"
            )

    def _connected(self, how: str, file: Path | None = None) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{(file or self.file).resolve().as_uri()}?{how}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions are begun here, not behind our back
            check_same_thread=False,
        )

    def _read_where_nothing_can_be_written(self) -> None:
        """Even to read, SQLite writes beside the file, which a medium or folder may not allow.

        And a log or journal that a killed process left has to be worked in, which who only reads may not do.
        """
        try:
            self._connection.execute("SELECT 1 FROM sqlite_master")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
        self._connection.close()
        beside = [self.file.with_name(self.file.name + end) for end in ("-wal", "-journal")]
        beside = [file for file in beside if file.exists() and file.stat().st_size]
        if not beside:
            self._connection = self._connected("mode=ro&immutable=1")  # nobody can be writing there
            return
        # The last answers may stand there alone, and who promises that nothing changes reads past them.
        self._copy = TemporaryDirectory(prefix="ncenet-")
        for file in (self.file, *beside):
            shutil.copyfile(file, Path(self._copy.name) / file.name)
        self._connection = self._connected("mode=rw", Path(self._copy.name) / self.file.name)
        self._connection.execute("PRAGMA query_only = ON")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if self._closed:
                raise LedgerError(f"{self.file}: was closed: open the run again to go on with it") from None
            full = " (is the disk full?)" if _name(error).startswith("SQLITE_IOERR") else ""
            raise LedgerError(f"{self.file}: {error}{full}") from error


@cache
def _own_objects() -> frozenset[tuple[str, ...]]:
    """What stands in the schema of a ledger of ours."""
    with closing(sqlite3.connect(":memory:")) as ours:
        ours.executescript(schema.CREATE)
        ours.execute("ANALYZE")  # tools may have; a name like those of SQLite's own proves nothing
        return frozenset(map(_spaced, ours.execute(_OBJECTS)))


def _spaced(row: Sequence[str]) -> tuple[str, ...]:
    """A row of a schema, however its words are set apart."""
    return tuple(" ".join(part.split()) for part in row)


def _name(error: sqlite3.Error) -> str:
    """SQLite's name of an error; empty for those of Python's own."""
    return str(getattr(error, "sqlite_errorname", None) or "")

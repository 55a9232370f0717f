"""The SQLite file under a ledger: opened safely, written in whole transactions, shared by threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ncenet.errors import LedgerError
from ncenet.ledger import schema

BUSY_SECONDS = 30
"""How long a transaction waits for another process to finish its own."""


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
        self.file = file
        self._lock = threading.RLock()
        with self._explained():
            self._connection = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,  # transactions are begun here, not behind our back
                check_same_thread=False,
            )
            try:
                self._prepare(read_only)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

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
        """Write what the block writes, all or nothing; on disk afterwards."""
        # The connection's own context commits, or rolls back on any error, one in the commit included.
        with self._lock, self._explained(), self._connection as connection:
            # IMMEDIATE: two writers queue up here instead of failing when they turn from reading to writing.
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def _prepare(self, read_only: bool) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            # FULL: a commit waits for the disk, so that an acknowledged answer survives a power cut.
            self._connection.execute("PRAGMA synchronous = FULL")
            if self.one("PRAGMA application_id") == 0 and not self.rows("SELECT 1 FROM sqlite_master"):
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.executescript(schema.CREATE)
        if self.one("PRAGMA application_id") != schema.APPLICATION_ID:
            raise LedgerError(f"{self.file}: a database, but not a ledger of ncenet")
        version = self.one("PRAGMA user_version")
        if version > schema.VERSION:
            raise LedgerError(
                f"{self.file}: written by a newer ncenet (schema {version}, this one knows "
                f"{schema.VERSION}): upgrade with pip install -U ncenet"
            )
        if version < schema.VERSION and not read_only:
            self._connection.executescript(schema.CREATE)  # makes what is missing, touches nothing else

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self.file}: {error}") from error

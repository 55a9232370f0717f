"""Images that are set apart because they look like held-out ones: no model learns them from then on."""

from __future__ import annotations

from collections.abc import Mapping

from ncenet.ledger.database import Database


class Apart:
    """Near copies of held-out images.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, copies: Mapping[str, str]) -> None:
        """Set images apart; those that are already stay what they are.

        Args:
            copies: by id, the held-out image that each looks like.
        """
        with self._db.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO apart (id, of) VALUES (?, ?)", copies.items())

    def ids(self) -> frozenset[str]:
        """All that were set apart so."""
        return frozenset(self._db.column("SELECT id FROM apart"))

"""Where the images of a large pool are, of which the ledger holds those alone that were asked or answered."""

from __future__ import annotations

from collections.abc import Iterable

from ncenet.ledger.database import Database

_FACT, _WORD = "pool", "by reference"


class Places:
    """Shards and rows of images.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def by_reference(self) -> bool:
        """Whether the ledger holds no more images than were asked or answered."""
        return bool(self._db.one("SELECT value FROM facts WHERE key = :key", key=_FACT) == _WORD)

    def hold_by_reference(self) -> None:
        """Note that it does."""
        with self._db.transaction() as db:
            db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO NOTHING", (_FACT, _WORD))

    def add(self, places: Iterable[tuple[str, str, int]]) -> None:
        """Note where images are: id, name of the shard, and row in it; those that are known stay."""
        with self._db.transaction() as db:
            db.executemany("INSERT INTO places VALUES (?, ?, ?) ON CONFLICT DO NOTHING", places)

    def all(self) -> dict[str, tuple[str, int]]:
        """Name of the shard, and row in it, of the images of which that was noted."""
        return {id: (shard, row) for id, shard, row in self._db.rows("SELECT id, shard, row FROM places")}

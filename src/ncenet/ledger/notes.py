"""What annotators write about images: a note is followed by others and never overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from ncenet.errors import DataError
from ncenet.ledger.database import Database
from ncenet.ledger.inbox import item_of

MOST = 1000
"""Characters of a note (ours)."""


class ImageNote(NamedTuple):
    """The last word about an image.

    Attributes:
        id: the image.
        who: whoever wrote it.
        at: when, in UTC.
        text: what; not empty.
    """

    id: str
    who: str
    at: str
    text: str


class Notes:
    """The notes of a run.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def write(self, id: str, text: str, *, who: str) -> None:
        """Write a note; on disk when this returns. It takes the place of the one before; an empty one of any.

        Raises:
            LedgerError: there is no such image.
            DataError: the note is too long.
        """
        text = text.strip()
        if len(text) > MOST:
            raise DataError(f"a note has {MOST:,} characters at most, and this one {len(text):,}")
        with self._db.transaction() as db:
            item_of(self._db, id)
            db.execute("INSERT INTO notes (who, id, text) VALUES (?, ?, ?)", (who, id, text))

    def of(self, ids: Iterable[str] | None = None) -> dict[str, ImageNote]:
        """The notes of images, by id.

        Args:
            ids: the images; None for all.
        """
        named = "TRUE" if ids is None else "id IN (SELECT value FROM json_each(:ids))"
        # SQLite fills the bare columns from the row that has the maximum.
        rows = self._db.rows(
            f"SELECT id, who, at, text, max(number) FROM notes WHERE {named} GROUP BY id ORDER BY id",
            ids=json.dumps([] if ids is None else list(ids)),
        )
        return {id: ImageNote(id, who, at, text) for id, who, at, text, _ in rows if text}

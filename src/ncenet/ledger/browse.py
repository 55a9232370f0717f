"""Images that nobody has answered, a million of them if need be: found once, then read by their numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ncenet.ledger.database import Database
from ncenet.ledger.inbox import NOW
from ncenet.ledger.schema import standing
from ncenet.types import Label

MOST_FOLDERS = 200
"""Folders that are named (ours); whoever has more knows them."""


class Listed(NamedTuple):
    """An image of a list.

    Attributes:
        number: under which it was entered.
        id: the image.
        hash: hash of its bytes.
        kind: ``"answer"``, ``"skip"`` or ``"unsure"`` if it has an answer by now.
        label: the class of that answer.
    """

    number: int
    id: str
    hash: str
    kind: str | None
    label: Label | None


class Browse:
    """Reads the images of a ledger by their numbers.

    Args:
        db: the file of the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def unanswered(self, folder: str = "") -> list[int]:
        """Numbers of the readable images below a folder that have no answer, in the order of their entry."""
        low, high = (f"{folder}/", f"{folder}0") if folder else ("", "")  # 0 is what comes after /
        return self._db.column(
            "SELECT rowid FROM items WHERE problem IS NULL "
            + ("AND id >= :low AND id < :high " if folder else "")
            + f"AND id NOT IN (SELECT id FROM ({standing()})) ORDER BY rowid",
            low=low,
            high=high,
            upto=NOW,
        )

    def numbers(self, ids: Collection[str]) -> dict[str, int]:
        """Numbers of images; unknown ones are left out."""
        named = "SELECT value FROM json_each(:ids)"
        rows = self._db.rows(f"SELECT id, rowid FROM items WHERE id IN ({named})", ids=json.dumps(list(ids)))
        return dict(rows)

    def listed(self, numbers: Sequence[int]) -> list[Listed]:
        """Images in the order of their numbers, with the answers that they have by now."""
        named = "SELECT value FROM json_each(:numbers)"
        rows = self._db.rows(
            f"SELECT items.rowid, id, items.hash, said.kind, said.label FROM items LEFT JOIN "
            f"({standing(f'id IN (SELECT id FROM items WHERE rowid IN ({named}))')}) AS said USING (id) "
            f"WHERE items.rowid IN ({named})",
            numbers=json.dumps(list(numbers)),
            upto=NOW,
        )
        found = {row[0]: Listed(*row) for row in rows}
        return [found[number] for number in numbers]

    def folders(self) -> list[str]:
        """The first folders of the ids, sorted: found by leaping from one to the next."""
        found: list[str] = []
        after = ""
        while len(found) < MOST_FOLDERS:
            next_ = "SELECT id FROM items WHERE id >= :after AND instr(id, '/') > 0 ORDER BY id LIMIT 1"
            id = self._db.one(next_, after=after)
            if id is None:
                break
            found.append(id.partition("/")[0])
            after = f"{found[-1]}0"
        return found

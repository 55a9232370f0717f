"""A ledger as plain rows, to hold two against each other."""

from __future__ import annotations

import json
from typing import Any

from ncenet.ledger.database import Database
from ncenet.ledger.schema import ASKED


def rows_of_all(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, without times and durations: equal for equal runs."""
    tables = {
        "facts": "SELECT key, value FROM facts ORDER BY key",
        "items": "SELECT id, hash, problem FROM items ORDER BY rowid",
        "places": "SELECT id, shard, row FROM places ORDER BY id",
        "classes": "SELECT name, who FROM classes ORDER BY rowid",
        "together": "SELECT seq, party, shown, kept, purity FROM together ORDER BY seq",
        "parties": "SELECT party, kind, of FROM parties ORDER BY party",
        "crossed": "SELECT number, id, label, who FROM crossed ORDER BY number",
        "again": "SELECT number, id, why, upto FROM again ORDER BY number",
        "class_changes": "SELECT number, who, kind, name, value, first, last, undoes FROM class_changes "
        "ORDER BY number",
        "notes": "SELECT number, who, id, text FROM notes ORDER BY number",
        "receipts": "SELECT key, seq FROM receipts ORDER BY rowid",
        "events": "SELECT seq, who, kind, id, label, cycle, hash, undoes FROM events ORDER BY seq",
        "cycles": "SELECT cycle, upto FROM cycles ORDER BY cycle",
        "queries": f"SELECT query, cycle, kind, strategy FROM ({ASKED}) ORDER BY query",
        "queried": "SELECT query, rank, id, score FROM queried ORDER BY query, rank",
    }
    fits = db.rows("SELECT cycle, report FROM fits ORDER BY cycle")
    return {table: db.rows(sql) for table, sql in tables.items()} | {
        "fits": [(cycle, json.loads(report, object_hook=_without_seconds)) for cycle, report in fits]
    }


def _without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "seconds"}

"""The tables of a ledger. Nothing in them is ever changed or deleted, and the file itself sees to that.

An answer is an event. A correction is a later event about the same image; an undo is an event that names
the event it takes back. What an image is called now is its *standing* answer: its latest event, undone ones
left out. Only ``items`` may be updated, because an image that nobody has answered may still change.
"""

from __future__ import annotations

APPLICATION_ID = 0x6E63656E
"""The letters ``ncen`` in the file's header: a database of something else is not mistaken for a ledger."""

VERSION = 2
"""Schema that this code writes and reads; stands in the file's header as ``user_version``.

Version 1 had neither ``classes`` nor ``receipts``; opened for writing, such a file gets them.
"""

# Python never handles `at`: SQLite writes it, so a row's time is the time of its transaction.
_AT = "at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

_TABLES = f"""
CREATE TABLE IF NOT EXISTS facts (
    key     TEXT PRIMARY KEY,
    value   TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL,
    problem TEXT
);
CREATE TABLE IF NOT EXISTS events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    {_AT},
    who     TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('answer', 'skip', 'unsure', 'undo')),
    id      TEXT NOT NULL REFERENCES items,
    label   TEXT CHECK ((kind = 'answer') = (label IS NOT NULL)),
    cycle   INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    undoes  INTEGER UNIQUE REFERENCES events CHECK ((kind = 'undo') = (undoes IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS items_by_hash ON items (hash);
CREATE INDEX IF NOT EXISTS events_by_id ON events (id);
CREATE TABLE IF NOT EXISTS classes (
    name    TEXT PRIMARY KEY CHECK (name != ''),
    who     TEXT NOT NULL,
    {_AT}
);
CREATE TABLE IF NOT EXISTS receipts (
    key     TEXT PRIMARY KEY,
    seq     INTEGER REFERENCES events,
    seconds REAL,
    {_AT}
);
CREATE INDEX IF NOT EXISTS receipts_by_seq ON receipts (seq);
CREATE TABLE IF NOT EXISTS cycles (
    cycle   INTEGER PRIMARY KEY,
    upto    INTEGER NOT NULL,
    {_AT}
);
CREATE TABLE IF NOT EXISTS fits (
    cycle   INTEGER PRIMARY KEY REFERENCES cycles,
    report  TEXT NOT NULL,
    {_AT}
);
CREATE TABLE IF NOT EXISTS queries (
    query    INTEGER PRIMARY KEY,
    cycle    INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    {_AT}
);
CREATE TABLE IF NOT EXISTS queried (
    query   INTEGER REFERENCES queries,
    rank    INTEGER,
    id      TEXT NOT NULL REFERENCES items,
    score   REAL NOT NULL,
    PRIMARY KEY (query, rank),
    UNIQUE (query, id)
) WITHOUT ROWID;
"""

_APPEND_ONLY = ("facts", "classes", "events", "receipts", "cycles", "fits", "queries", "queried")

_TRIGGERS = "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{action} BEFORE {action} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;\n"
    for table, action in [
        *((table, action) for table in _APPEND_ONLY for action in ("UPDATE", "DELETE")),
        ("items", "DELETE"),
    ]
)

# INSERT OR REPLACE deletes the old row without firing its DELETE trigger.
_NO_REPLACE = """
CREATE TRIGGER IF NOT EXISTS events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq OR undoes = NEW.undoes)
BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
"""

# Every statement can be run twice: of two processes that open a new file at once, both succeed.
CREATE = f"""
BEGIN IMMEDIATE;
{_TABLES}{_TRIGGERS}{_NO_REPLACE}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


NOT_UNDONE = """
    kind != 'undo' AND seq <= :upto
    AND NOT EXISTS (SELECT 1 FROM events AS undo WHERE undo.undoes = events.seq AND undo.seq <= :upto)
"""
"""SQL condition: the event is an answer that nobody has taken back as of event ``:upto``."""


def standing(condition: str = "TRUE") -> str:
    """SQL for the standing answers as of event ``:upto``, among events that meet a condition."""
    # SQLite fills the bare columns from the row that has the maximum.
    return (
        "SELECT max(seq) AS seq, who, kind, id, label, hash FROM events "
        f"WHERE {condition} AND {NOT_UNDONE} GROUP BY id"
    )

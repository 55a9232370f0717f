"""The tables of a ledger. Nothing in them is ever changed or deleted, and the file itself sees to that.

An answer is an event. A correction is a later event about the same image; an undo is an event that names
the event it takes back. What an image is called now is its *standing* answer: its latest event, undone ones
left out. Only ``items`` may be updated, because an image that nobody has answered may still change.
"""

from __future__ import annotations

from collections.abc import Collection

APPLICATION_ID = 0x6E63656E
"""The letters ``ncen`` in the file's header: a database of something else is not mistaken for a ledger."""

VERSION = 6
"""Schema that this code writes and reads; stands in the file's header as ``user_version``.

Version 1 had neither ``classes`` nor ``receipts``, version 2 no ``askers``, version 3 none of ``together``,
``again`` and ``class_changes``, version 4 none of ``places``, ``notes``, ``parties`` and ``crossed``, and 5
none of ``suspicions`` and ``apart``. Opened for writing, such a file gets them; opened for reading alone, it
is read as if they were there and empty.
"""

# Python never handles `at`: SQLite writes it, so a row's time is the time of its transaction.
_AT = "at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

_TABLES = {
    "facts": """(
    key     TEXT PRIMARY KEY,
    value   TEXT NOT NULL
)""",
    "items": """(
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL,
    problem TEXT
)""",
    "places": """(
    id      TEXT PRIMARY KEY REFERENCES items,
    shard   TEXT NOT NULL,
    row     INTEGER NOT NULL
)""",
    "events": f"""(
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    {_AT},
    who     TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('answer', 'skip', 'unsure', 'undo')),
    id      TEXT NOT NULL REFERENCES items,
    label   TEXT CHECK ((kind = 'answer') = (label IS NOT NULL)),
    cycle   INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    undoes  INTEGER UNIQUE REFERENCES events CHECK ((kind = 'undo') = (undoes IS NOT NULL))
)""",
    "classes": f"""(
    name    TEXT PRIMARY KEY CHECK (name != ''),
    who     TEXT NOT NULL,
    {_AT}
)""",
    "receipts": f"""(
    key     TEXT PRIMARY KEY,
    seq     INTEGER REFERENCES events,
    seconds REAL,
    {_AT}
)""",
    "together": """(
    seq     INTEGER PRIMARY KEY REFERENCES events,
    party   TEXT NOT NULL,
    shown   INTEGER NOT NULL,
    kept    INTEGER NOT NULL CHECK (kept BETWEEN 1 AND shown),
    purity  REAL NOT NULL
)""",
    "parties": """(
    party   TEXT PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('copies', 'picked')),
    of      TEXT REFERENCES items CHECK ((kind = 'copies') = (of IS NOT NULL))
)""",
    "crossed": f"""(
    number  INTEGER PRIMARY KEY,
    id      TEXT NOT NULL REFERENCES items,
    label   TEXT NOT NULL,
    who     TEXT NOT NULL,
    {_AT},
    UNIQUE (id, label, who)
)""",
    "again": f"""(
    number  INTEGER PRIMARY KEY,
    id      TEXT NOT NULL REFERENCES items,
    why     TEXT NOT NULL CHECK (why IN ('check', 'doubt', 'split')),
    upto    INTEGER NOT NULL,
    {_AT}
)""",
    "suspicions": """(
    number  INTEGER PRIMARY KEY REFERENCES again,
    what    TEXT NOT NULL CHECK (what IN ('dispute', 'missing', 'loose', 'swapped'))
)""",
    "apart": f"""(
    id      TEXT PRIMARY KEY REFERENCES items,
    of      TEXT NOT NULL REFERENCES items,
    {_AT}
)""",
    "class_changes": f"""(
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    {_AT},
    who     TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('rename', 'merge', 'split', 'delete', 'order', 'look', 'undo')),
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    undoes  INTEGER UNIQUE REFERENCES class_changes CHECK ((kind = 'undo') = (undoes IS NOT NULL))
)""",
    "notes": f"""(
    number  INTEGER PRIMARY KEY,
    {_AT},
    who     TEXT NOT NULL,
    id      TEXT NOT NULL REFERENCES items,
    text    TEXT NOT NULL
)""",
    "cycles": f"""(
    cycle   INTEGER PRIMARY KEY,
    upto    INTEGER NOT NULL,
    {_AT}
)""",
    "fits": f"""(
    cycle   INTEGER PRIMARY KEY REFERENCES cycles,
    report  TEXT NOT NULL,
    {_AT}
)""",
    "queries": f"""(
    query    INTEGER PRIMARY KEY,
    cycle    INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    {_AT}
)""",
    "askers": """(
    query   INTEGER PRIMARY KEY REFERENCES queries,
    kind    TEXT NOT NULL CHECK (kind IN ('initial', 'held-out', 'typical', 'meanwhile', 'strategy'))
)""",
    "queried": """(
    query   INTEGER REFERENCES queries,
    rank    INTEGER,
    id      TEXT NOT NULL REFERENCES items,
    score   REAL NOT NULL,
    PRIMARY KEY (query, rank),
    UNIQUE (query, id)
) WITHOUT ROWID""",
}
_INDEXES = """
CREATE INDEX IF NOT EXISTS items_by_hash ON items (hash);
CREATE INDEX IF NOT EXISTS events_by_id ON events (id);
CREATE INDEX IF NOT EXISTS receipts_by_seq ON receipts (seq);
CREATE INDEX IF NOT EXISTS again_by_id ON again (id);
CREATE INDEX IF NOT EXISTS notes_by_id ON notes (id);
"""

_APPEND_ONLY = tuple(name for name in _TABLES if name != "items")

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
{"".join(f"CREATE TABLE IF NOT EXISTS {name} {columns};" for name, columns in _TABLES.items())}
{_INDEXES}{_TRIGGERS}{_NO_REPLACE}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def stand_ins(present: Collection[str]) -> str:
    """SQL for tables that a file of an earlier version lacks: empty, and in this connection alone."""
    missing = ((name, columns) for name, columns in _TABLES.items() if name not in present)
    return "".join(f"CREATE TEMP TABLE {name} {columns};" for name, columns in missing)


ASKED = """
SELECT query, cycle, ifnull(kind, CASE strategy
    WHEN 'initial set' THEN 'initial'
    WHEN 'held-out set' THEN 'held-out'
    WHEN 'typical images' THEN 'typical'
    WHEN 'random' THEN iif(
        (SELECT max(score) FROM queried WHERE queried.query = queries.query) > 0, 'strategy', 'meanwhile'
    )
    ELSE 'strategy'
END) AS kind, strategy
FROM queries LEFT JOIN askers USING (query)
"""
"""SQL for the queries and who asked them.

Before version 3 there was a name alone. Two things were called random: the strategy, whose scores are random
numbers, and what was drawn for people who would have waited, whose scores are 0.
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


OPEN_AGAIN = """
SELECT again.number, again.id, again.why, again.upto, what FROM again LEFT JOIN suspicions USING (number)
WHERE NOT EXISTS (
    SELECT 1 FROM events WHERE events.id = again.id AND events.seq > again.upto AND events.kind != 'undo'
    AND NOT EXISTS (SELECT 1 FROM events AS undo WHERE undo.undoes = events.seq AND undo.seq <= :upto)
)
"""
"""SQL for what was asked for again and nobody has answered since; further conditions may follow."""

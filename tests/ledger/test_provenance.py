"""Who asked: known by its kind, whatever a strategy is called; old ledgers are read as they were meant."""

import sqlite3
from contextlib import closing

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import (
    HELD_OUT,
    INITIAL,
    MEANWHILE,
    MODEL_OR_STAND_IN,
    TYPICAL,
    Kind,
    Provenance,
    by_strategy,
)
from ncenet.ledger.schema import VERSION
from ncenet.types import Query

KINDS = [INITIAL, HELD_OUT, TYPICAL, MEANWHILE]
NAMES = [
    "random",
    "initial",
    "held-out",
    "meanwhile",
    "strategy",
    "initial set",
    "typical images",
    "toString",
]
OF_BEFORE = ["initial set", "held-out set", "typical images", "margin", "random", "random"]


def older(file, version):
    """Make a ledger what one of an earlier version was."""
    with closing(sqlite3.connect(file)) as db:
        later = ("together", "parties", "crossed", "suspicions", "apart", "again", "class_changes", "askers")
        for table in (*later, *(("receipts", "classes") if version == 1 else ())):
            db.execute(f"DROP TABLE {table}")  # and with it its triggers
        db.execute(f"PRAGMA user_version = {version}")


def enter_without_kinds(ledger):
    """Queries as they stood there before; the fifth has scores, as the strategy called random has."""
    with closing(sqlite3.connect(ledger.file)) as db:
        for number, name in enumerate(OF_BEFORE, start=1):
            db.execute("INSERT INTO queries (query, cycle, strategy) VALUES (?, ?, ?)", (number, 1, name))
            db.execute("INSERT INTO queried VALUES (?, 0, 'a.png', ?)", (number, 0.3 if number == 5 else 0.0))
        db.commit()


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_of_any_name_is_a_strategy(ledger, name):
    asked = by_strategy(name)
    recorded = ledger.record_query(1, asked, Query(("a.png",), (0.0,)))
    assert (asked.kind, asked.strategy, str(asked)) == (Kind.STRATEGY, name, name)
    assert ledger.latest_query() == ledger.latest_query(by=asked) == recorded
    assert ledger.latest_query(among=MODEL_OR_STAND_IN) == recorded
    assert [ledger.latest_query(by=other) for other in KINDS] == [None] * 4
    assert ledger.latest_query(by=by_strategy("another")) is None


@pytest.mark.parametrize("asked", KINDS)
def test_what_is_no_strategy_is_found_by_its_kind(ledger, asked):
    recorded = ledger.record_query(0, asked, Query(("a.png",), (0.0,)))
    ledger.record_query(1, by_strategy(str(asked)), Query(("b.png",), (1.0,)))
    assert ledger.latest_query(by=asked) == recorded
    assert ledger.latest_query(among={asked.kind}).asked == asked
    assert asked.message() == {"kind": asked.kind.value, "strategy": None}


def test_nothing_else_has_a_name():
    for kind, name in [(Kind.INITIAL, "margin"), (Kind.STRATEGY, None), (Kind.STRATEGY, "")]:
        with pytest.raises(ValueError, match="a strategy has a name"):
            Provenance(kind, name)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("read_only", [True, False])
def test_ledgers_of_before_are_read_as_they_were_meant(tmp_path, version, read_only):
    file = tmp_path / "ledger.sqlite"
    with Ledger(file) as ledger:
        ledger.add_items([("a.png", "hash-a", None)])
        ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
        enter_without_kinds(ledger)
    older(file, version)
    before = file.read_bytes()
    with Ledger(file, read_only=read_only) as ledger:
        meant = [INITIAL, HELD_OUT, TYPICAL, by_strategy("margin"), by_strategy("random"), MEANWHILE]
        assert [ledger.latest_query(by=asked).number for asked in meant] == [1, 2, 3, 4, 5, 6]
        last_two = [query[2:] for query in ledger.dump()["queries"]][-2:]
        assert last_two == [("strategy", "random"), ("meanwhile", "random")]
        assert (ledger.labeled(), ledger.class_names()) == ([("a.png", "cat")], ())
        assert ledger.review.partly_answered(2)[0].asked == MEANWHILE
        if not read_only:
            ledger.record_query(2, by_strategy("held-out set"), Query(("a.png",), (0.0,)))
            assert ledger.latest_query().asked == by_strategy("held-out set")
            assert ledger.latest_query(by=HELD_OUT).number == 2, "what stood there before stays what it was"
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version if read_only else VERSION,)
    assert not read_only or file.read_bytes() == before


@pytest.mark.parametrize(
    ("strange", "what"),
    [
        ("CREATE TRIGGER mine AFTER INSERT ON events BEGIN SELECT 1; END", "trigger 'mine'"),
        ("CREATE VIEW mine AS SELECT 1", "view 'mine'"),
        ("CREATE TABLE mine (x)", "table 'mine'"),
        (
            "DROP TRIGGER events_no_delete; "
            "CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT 1; END",
            "trigger 'events_no_delete'",
        ),
        # Names like those that SQLite keeps to itself.
        ("CREATE TRIGGER sqliteXmine AFTER INSERT ON events BEGIN SELECT 1; END", "trigger 'sqliteXmine'"),
        ("CREATE VIEW sqlite9mine AS SELECT 1", "view 'sqlite9mine'"),
        (
            "CREATE TRIGGER mine AFTER INSERT ON events BEGIN SELECT 1; END; PRAGMA writable_schema = ON; "
            "UPDATE sqlite_master SET name = 'sqlite_mine', sql = replace(sql, ' mine ', ' sqlite_mine ') "
            "WHERE name = 'mine'",
            "trigger 'sqlite_mine'",
        ),
        ("CREATE VIRTUAL TABLE mine USING fts5(x)", "table 'mine'"),
        ("CREATE INDEX mine ON events (upper(label))", "index 'mine'"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_others_put_into_a_ledger_is_refused_by_name(tmp_path, strange, what, read_only):
    file = tmp_path / "ledger.sqlite"
    Ledger(file).close()
    with closing(sqlite3.connect(file)) as db:
        db.executescript(strange)
    with pytest.raises(LedgerError, match=f"ledger.sqlite: holds a {what} that ncenet did not make"):
        Ledger(file, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_statistics_that_a_tool_of_sqlite_made_are_no_harm(tmp_path, read_only):
    file = tmp_path / "ledger.sqlite"
    with Ledger(file) as ledger:
        ledger.add_items([("a.png", "hash-a", None)])
    with closing(sqlite3.connect(file)) as db:
        db.executescript("ANALYZE")
        assert db.execute("SELECT count(*) FROM sqlite_stat1").fetchone() != (0,)
    with Ledger(file, read_only=read_only) as ledger:
        assert [item.id for item in ledger.items()] == ["a.png"]

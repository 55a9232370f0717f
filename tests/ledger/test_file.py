"""The file: append-only, durable, shared, and recognised for what it is."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Delivery, Ledger, schema
from ncenet.ledger.database import Database
from ncenet.ledger.provenance import by_strategy

WRITER = """
import sys
from ncenet.ledger import Ledger
with Ledger(sys.argv[1]) as ledger:
    for n in range(int(sys.argv[2]), int(sys.argv[3])):
        ledger.tell({f"{n:06}": "cat"}, who=sys.argv[4], cycle=1)
        print(f"{n:06}", flush=True)
"""


def start_writer(file, first, last, who="writer"):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(first), str(last), who],
        stdout=subprocess.PIPE,
        text=True,
    )


def alter(ledger, *statements):
    """Change the file from outside, as another version would have made it."""
    with closing(sqlite3.connect(ledger.file)) as outside:
        for statement in statements:
            outside.execute(statement)
        outside.commit()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET label = 'dog'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events (seq, who, kind, id, label, cycle, hash) "
        "VALUES (1, 'eve', 'answer', 'a.png', 'dog', 0, 'hash-a')",
        "INSERT OR REPLACE INTO events (who, kind, id, cycle, hash, undoes) "
        "VALUES ('eve', 'undo', 'b.png', 0, 'hash-b', 2)",
        "UPDATE fits SET report = '{}'",
        "DELETE FROM queried",
        "UPDATE cycles SET upto = 0",
        "DELETE FROM items",
        "UPDATE classes SET name = 'cow'",
        "DELETE FROM receipts",
    ],
)
def test_no_statement_from_anywhere_rewrites_history(ledger, change):
    from ncenet.types import Query

    ledger.tell({"a.png": "cat", "b.png": "cat"}, who="ann", cycle=0)
    ledger.undo("b.png", who="ann")
    ledger.start_cycle(1)
    ledger.finish_fit(1, {"loss": 1.0})
    ledger.record_query(1, by_strategy("random"), Query(("c.png",), (1.0,)))
    ledger.add_class("dog", who="ann")
    ledger.inbox.deliver([Delivery("key", "ann", "d.png", "cat")], cycle=1)
    before = ledger.dump()
    outsider = sqlite3.connect(ledger.file)
    with pytest.raises(sqlite3.IntegrityError, match="is append-only"):
        outsider.execute(change)
    outsider.close()
    assert ledger.dump() == before


def test_a_commit_waits_for_the_disk(power_cuts, ledger):
    database = Database(ledger.file, read_only=False)
    assert database.one("PRAGMA synchronous") == 2, "2 is FULL"
    assert database.one("PRAGMA journal_mode") == "wal"
    database.close()


def test_kill_at_any_moment_loses_no_acknowledged_answer_and_doubles_none(tmp_path):
    file = tmp_path / "ledger.sqlite"
    with Ledger(file) as ledger:
        ledger.add_items((f"{n:06}", "hash", None) for n in range(100_000))
    acknowledged = []
    for pause in (0.0, 0.011, 0.023, 0.05):
        writer = start_writer(file, len(acknowledged), 100_000)
        acknowledged.append(writer.stdout.readline().strip())  # it is in its loop by now
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += writer.stdout.read().split()
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        with Ledger(file) as ledger:
            told = [event.id for event in ledger.events()]
        with closing(sqlite3.connect(file)) as outside:
            assert outside.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # One answer may have been written and not yet printed.
        assert told[: len(acknowledged)] == acknowledged and len(told) <= len(acknowledged) + 1
        acknowledged = told
    assert len(acknowledged) > 4


def test_several_processes_write_to_one_new_file(tmp_path):
    file = tmp_path / "ledger.sqlite"
    with Ledger(file) as ledger:
        ledger.add_items((f"{n:06}", "hash", None) for n in range(90))
    writers = [start_writer(file, 30 * k, 30 * (k + 1), who=f"w{k}") for k in range(3)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with Ledger(file) as ledger:
        assert len(ledger.labeled()) == 90
        assert {event.who for event in ledger.events()} == {"w0", "w1", "w2"}


def test_threads_share_a_ledger(ledger):
    ledger.add_items([(f"{n}", "hash", None) for n in range(80)])
    failures = []

    def work(first):
        try:
            for n in range(first, 80, 4):
                ledger.tell({str(n): "cat"}, who=f"thread {first}", cycle=1)
                assert (str(n), "cat") in ledger.labeled()
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ledger.labeled()) == 80


def test_many_may_open_a_new_file_at_once(tmp_path):
    opened, failures = [], []
    ready = threading.Barrier(8)

    def open_it():
        ready.wait()
        try:
            opened.append(Ledger(tmp_path / "new.sqlite"))
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ledger in opened:
        ledger.close()
    assert failures == [] and len(opened) == 8


def test_reading_alone_sees_what_another_writes_and_can_not_write(ledger):
    with Ledger(ledger.file, read_only=True) as reader:
        ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
        assert reader.labeled() == [("a.png", "cat")]
        with pytest.raises(LedgerError, match="readonly"):
            reader.tell({"b.png": "cat"}, who="ann", cycle=0)


def test_reading_a_ledger_that_is_not_there_creates_none(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger here"):
        Ledger(tmp_path / "ledger.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused_by_number(ledger):
    alter(ledger, f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(
        LedgerError,
        match=rf"written by a newer ncenet \(schema {schema.VERSION + 1}, this one knows {schema.VERSION}\)",
    ):
        Ledger(ledger.file)


def test_an_older_file_gets_the_tables_that_it_lacks_and_keeps_its_rows(ledger):
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    alter(ledger, "DROP TABLE classes", "DROP TABLE receipts", "PRAGMA user_version = 1")
    with Ledger(ledger.file) as upgraded:
        with closing(sqlite3.connect(ledger.file)) as outside:
            assert outside.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        upgraded.add_class("dog", who="ann")
        assert upgraded.labeled() == [("a.png", "cat")]


def test_another_database_and_another_file_are_refused_and_left_alone(tmp_path):
    database, text = tmp_path / "other.sqlite", tmp_path / "text.sqlite"
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    text.write_text("not a database at all, whatever its name says " * 40)
    before = database.read_bytes(), text.read_bytes()
    with pytest.raises(LedgerError, match="a database, but not a ledger of ncenet"):
        Ledger(database)
    with pytest.raises(LedgerError, match=r"text\.sqlite: file is not a database"):
        Ledger(text)
    assert (database.read_bytes(), text.read_bytes()) == before


def test_everything_survives_closing_and_any_name(tmp_path):
    file = tmp_path / "my run #1?100%.sqlite"
    with Ledger(file) as ledger:
        ledger.add_items([("katzen/kätzchen 🐈.png", "1", None)])
        ledger.tell({"katzen/kätzchen 🐈.png": "Katze"}, who="änn", cycle=0)
        before = ledger.dump()
    assert file.exists()
    with Ledger(file) as ledger:
        assert ledger.dump() == before
    with pytest.raises(LedgerError, match="closed"):
        ledger.labeled()


def test_the_ledger_loads_no_torch():
    code = "import ncenet.ledger, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

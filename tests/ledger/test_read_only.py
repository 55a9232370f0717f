"""A ledger where nothing can be written is read as it lies there, and to its last answer."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncenet.errors import LedgerError
from ncenet.ledger import Ledger

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions are other things there")


@contextmanager
def unwritable(folder):
    """While the block runs, nobody here may write in the folder: root, who may all, is somebody else."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            (folder / "a").touch()
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def folder():
    """A folder that everybody can reach, as the tests' own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def told(folder):
    ledger = Ledger(folder / "ledger.sqlite")
    ledger.add_items([("a.png", "hash-a", None), ("b.png", "hash-b", None)])
    ledger.tell({"a.png": "cat"}, who="ann", cycle=0)
    return ledger


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_closed_ledger(folder):
    told(folder).close()
    assert names(folder) == ["ledger.sqlite"]
    with unwritable(folder):
        with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
            assert (ledger.labeled(), ledger.review.standing("a.png").who) == ([("a.png", "cat")], "ann")
            with pytest.raises(LedgerError, match="readonly"):
                ledger.tell({"b.png": "cat"}, who="ann", cycle=0)
        with pytest.raises(LedgerError, match=r"ledger\.sqlite: "):
            Ledger(folder / "ledger.sqlite")
    assert names(folder) == ["ledger.sqlite"]


def test_who_only_reads_leaves_nothing_behind(folder):
    told(folder).close()
    with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        assert ledger.labeled() == [("a.png", "cat")]
    assert names(folder) == ["ledger.sqlite"]


def test_the_log_of_somebody_at_work_stays(folder):
    writer = told(folder)
    log = folder / "ledger.sqlite-wal"
    before = log.read_bytes()
    Ledger(folder / "ledger.sqlite", read_only=True).close()
    assert before and log.read_bytes() == before
    writer.close()
    writer, reader = Ledger(folder / "ledger.sqlite"), Ledger(folder / "ledger.sqlite", read_only=True)
    reader.close()  # while the log is empty
    writer.tell({"b.png": "dog"}, who="ann", cycle=0)
    writer.close()
    with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        assert ledger.labeled() == [("a.png", "cat"), ("b.png", "dog")]


def test_answers_that_stand_in_the_log_alone(folder, tmp_path):
    """As a kill leaves it, or as it was when the folder was copied."""
    with told(folder) as ledger:
        ledger.tell({"b.png": "dog"}, who="ann", cycle=0)
        shutil.copytree(folder, tmp_path / "copy")
    for name in names(folder):
        (folder / name).unlink()
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        shutil.copy(tmp_path / "copy" / name, folder / name)
    copies = set(Path(tempfile.gettempdir()).glob("ncenet-*"))
    with unwritable(folder):
        ledger = Ledger(folder / "ledger.sqlite", read_only=True)
        assert ledger.labeled() == [("a.png", "cat"), ("b.png", "dog")]
        with pytest.raises(LedgerError, match="readonly"):
            ledger.undo("a.png", who="ann")
        ledger.close()
    assert names(folder) == ["ledger.sqlite", "ledger.sqlite-wal"]
    assert set(Path(tempfile.gettempdir()).glob("ncenet-*")) == copies, "nothing is left behind"


def test_where_it_can_be_written_no_shortcut_is_taken(folder):
    """Who promises SQLite that nothing changes would miss what a server writes meanwhile."""
    with told(folder) as writer, Ledger(folder / "ledger.sqlite", read_only=True) as reader:
        writer.tell({"b.png": "dog"}, who="ann", cycle=0)
        assert reader.labeled() == [("a.png", "cat"), ("b.png", "dog")]


def test_another_reason_is_told(folder, monkeypatch):
    told(folder).close()
    holder = sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("ncenet.ledger.database.BUSY_SECONDS", 0.1)
    with pytest.raises(LedgerError, match="locked"):
        Ledger(folder / "ledger.sqlite", read_only=True)
    holder.close()


def test_a_journal_that_a_kill_left_is_worked_in_on_a_copy(folder, tmp_path):
    """A ledger is switched to its log by a transaction of the older kind."""
    file = folder / "ledger.sqlite"
    told(folder).close()
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA cache_spill = 1")
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN")
    rows = ((f"{n:05}.png", "hash") for n in range(5000))
    db.executemany("INSERT INTO items (id, hash) VALUES (?, ?)", rows)  # spills into the file, not committed
    for name in ("ledger.sqlite", "ledger.sqlite-journal"):
        shutil.copy(folder / name, tmp_path / name)
    db.close()
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert ([item.id for item in ledger.items()], ledger.labeled()) == (
            ["a.png", "b.png"],
            [("a.png", "cat")],
        )
    assert (tmp_path / "ledger.sqlite-journal").exists(), "who only reads changes nothing"


def test_a_ledger_that_was_just_begun(folder):
    (folder / "ledger.sqlite").touch()
    with pytest.raises(LedgerError, match=r"nothing is in this ledger yet.*ncenet ask goes on"):
        Ledger(folder / "ledger.sqlite", read_only=True)
    with Ledger(folder / "ledger.sqlite") as ledger:
        assert ledger.items() == []

"""A run folder that an earlier version left is read, reported and goes on.

``of_schema_2`` is one with ledger schema 2, from before records had schemas and ledgers knew recipes;
its ledger stands there as SQL, its model not at all.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest

from ncenet.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT, INITIAL, by_strategy
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_record import recorded
from ncenet.run.record_files import read_asked, read_fit, read_query, read_test

LEFT = Path(__file__).parent / "of_schema_2"


def bitmap(n: int) -> bytes:
    """A picture of 8 x 8 pixels whose bytes no library makes."""
    pixels = bytes((n * 37 + k * 11) % 256 for k in range(8 * 8 * 3))
    head = struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54)
    return b"BM" + head + struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels


@pytest.fixture
def run(tmp_path):
    (tmp_path / "photos").mkdir()
    for n in range(16):
        (tmp_path / "photos" / f"{n:02}.bmp").write_bytes(bitmap(n))
    shutil.copytree(LEFT, tmp_path / "run")
    script = tmp_path / "run" / "ledger.sql"
    ledger = sqlite3.connect(tmp_path / "run" / "ledger.sqlite")
    ledger.executescript(script.read_text())
    ledger.close()
    script.unlink()
    return tmp_path / "run"


def test_its_records_and_its_report_are_read(ncenet, run):
    files = RunFolder(run).cycle(1)
    fit, test, asked, query = (read(files) for read in (read_fit, read_test, read_asked, read_query))
    assert (fit.labeled, test.accuracy, asked.strategy, len(query)) == (4, 0.25, "margin", 3)
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        asking = [ledger.latest_query(by=who) for who in (HELD_OUT, INITIAL, by_strategy("margin"))]
        assert [len(each.query) for each in asking] == [4, 4, 3]
    record = json.loads(ncenet("report", run, "--json").out)
    assert [(cycle["labeled"], cycle["accuracy"]) for cycle in record["cycles"]] == [(4, 0.25)]
    assert ncenet("export", run, "labels.csv").code == 0
    assert ncenet("repair", run, "--dry-run").out == f"{run}: nothing is broken\n"


def test_it_goes_on(ncenet, run):
    queried = [row["id"] for row in json.loads(ncenet("ask", "run", "-n", 3, "--json").out)]
    assert queried == list(read_query(RunFolder(run).cycle(1)).ids), "asked for already"
    (run.parent / "answers.json").write_text(json.dumps(dict.fromkeys(queried, "bee")))
    assert ncenet("tell", "run", "answers.json").code == 0
    done = ncenet("ask", "run", "-n", 2, "--json")
    assert done.code == 0 and len(json.loads(done.out)) == 2, done.err
    record = json.loads(ncenet("report", run, "--json").out)
    assert [cycle["labeled"] for cycle in record["cycles"]] == [4, 7]
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        assert [each.cycle for each in recorded(ledger)] == [0], "known from now on"

"""A run whose ledger was being made when the process ended or the disk got full: every command goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ncenet.compare import read_comparison
from ncenet.ledger import Ledger
from tests.compare.fake_runs import write_comparison
from tests.compare.test_records import COMPARISON
from tests.data.make import jpeg, write


def nothing(file):
    file.touch()


def no_tables(file):
    with closing(sqlite3.connect(file)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("VACUUM")


def no_images(file):
    Ledger(file).close()


LEFT = (nothing, no_tables, no_images)
QUICK = ("--initial", "4", "--backbone", "mlp", "--epochs", "1", "--min-steps", "1")
COMMANDS = (
    ("report", "r"),
    ("report", "r", "--json"),
    ("init", "photos", "--out", "r", "--classes", "a,b", *QUICK),
    ("select", "scores.csv", "-n", "1", "--by", "confusion", "--exclude", "r"),
    ("export", "r", "out.csv"),
    ("tell", "r", "told.json"),
    ("import", "r", "labels.csv"),
    ("annotators", "r"),
    ("ask", "r", "--scores", "scores.csv", "-n", "1", "--by", "confusion", "--json"),
    ("repair", "r"),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    place = tmp_path_factory.mktemp("prepared")
    write(place, {f"photos/{n}.jpg": jpeg(n, width=12, height=10) for n in range(6)})
    write(place, {"scores.csv": b"id,confusion\n1.jpg,0.5\n2.jpg,0.4\n", "told.json": b'{"1.jpg": "a"}'})
    return write(place, {"labels.csv": b"id,label\n1.jpg,a\n"})


@pytest.mark.parametrize("left", LEFT)
def test_each_command_goes_on_or_says_how(ncenet, prepared, tmp_path, left):
    for command in COMMANDS:
        shutil.rmtree(tmp_path / "r", ignore_errors=True)
        shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
        assert ncenet("init", "photos", "--out", "r", "--classes", "a,b", *QUICK).code == 0
        left(Path("r/ledger.sqlite"))
        done = ncenet(*command)
        assert "defect" not in done.said, (command, done.said)
        if done.code:
            assert "nothing was asked yet; ncenet ask begins" in done.said, (
                command,
                done.said,
            )
        again = ncenet("ask", "r", "-n", "4", "--json")
        assert again.code == 0 and json.loads(again.out), (command, again.said)


@pytest.mark.parametrize("left", LEFT)
def test_a_comparison_goes_on(tmp_path, left):
    short = COMPARISON.model_copy(update={"base": COMPARISON.base.with_changes({"loop.cycles": 2})})
    write_comparison(tmp_path, short, {"a": [[0.5, 0.6], [0.5, 0.7]], "b": [[0.4, 0.5], [0.4, 0.5]]})
    shutil.rmtree(tmp_path / "b/seed-1/cycles")
    (tmp_path / "b/seed-1/ledger.sqlite").unlink(missing_ok=True)
    left(tmp_path / "b/seed-1/ledger.sqlite")
    assert read_comparison(tmp_path).unfinished == (("b", 1),)

"""``export`` and ``import``: labels to files and back."""

from __future__ import annotations

import json

import pytest

from ncenet.ledger import Ledger
from ncenet.tables import read_csv
from tests.labels.make import new_run, photos, standing


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
    run.ledger.tell({"a.jpg": "ant", "b.jpg": "bee"}, who="ann", cycle=0)
    yield run
    run.ledger.close()


def test_there_and_back(ncenet, run, tmp_path):
    done = ncenet("export", "run", "labels.csv")
    assert (done.code, done.out) == (0, "")
    assert "2 answers in labels.csv" in done.said
    other = new_run(tmp_path / "other", tmp_path / "photos")
    dry = ncenet("import", "other", "labels.csv", "--dry-run")
    assert dry.code == 0, dry.err
    assert dry.out.split() == ["2", "new", "nothing", "was", "recorded:", "a", "dry", "run"]
    assert standing(other) == {}
    assert ncenet("import", "other", "labels.csv").out.split() == ["2", "new", "2", "answers", "recorded"]
    assert standing(other) == standing(run)
    other.ledger.close()


def test_labels_that_exist_come_into_a_run_that_was_not_begun(ncenet, run, tmp_path):
    assert ncenet("export", "run", "labels.csv").code == 0
    assert ncenet("init", "photos", "--classes", "ant,bee", "--out", "new", "--held-out", 0).code == 0
    said = ncenet("export", "new", "none.csv").said
    assert "new: a recipe, and nothing was asked yet; ncenet ask begins" in said
    dry = ncenet("import", "new", "labels.csv", "--dry-run")
    assert (dry.code, dry.out.split()[:2]) == (0, ["2", "new"]), dry.err
    assert ncenet("import", "new", "labels.csv").out.split()[-3:] == ["2", "answers", "recorded"]
    with Ledger(tmp_path / "new" / "ledger.sqlite", read_only=True) as ledger:
        assert dict(ledger.labeled()) == {"a.jpg": "ant", "b.jpg": "bee"}


def test_what_would_change_is_shown(ncenet, run, tmp_path):
    (tmp_path / "in.csv").write_text("id,label\na.jpg,bee\nb.jpg,bee\nsub/a.jpg,ant\nz.jpg,ant\n")
    done = ncenet("import", "run", "in.csv", "--dry-run", "--who", "bob")
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert "1 conflicting 'a.jpg': bee, stands as ant by ann, 20" in said
    assert "1 unknown id 'z.jpg': ant" in said
    stopped = ncenet("import", "run", "in.csv", "--who", "bob")
    assert (stopped.code, stopped.out) == (1, "")
    assert "leave them out with --on-mismatch skip" in stopped.said
    stopped = ncenet("import", "run", "in.csv", "--who", "bob", "--on-mismatch", "skip")
    assert "choose with --on-conflict" in stopped.said
    assert len(run.ledger.events()) == 2, "nothing was recorded so far"

    words = ("--who", "bob", "--on-mismatch", "skip", "--on-conflict", "replace", "--json")
    record = json.loads(ncenet("import", "run", "in.csv", *words).out)
    assert record["recorded"] == 2
    assert record["counts"] == {"new": 1, "same": 1, "conflicting": 1, "unknown id": 1}
    assert record["changes"][0] == {
        "id": "a.jpg",
        "status": "conflicting",
        "kind": "answer",
        "label": "bee",
        "who": "bob",
        "before": {"label": "ant", "kind": "answer", "who": "ann"},
        "why": "",
    }
    assert standing(run)["a.jpg"][1:3] == ("bee", "bob")


def test_long_lists_are_cut(ncenet, run, tmp_path):
    (tmp_path / "in.csv").write_text("id,label\n" + "".join(f"x{n}.jpg,ant\n" for n in range(30)))
    done = ncenet("import", "run", "in.csv", "--dry-run")
    assert done.out.count(".jpg") == 20
    assert "and 10 more" in done.out


def test_folders(ncenet, run, tmp_path):
    assert ncenet("export", "run", "sorted", "--format", "class-folders", "--link").code == 0
    assert (tmp_path / "sorted" / "ant" / "a.jpg").is_symlink()
    done = ncenet("import", "run", "sorted", "--format", "class-folders")
    assert done.out.split() == ["2", "same", "0", "answers", "recorded"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("export nowhere a.csv", "nowhere: no run here; ncenet ask makes one"),
        ("export run a.txt", "a.txt: looks like no format; name one of class-folders"),
        ("import run a.csv", "a.csv: there is no such file or folder"),
        ("import run a.csv --on-conflict ask", "--on-conflict: 'ask' is none of stop, keep, replace"),
    ],
)
def test_wrong_usage(ncenet, run, words, message):
    done = ncenet(*words.split())
    assert done.code == 2
    assert message in done.said


def test_notes_are_exported_too(ncenet, run, tmp_path):
    none = ncenet("export", "run", "notes.csv", "--notes")
    assert none.code == 1 and "nothing to export, there are no notes yet" in none.said
    run.ledger.notes.write("a.jpg", "blurred, take again", who="ann")
    run.ledger.notes.write("sub/c.jpg", "first", who="ann")
    run.ledger.notes.write("sub/c.jpg", '=HYPERLINK("x")', who="bob")
    done = ncenet("export", "run", "notes.csv", "--notes")
    assert done.code == 0 and "2 notes in notes.csv" in done.said
    columns, rows = read_csv(tmp_path / "notes.csv")
    assert columns == ["id", "who", "at", "note"]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("a.jpg", "ann", "blurred, take again"),
        ("sub/c.jpg", "bob", '=HYPERLINK("x")'),
    ], "also of images that nobody answered; the last note of each"
    assert "'=HYPERLINK" in (tmp_path / "notes.csv").read_text(), "no formula for a spreadsheet"
    assert ncenet("export", "run", "run/ledger.sqlite", "--notes").code != 0
    assert run.ledger.notes.of(), "the ledger is still there"
    both = ncenet("export", "run", "notes.csv", "--notes", "--format", "csv")
    assert both.code == 2 and "--notes writes notes as CSV" in both.said

"""A run on a read-only medium: what only reads works, with the answers of a log too; what writes says so."""

import contextlib
import csv
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ncenet.cli import main
from ncenet.ledger import Ledger
from tests.data.make import jpeg, write
from tests.integration.forks import ended, forked
from tests.ledger.test_read_only import unwritable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions are other things there")

READ = (
    ("report", "r", "--json"),
    ("report", "r", "--out", "written"),
    ("export", "r", "labels.csv"),
    ("export", "r", "labels.jsonl"),
    ("export", "r", "folders", "--format", "class-folders"),
    ("export", "r", "model", "--model", "safetensors"),
    ("score", "r", "photos", "--out", "scores.csv"),
    ("sort", "r", "sorted", "--above", "0"),
    ("select", "pool.csv", "-n", "2", "--by", "confusion", "--exclude", "r"),
    ("import", "r", "more.csv", "--dry-run"),
    ("annotators", "r"),
    ("repair", "r", "--dry-run"),
)
WRITE = (
    (("report", "r"), "name another folder with --out"),
    (("ask", "r", "-n", "2"), "r/.lock: Permission denied"),
    (("tell", "r", "more.csv"), "r/ledger.sqlite: attempt to write a readonly database"),
    (("import", "r", "more.csv"), "r/ledger.sqlite: attempt to write a readonly database"),
    (("repair", "r"), "r/.lock: Permission denied"),
    (("annotators", "r", "--add", "bob"), "r/.annotators.lock: Permission denied"),
)


def done(*words):
    """Exit code of a command, and what it said."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
        try:
            main(list(words))
        except SystemExit as stop:
            return stop.code or 0, " ".join((out.getvalue() + error.getvalue()).split())
    return 0, ""


@pytest.fixture(scope="module")
def place():
    """A folder that everybody can reach, with a run that has a model; all that is imported is by now."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    write(place, {f"photos/{n:02}.jpg": jpeg(n, width=12, height=10) for n in range(14)})
    (place / "pool.csv").write_text("id,confusion\n" + "".join(f"{n:02}.jpg,0.{n:02}\n" for n in range(14)))
    quick = ("--epochs", "1", "--min-steps", "2", "--batch-size", "4", "--backbone", "mlp", "--initial", "6")
    told = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for more in (("--data", "photos", "--classes", "a,b", *quick), ()):
            assert done("ask", "r", "-n", "6", "--out", "query.csv", *more)[0] == 0
            with Path("query.csv").open() as text:
                labels = {row["id"]: "ab"[n % 2] for n, row in enumerate(csv.DictReader(text))}
            told |= labels
            Path("told.json").write_text(json.dumps(labels))
            assert done("tell", "r", "told.json")[0] == 0
        fresh = [f"{n:02}.jpg" for n in range(1, 14) if f"{n:02}.jpg" not in told]
        Path("more.csv").write_text(f"id,label\n{fresh[0]},a\n")
        for command in (*READ, *(words for words, _ in WRITE)):  # a stranger may read no library
            shutil.copytree(place, place / "once")
            patch.chdir(place / "once")
            done(*command)
            patch.chdir(place)
            shutil.rmtree(place / "once")
    yield place
    shutil.rmtree(place)


@pytest.fixture(params=[False, True], ids=["closed", "with a log"])
def run(request, place, monkeypatch):
    """A copy of it whose run nobody here may write; perhaps with an answer that stands in the log alone."""
    here = shutil.copytree(place, place.with_name(f"{place.name}-copy"))
    here.chmod(0o777)
    monkeypatch.chdir(here)
    if request.param:

        def told_and_gone():
            ledger = Ledger(Path("r/ledger.sqlite"))
            ledger.tell({ledger.items()[0].id: "b"}, who="late", cycle=1)
            os._exit(0)  # and nobody closes the file

        assert ended(forked(told_and_gone)) == 0
        assert Path("r/ledger.sqlite-wal").stat().st_size
    for path in Path("r").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with unwritable(Path("r")):
        yield request.param
    shutil.rmtree(here)


@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_what_reads_works(run, words):
    before = sorted(str(path) for path in Path("r").rglob("*"))
    assert done(*words)[0] == 0, done(*words)
    assert sorted(str(path) for path in Path("r").rglob("*")) == before
    if words[-1] == "labels.jsonl":
        who = {json.loads(line)["who"] for line in Path("labels.jsonl").read_text().splitlines()}
        assert ("late" in who) == run, "to its last answer"


@pytest.mark.parametrize(
    ("words", "why"), WRITE, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_what_writes_says_so(run, words, why):
    code, said = done(*words)
    assert code != 0
    assert why in said
    assert "defect" not in said

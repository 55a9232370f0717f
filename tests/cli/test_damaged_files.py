"""Every file of a run, damaged in every way, before every command: one sentence that names it, and no defect.

And after `ncenet repair` the run goes on, with all its answers.
"""

import contextlib
import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from ncenet.cli import main
from tests.data.make import jpeg, write

TEXT = {
    "empty": b"",
    "NUL": b"\0" * 40,
    "no text": bytes(range(256)),
    "a list": b"[]\n",
    "nothing": b"null\n",
    "deep": b"[" * 20_000,
    "a number of 400 digits": b'{"schema": ' + b"9" * 400 + b"}",
    "a number of 5,000 digits": b'{"schema": ' + b"9" * 5000 + b"}",
    "half a character": b'{"schema": 1, "\\ud800": "\\udfff"}',
    "another table": b"x,y\n1,2\n",
    "a quote": b'rank,id,score\n1,"a.jpg,0.5\n',
}
WAYS = (*TEXT, "half", "one byte less", "a folder", "gone", "a device")
COMMANDS = (
    ("report", "r"),
    ("report", "r", "--json"),
    ("export", "r", "out.csv"),
    ("export", "r", "model", "--model", "safetensors"),
    ("score", "r", "photos", "--out", "scores.csv"),
    ("ask", "r", "-n", "2", "--json"),
    ("tell", "r", "none.json"),
    ("sort", "r", "sorted"),
    ("repair", "r"),
)
FILES = (
    *("bad_images.csv", "duplicates.csv", "recipe.yaml", "ledger.sqlite"),
    *("cycles/000/query.csv", "cycles/000/query.json", "cycles/001/query.csv", "cycles/001/query.json"),
    *("cycles/001/fit.json", "cycles/001/test.json", "cycles/001/test.csv", "cycles/001/model.safetensors"),
)
ANSWERS = 9

NO_TABLES = ("a list", "nothing", "deep", "a number of 400 digits", "a number of 5,000 digits")
OTHERS = {".csv": NO_TABLES, ".json": ("another table", "a quote")}
OTHERS[".sqlite"] = OTHERS[".safetensors"] = (*NO_TABLES, "half a character", *OTHERS[".json"])
"""Text that a file of that kind could as little be as "NUL" or "no text": tried in the long run alone."""
PAIRS = [
    pytest.param(name, way, marks=[pytest.mark.slow] * (way in OTHERS.get(Path(name).suffix, ())))
    for name in FILES
    for way in WAYS
]


def quietly(*words):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main(list(words))
        except SystemExit as stop:
            assert not stop.code, said.getvalue()


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run with a model and a query that it chose."""
    place = tmp_path_factory.mktemp("begun")
    write(place, {f"photos/{n:02}.jpg": jpeg(n, width=12, height=10) for n in range(14)})
    write(place, {"photos/copy.jpg": jpeg(1, width=12, height=10), "none.json": b"{}"})
    quick = ("--epochs", "1", "--min-steps", "2", "--batch-size", "4", "--backbone", "mlp")
    first = ("--data", "photos", "--classes", "a,b", "--held-out", "3", "--initial", "6", *quick)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for more in (("-n", "6", *first), ("-n", "6"), ("-n", "2")):
            quietly("ask", "r", "--out", "query.csv", *more)
            if more != ("-n", "2"):
                with Path("query.csv").open() as text:
                    labels = {row["id"]: "ab"[n % 2] for n, row in enumerate(csv.DictReader(text))}
                Path("told.json").write_text(json.dumps(labels))
                quietly("tell", "r", "told.json")
    written = {
        path.relative_to(place / "r").as_posix() for path in (place / "r").rglob("*") if path.is_file()
    }
    left = {path for path in written - set(FILES) if not Path(path).name.startswith((".", "ledger", "looks"))}
    assert set(FILES) <= written
    assert not left, "a file that nobody damages here"
    return place


def damage(file, way):
    data = file.read_bytes()
    file.unlink()
    if way in TEXT:
        file.write_bytes(TEXT[way])
    elif way == "half":
        file.write_bytes(data[: len(data) // 2])
    elif way == "one byte less":
        file.write_bytes(data[:-1])
    elif way == "a folder":
        file.mkdir()
    elif way == "a device":
        file.symlink_to("/dev/zero")


@pytest.mark.parametrize("commands", [1, pytest.param(len(COMMANDS) - 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "way"), PAIRS)
def test_is_named_and_repaired(ncenet, begun, tmp_path, monkeypatch, name, way, commands):
    # Each pair meets one of the commands in turn, so that each meets every file, and repair.
    turn = FILES.index(name) + WAYS.index(way)
    for command in (*(COMMANDS[(turn + n) % (len(COMMANDS) - 1)] for n in range(commands)), COMMANDS[-1]):
        here = shutil.copytree(begun, tmp_path / "-".join(command))
        monkeypatch.chdir(here)
        damage(here / "r" / name, way)
        done = ncenet(*command)
        assert "defect" not in done.said and "Traceback" not in done.said, (command, done.said)
        if done.code:
            assert Path(name).name in done.said, (command, done.said)
            assert done.err.startswith("error ") and "\nerror " not in done.err, (command, done.said)
        if command != COMMANDS[-1]:
            monkeypatch.chdir(tmp_path)
            shutil.rmtree(here)  # of all pairs and commands they are tens of GB
    if name != "ledger.sqlite":
        assert ncenet("ask", "r", "-n", "2", "--json").code == 0
        assert ncenet("export", "r", "after.jsonl").code == 0
        assert len((here / "after.jsonl").read_text().splitlines()) == ANSWERS


@pytest.mark.parametrize("way", ["nothing", "a list"])
def test_images_are_not_sorted_by_a_recipe_that_was_emptied(ncenet, begun, tmp_path, monkeypatch, way):
    here = shutil.copytree(begun, tmp_path / "here")
    monkeypatch.chdir(here)
    damage(here / "r/recipe.yaml", way)
    done = ncenet("sort", "r", "sorted")
    assert done.code and "recipe.yaml" in done.err and not (here / "sorted").exists()

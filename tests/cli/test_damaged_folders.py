"""Every file of every kind of folder that we write, damaged: one sentence names it, in time, and no defect.

Single runs of classification have a test of their own, tests/cli/test_damaged_files.py; here are the others.
Each file meets some of the ways, others in each kind of folder, and each time commands that read it, and
`ncenet repair` where that is for it. What the page reads is asked for as its scripts do.
"""

import contextlib
import csv
import io
import itertools
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from starlette.testclient import TestClient

from ncenet.cli import main
from ncenet.doors.names import Names
from ncenet.errors import NcenetError
from ncenet.loop.open import open_loop
from ncenet.loop.opinions import opine
from ncenet.recipe import Recipe
from ncenet.run.record_files import write_doubts
from ncenet.web.guard import token_of
from ncenet.web.serve import open_project
from ncenet.web.site import build_site, rooms
from tests.cli.test_damaged_files import TEXT, damage
from tests.commands import SMALL_RUN
from tests.data.make import jpeg, write
from tests.web.conftest import HOST, IdleTrainer

WAYS = (*TEXT, "half", "one byte less", "a folder", "gone", "a device", "a pipe", "holes", "other bits")
EACH = 3
"""Ways that each file meets."""
OUTPUTS = ("report", "curves")
"""Begin of the names of what reports write anew each time; a folder in that place is somebody's."""
SECONDS = 120
"""A command that takes longer waits for something."""
QUICK = ("--epochs", "1", "--min-steps", "2", "--batch-size", "4")
SIMULATED = ("--out", "f", "--processes", "1", *SMALL_RUN)


def said_by(*words):
    """Exit code of a command, and what it said."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            return stop.code or 0, out.getvalue() + error.getvalue()
    return 0, out.getvalue() + error.getvalue()


def done(*words):
    code, said = said_by(*words)
    assert code == 0, said


def asked_and_told(folder, answer, *first):
    """A run with a model, and a query that it chose."""
    for n, more in enumerate((("-n", "6", *first), ("-n", "6"), ("-n", "2"))):
        done("ask", folder, "--out", "query.csv", *more)
        with Path("query.csv").open() as text:
            ids = [row["id"] for row in csv.DictReader(text)]
        if n < 2:
            Path("told.json").write_text(json.dumps({id: answer(id) for id in ids}))
            done("tell", folder, "told.json")


def photos(count=14):
    write(Path(), {f"photos/{n:02}.jpg": jpeg(n, width=12, height=10) for n in range(count)})


def classes(id):
    return "ab"[int(id[:2]) % 2]


def detection():
    Path("photos").mkdir()
    for n in range(14):
        pixels = np.full((48, 64, 3), 30, np.uint8)
        pixels[10:30, 4 + n : 24 + n] = (255, 10 * n, 0)
        PIL.Image.fromarray(pixels).save(f"photos/{n:02}.png")
    first = (
        "--data",
        "photos",
        "--classes",
        "box,cup",
        "--task",
        "detection",
        "--held-out",
        "3",
        "--initial",
        "6",
    )
    asked_and_told(
        "f",
        lambda name: [{"box": [4 + int(name[:2]), 10, 24 + int(name[:2]), 30], "label": "box"}],
        *(*first, "--image-size", "64", *QUICK),
    )


def simulation():
    done("simulate", "digits", "--out", "f", *SMALL_RUN)


def comparison():
    done("simulate", "digits", "--beside", "random", *SIMULATED)


def sorted_folder():
    photos()
    asked_and_told(
        "r", classes, "--data", "photos", "--classes", "a,b", "--initial", "6", "--backbone", "mlp", *QUICK
    )
    done("sort", "r", "f", "--above", "0")


def scores():
    photos()
    asked_and_told(
        "r", classes, "--data", "photos", "--classes", "a,b", "--initial", "6", "--backbone", "mlp", *QUICK
    )
    Path("f").mkdir()
    done("score", "r", "photos", "--out", "f/scores.csv")
    done("score", "r", "photos", "--out", "f/scores.parquet")
    ids = [f"{n:02}.jpg" for n in range(14)]
    Path("f/passed.txt").write_text("01.jpg\n")
    rows = np.random.default_rng(0).random((14, 4)).astype(np.float32)
    np.savez("f/vectors.npz", ids=np.array(ids), vectors=rows)
    np.save("f/bare.npy", rows)
    Path("f/bare.ids.txt").write_text("".join(f"{id}\n" for id in ids))


def features():
    photos()
    asked_and_told("r", classes, *BEGUN, "--features", "gist")


def page():
    """A run with all that the page, its annotators and Label Studio keep in it."""
    photos(34)
    asked_and_told("f", classes, *BEGUN, "--held-out", "6", "--backbone", "mlp", *QUICK)
    done("annotators", "f", "--add", "ann")
    loop, _ = open_loop(Recipe.load(Path("f/recipe.yaml")), Path("f"))
    with loop.ledger:
        opine(loop, loop.ledger.cycles()[-1].number)
        write_doubts(loop.folder.cycle(1), ["00.jpg"])
    token_of(Path("f"))


def looked_at(folder):
    """What the page shows of a run: exit code and sentences; raises what would end its server."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            recipe = Recipe.load(Path(folder) / "recipe.yaml")
            project = open_project(recipe, Path(folder), you="ann", trains=IdleTrainer)
        except NcenetError as error:
            return 1, str(error)
        try:
            (room,) = rooms([project])
            app = build_site([room], names=Names(["127.0.0.1"]), public=None)
        except NcenetError as error:
            project.close()
            return 1, str(error)
        headers = {"authorization": f"Bearer {room.token}", "origin": f"http://{HOST}"}
        visitor = TestClient(app, base_url=f"http://{HOST}", headers=headers)
        told = [project.hub.news()] if "event: trouble" in project.hub.news() else []
        first, *_ = project.pool.ids()
        me = {"window": "window-1", "who": "ann"}
        for path, message in (
            ("/api/turns", {**me, "holding": [], "want": 3}),
            ("/api/pool", {"wanted": {"order": "sure"}}),
            ("/api/why", {"id": first}),
            ("/api/near", {"id": first}),
            ("/api/details", {"id": first}),
            ("/api/group", me),
            ("/api/mine", {"who": "ann"}),
            *((f"/files/{name}", None) for name in ("labels.csv", "report.html", "model.safetensors")),
        ):
            answer = visitor.get(path) if message is None else visitor.post(path, json=message)
            if answer.status_code >= 500:
                told.append(f"defect: {path} {answer.status_code} {answer.text[:300]}")
        entry = {"key": "key-of-one", "id": first, "kind": "answer", "label": "a"}
        taken = visitor.post("/api/answers", json={"who": "ann", "entries": [entry]}).json()
        if not any(event.id == first for event in project.ledger.events()):
            told.append(f"defect: an answer was not recorded: {taken}")
        project.close()
    return int(bool(told)), "\n".join(told) + said.getvalue()


BEGUN = ("--data", "photos", "--classes", "a,b", "--initial", "6")
RUN = (
    ("report", "f"),
    ("report", "f", "--json"),
    ("export", "f", "out.jsonl"),
    ("ask", "f", "-n", "2", "--json"),
)
VECTORS = ("-n", "2", "--json", "--data", "photos", "--classes", "a,b", "--initial", "4", "--features")
KINDS = {
    detection: (
        *RUN,
        ("export", "f", "m", "--model", "safetensors"),
        ("score", "f", "photos", "--out", "s.csv"),
    ),
    simulation: (*RUN[:3], ("simulate", "digits", "--out", "f", *SMALL_RUN)),
    comparison: (
        ("report", "f"),
        ("report", "f", "--json"),
        ("simulate", "digits", "--beside", "random", *SIMULATED),
    ),
    features: (
        ("ask", "r", "-n", "2", "--json"),
        ("features", "photos", "--features", "gist"),
        ("features",),
        ("score", "r", "photos", "--out", "s.csv"),
    ),
    page: (
        ("the page", "f"),
        ("annotators", "f"),
        ("annotators", "f", "--add", "ben"),
        ("the page", "f"),
        ("ask", "f", "-n", "2", "--json"),
        ("report", "f"),
        ("sort", "f"),
    ),
    sorted_folder: (("sort", "r", "f", "--undo"),),
    scores: (
        ("select", "f/scores.csv", "-n", "2", "--by", "confusion", "--exclude", "f/passed.txt"),
        ("select", "f/scores.parquet", "-n", "2", "--by", "confusion"),
        ("ask", "v", *VECTORS, "f/vectors.npz"),
        ("ask", "w", *VECTORS, "f/bare.npy"),
    ),
}
REPAIRED = (detection, simulation, comparison, page)
GOES_ON = {
    detection: RUN[3],
    simulation: KINDS[simulation][3],
    comparison: KINDS[comparison][2],
    page: KINDS[page][4],
}


def harm(file, way):
    data = file.read_bytes()
    if way == "a pipe":
        file.unlink()
        os.mkfifo(file)
    elif way == "holes":
        with file.open("wb") as empty:
            empty.truncate(20_000_000_000)
    elif way == "other bits":
        broken = bytearray(data)
        for place in range(len(data) // 3, len(data), max(1, len(data) // 7)):
            broken[place] ^= 0x15
        file.write_bytes(broken)
    else:
        damage(file, way)


def too_late(*_):
    raise TimeoutError("waits for something")


@pytest.fixture
def in_time():
    before = signal.signal(signal.SIGALRM, too_late)
    yield lambda: signal.alarm(SECONDS)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def looked_through(kind):
    """The files of a folder of this kind that are damaged in turn."""
    top = Path("cache" if kind is features else "f")
    files = sorted(path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    files = [file for file in files if not file.name.startswith((".", "ledger", "looks"))]
    if kind is comparison:  # one of two trials, which are alike
        files = [file for file in files if "nce-random" not in file.parts]
    images = [file for file in files if file.suffix in (".jpg", ".png")]
    return [file for file in files if file not in images[1:]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_is_named(tmp_path, monkeypatch, in_time, kind):
    whole, here = tmp_path / "whole", tmp_path / "here"
    whole.mkdir()
    monkeypatch.chdir(whole)
    if kind is features:
        monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    kind()
    files = looked_through(kind)
    assert files
    ways, commands, complaints = itertools.cycle(WAYS), itertools.cycle(KINDS[kind]), []
    for _ in range(list(KINDS).index(kind)):  # another one first in each kind
        next(ways)
    for file in files:
        for way in itertools.islice(ways, EACH):
            if way == "a folder" and file.name.startswith(OUTPUTS):
                continue
            monkeypatch.chdir(tmp_path)
            shutil.rmtree(here, ignore_errors=True)
            shutil.copytree(whole, here)
            monkeypatch.chdir(here)
            harm(here / file, way)
            several = list(itertools.islice(commands, 2))
            for command in (*several, *([("repair", "f")] if kind in REPAIRED else [])):
                in_time()
                code, said = looked_at(command[1]) if command[0] == "the page" else said_by(*command)
                if "defect" in said or "Traceback" in said or said.count("\nerror ") > 1:
                    complaints.append((str(file), way, command, said[-400:]))
                elif code and file.name not in said:
                    complaints.append((str(file), way, command, "does not name it", said[-400:]))
            if kind in GOES_ON:
                in_time()
                code, said = said_by(*GOES_ON[kind])
                if code:
                    complaints.append((str(file), way, "does not go on after repair", said[-400:]))
            signal.alarm(0)
    assert not complaints, "\n".join(map(str, complaints))

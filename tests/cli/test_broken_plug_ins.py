"""A plug-in that fails when it is loaded, made or asked is named, and ends no command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.labels.make import photos

THINGS = """
class Wrong(Exception):
    def __str__(self): raise TypeError("no words either")


class Made:
    def __init__(self, *args, **options): raise Wrong


class Asked:
    form, suffix, tasks, needs = "lists", ".a", {"classification"}, {"probs"}
    task = "classification"
    def recognises(self, path): raise OSError("asked")
    def reads(self, path): raise SystemExit("asked")


def section(run): raise AttributeError("asked")


def writer(report): raise KeyError("asked")


not_callable = 5
"""
POINTS = """
[ncenet.strategies]
a = things:Made
b = things:not_callable
[ncenet.datasets]
a = things:Made
[ncenet.readers]
a = things:Made
b = things:Asked
c = things:missing
[ncenet.formats]
a = things:Made
b = things:Asked
[ncenet.run_sections]
a = things:section
[ncenet.report_formats]
a = things:writer
[ncenet.heads]
a = things:Made
"""

INTERRUPTIBLE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in the background
    "from ncenet.cli import main; main()"
)


def installed(place, points, **modules):
    """A folder in which a package is installed, and how to start the program there."""
    for name, text in modules.items():
        (place / f"{name}.py").write_text(text)
    (place / "broken-1.dist-info").mkdir()
    (place / "broken-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken\nVersion: 1\n"
    )
    (place / "broken-1.dist-info" / "entry_points.txt").write_text(points)
    (place / "photos").mkdir()
    photos(place / "photos", tuple(f"{n}.jpg" for n in range(8)))
    path = os.pathsep.join([str(place), *sys.path])

    def start(*words):
        return subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, *words],
            cwd=place,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process):
    """What a process said, when it has ended."""
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="module")
def ncenet(tmp_path_factory):
    """Runs the program where a package is installed that breaks in every way; gives what it says."""
    place = tmp_path_factory.mktemp("site")
    start = installed(place, POINTS, things=THINGS)

    def run(*words, code=0):
        done = ended(start(*words))
        assert done.returncode == code, done.stdout + done.stderr
        assert "defect" not in done.stderr and "Traceback" not in done.stderr
        return done

    run.place = place
    return run


def notes(done):
    return [line for line in done.stderr.splitlines() if line.startswith("note: ")]


def test_strategies_and_sets_are_listed_without_it(ncenet):
    listed = ncenet("strategies")
    assert "margin" in listed.stdout
    assert len(notes(listed)) == 2
    assert "the query strategy 'a' of a plug-in (things:Made) fails and is left out: Wrong;" in listed.stderr
    assert "'b' of a plug-in (things:not_callable) fails and is left out: TypeError" in listed.stderr
    assert "digits" in (sets := ncenet("datasets")).stdout
    assert "the data set 'a' of a plug-in (things:Made) fails and is left out" in sets.stderr


def test_whoever_asks_for_it_by_name_is_told(ncenet):
    asked = ncenet("ask", "no", "--data", "photos", "--classes", "a,b", "--strategy", "a", code=2)
    assert "the query strategy 'a' of a plug-in (things:Made) fails: Wrong; repair" in asked.stderr
    head = ncenet("simulate", "digits", "--head", "a", "--out", "x", "--cycles", "1", code=2)
    assert "the head 'a' of a plug-in (things:Made) fails: Wrong; repair" in head.stderr


def test_a_run_is_begun_told_exported_and_reported_beside_it(ncenet):
    begun = ncenet("ask", "run", "--data", "photos", "--classes", "ant,bee", "-n", "4", "--out", "q.csv")
    assert "the data reader 'a' of a plug-in (things:Made) fails and is left out: Wrong" in begun.stderr
    assert (
        "the data reader 'b' of a plug-in (things:Asked) fails and is left out: SystemExit: asked"
        in begun.stderr
    )
    assert "the data reader 'c' of a plug-in (things:missing) can't be loaded" in begun.stderr
    assert len(notes(begun)) == len(set(notes(begun))), "each is named once"
    ids = [line.split(",")[0] for line in (ncenet.place / "q.csv").read_text().splitlines()[1:]]
    (ncenet.place / "a.csv").write_text("\n".join(["id,label", *(f"{id},ant" for id in ids)]) + "\n")
    ncenet("tell", "run", "a.csv")
    exported = ncenet("export", "run", "out.csv")
    assert "the label format 'a' of a plug-in (things:Made) fails and is left out" in exported.stderr
    again = ncenet("import", "run", "out.csv")
    assert (
        "the label format 'b' of a plug-in (things:Asked) fails and is left out: OSError: asked"
        in again.stderr
    )
    report = ncenet("report", "run")
    assert "the report section 'a' of a plug-in (things:section) fails and is left out" in report.stderr
    assert "the report format 'a' of a plug-in (things:writer) fails and is left out" in report.stderr
    assert (ncenet.place / "run" / "report.html").exists()


STOPS = {
    "interrupts": "raise KeyboardInterrupt",
    "exits": "import sys; sys.exit(0)",
    "ends": "class End(BaseException): pass\nraise End('of all')",
    "leaves": "raise GeneratorExit",
    "deep": "def f(): f()\nf()",
    "loud": "print('{\"loud\": 1}')\nimport sys; sys.stdout.write('loud')\nx = 5",
}


def test_what_ends_programs_ends_none_and_what_it_prints_is_no_part_of_ours(tmp_path):
    points = "\n".join([f"{name} = {name}:x" for name in STOPS])
    start = installed(tmp_path, f"[ncenet.strategies]\n{points}\n[ncenet.readers]\n{points}\n", **STOPS)
    words = ("ask", "run", "--data", "photos", "--classes", "ant,bee", "-n", "2", "--json")
    for done in (ended(start(*words)), ended(start("strategies", "--json"))):
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
        assert "Traceback" not in done.stderr
    for name, raised in {
        "interrupts": "KeyboardInterrupt",
        "exits": "SystemExit: 0",
        "ends": "End: of all",
    }.items():
        assert f"'{name}' of a plug-in ({name}:x) can't be loaded: {raised}" in done.stderr


def test_a_user_who_presses_ctrl_c_meanwhile_is_obeyed(tmp_path):
    slow = "import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(60)\nx = 5"
    process = installed(tmp_path, "[ncenet.strategies]\nslow = slow:x\n", slow=slow)("strategies")
    until = time.monotonic() + 60
    while not (tmp_path / "here").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130
    assert "interrupted; run the same command again" in done.stderr

"""A plug-in that fails when it is loaded, made or asked is named, and ends no command."""

from __future__ import annotations

import os
import subprocess
import sys

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


@pytest.fixture(scope="module")
def ncenet(tmp_path_factory):
    """Runs the program where a package is installed that breaks in every way; gives what it says."""
    place = tmp_path_factory.mktemp("site")
    (place / "things.py").write_text(THINGS)
    (place / "broken-1.dist-info").mkdir()
    (place / "broken-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken\nVersion: 1\n"
    )
    (place / "broken-1.dist-info" / "entry_points.txt").write_text(POINTS)
    (place / "photos").mkdir()
    photos(place / "photos", tuple(f"{n}.jpg" for n in range(8)))
    path = os.pathsep.join([str(place), *sys.path])

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "ncenet", *words],
            cwd=place,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=120,
        )
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

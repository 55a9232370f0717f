"""What each command imports: no torch where nothing is learned, which costs seconds of a processor."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from ncenet.nn.packaged import installed
from tests.data.make import jpeg, write

HEAVY = ("torch", "accelerate", "scipy", "sklearn", "matplotlib", "pandas")
PROGRAM = """
import json, resource, sys
from ncenet.cli import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code or 0
else:
    code = 0
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, sorted(sys.modules), used.ru_utime + used.ru_stime]), file=sys.stderr)
"""
STEPS = {
    "init": ("init", "photos", "--classes", "ant,bee", "--out", "run", "--backbone", "small"),
    "ask": ("ask", "run", "-n", "3", "--out", "query.csv"),
    "init with features": ("init", "photos", "--classes", "ant,bee", "--out", "seen", "--features", "lite0"),
    "ask with features": ("ask", "seen", "-n", "3", "--out", "query.csv"),
    "ask --data": (
        "ask",
        "other",
        "--data",
        "photos",
        "--classes",
        "ant,bee",
        "--strategy",
        "margin",
        "--backbone",
        "small",
        "-n",
        "3",
    ),
    "tell": ("tell", "run", "answers.json"),
    "tell that begins": ("tell", "run", "answers.json"),
    "import": ("import", "run", "labels.csv"),
    "export": ("export", "run", "out.csv"),
    "report --json": ("report", "run", "--json"),
    "strategies": ("strategies",),
    "datasets": ("datasets",),
}
"""In the order in which they can be typed; one that begins a run needs no ledger."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of images and answers about them."""
    place = tmp_path_factory.mktemp("photos")
    write(place / "photos", {f"{n}.jpg": jpeg(n, width=16, height=12) for n in range(8)})
    (place / "answers.json").write_text('{"1.jpg": "ant"}')
    (place / "labels.csv").write_text("id,label\n2.jpg,bee\n")
    return place


@pytest.fixture(scope="module")
def begun(photos, tmp_path_factory):
    """The same with a run that has no ledger yet."""
    place = shutil.copytree(photos, tmp_path_factory.mktemp("begun"), dirs_exist_ok=True)
    typed(place, STEPS["init"])
    return place


@pytest.fixture(scope="module")
def told(begun, tmp_path_factory):
    """And with an answer."""
    place = shutil.copytree(begun, tmp_path_factory.mktemp("told"), dirs_exist_ok=True)
    typed(place, STEPS["tell"])
    return place


def typed(project, words):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], cwd=project, capture_output=True, text=True, check=False
    )
    code, modules, seconds = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr[:2000]
    return modules, seconds


@pytest.mark.parametrize("command", STEPS)
def test_no_torch_where_nothing_is_learned(request, command, tmp_path_factory):
    if "with features" in command and not installed("lite0"):
        pytest.skip("the extra features is not installed")
    of_run = STEPS[command][1:2] == ("run",)
    before = "photos" if not of_run else "begun" if command in ("tell that begins", "ask") else "told"
    project = request.getfixturevalue(before)
    if STEPS[command][1:2] == ("seen",):
        project = shutil.copytree(project, tmp_path_factory.mktemp("seen"), dirs_exist_ok=True)
        typed(project, STEPS["init with features"])
    spent = []
    for _ in range(3):  # what shares a core makes it slower
        copy = shutil.copytree(project, tmp_path_factory.mktemp("attempt"), dirs_exist_ok=True)
        modules, seconds = typed(copy, STEPS[command])
        assert [name for name in HEAVY if name in modules] == []
        spent.append(seconds)
        if seconds < 1:
            break
    assert min(spent) < 1, "of a processor"


def test_the_server_of_the_page_starts_without_torch():
    pytest.importorskip("fastapi")
    code = (
        "import sys; import ncenet.web.serve, ncenet.web.project, ncenet.web.api, ncenet.cli.label\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_whoever_finds_no_boxes_waits_for_no_torchvision():
    code = (
        "import sys; import ncenet.learners.committee, ncenet.loop.estimate, ncenet.models.model\n"
        "print([name for name in ('torchvision', 'torch._dynamo', 'sklearn') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"

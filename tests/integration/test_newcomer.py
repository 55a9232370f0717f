"""A newcomer's test: each capability is one new file, found by its entry point, with no change elsewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
STRATEGY, READER, SECTION, BACKBONE, HEAD = re.findall(
    r"```python\n(.*?)```", GUIDE.split("## A newcomer's test")[1].split("\n## ")[0], re.DOTALL
)
"""The five of the guide, as they stand there."""
FORMATS = '''
"""A report format and a model format: a line each."""
def line(report):
    return {"report.line": f"{report.title}: {len(report.sections)} sections".encode()}

def names(model, out):
    out.write_text(" ".join(model.class_names))
'''
ENGINE = '''
"""An engine: one trial after the other, in this process."""
def here(function, jobs, *, processes=None, threads=None, on_event=None):
    for name, job in jobs.items():
        yield name, function(job, lambda event: None)
'''
POINTS = """
[ncenet.strategies]
evenness = new_strategy:Evenness
[ncenet.readers]
lists = new_reader:Lists
[ncenet.run_sections]
effort = new_section:effort
[ncenet.heads]
nearest = new_head:nearest
[ncenet.backbones]
patches = new_backbone:Patches
[ncenet.report_formats]
line = new_formats:line
[ncenet.model_formats]
names = new_formats:names
[ncenet.engines]
here = new_engine:here
"""
FILES = {
    "new_strategy.py": STRATEGY,
    "new_reader.py": READER,
    "new_section.py": SECTION,
    "new_head.py": HEAD,
    "new_backbone.py": BACKBONE,
    "new_formats.py": FORMATS,
    "new_engine.py": ENGINE,
    "new-1.0.dist-info/entry_points.txt": POINTS,
    "new-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: new\nVersion: 1.0\n",
}
PROGRAM = """
import contextlib, io, json, sys
from ncenet.cli import main
ended = []
for words in json.loads(sys.argv[1]):
    code, said = 0, io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main(words)
        except SystemExit as stop:
            code = stop.code or 0
    ended.append([code, said.getvalue()])
print(json.dumps(ended))
"""
"""Several command lines in one process, which imports torch once; for each its exit code and its errors."""
QUICK = ["--epochs=1", "--min-steps=2", "--batch-size=8", "--initial=6", "--query-size=4", "--cycles=2"]


@pytest.fixture
def plugged(tmp_path):
    """Runs command lines with the plug-in installed, in a folder with its images."""
    for name, text in FILES.items():
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    rng, lines = np.random.default_rng(0), []
    for n in range(24):
        name = f"{n}.png"
        PIL.Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(tmp_path / name)
        lines.append(f"{name} {'cat' if n % 2 else 'dog'}\n")
    (tmp_path / "mine.list").write_text("".join(lines))
    (tmp_path / "test.list").write_text("".join(lines[:6]))
    (tmp_path / "pool.list").write_text("".join(lines[6:]))
    site = os.pathsep.join((str(tmp_path / "site"), str(Path(__file__).parents[2] / "src")))

    def run(*lines):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(lines)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": site, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_each_is_one_file(plugged, tmp_path):
    words = ["simulate", "pool.list", "--test", "test.list", "--strategy", "evenness"]
    words += ["--head", "nearest", "--backbone", "patches", *QUICK]
    refused, done, exported, scored, beside = plugged(
        [*words, "--option", "power=1"],
        [*words, "--option", "power=3", "--out", "run"],
        ["export", "run", "names.txt", "--model", "names"],
        ["score", "run", "pool.list", "--out", "scores.csv"],
        [*words, "--beside", "random", "--engine", "here", "--out", "both"],
    )
    assert refused[0] == 2 and "--option power: 1 is not above 1" in refused[1]
    assert done[0] == 0, done[1]
    assert "power: 3" in (tmp_path / "run/recipe.yaml").read_text()
    assert "10 labels in all" in (tmp_path / "run/report.html").read_text()
    assert (tmp_path / "run/report.line").read_text().startswith("One run of evenness on pool.list: ")
    assert exported[0] == scored[0] == 0, exported[1] + scored[1]
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 19
    assert (tmp_path / "names.txt").read_text() == "cat dog"
    assert beside[0] == 0, beside[1]
    assert (tmp_path / "both/nearest-evenness/seed-0/cycles/002/test.json").exists()

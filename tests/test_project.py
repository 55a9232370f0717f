"""What surrounds the code: documents that tell the truth, a light command line, layers, the package."""

import ast
import inspect
import os
import re
import resource
import shlex
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

import ncenet
from ncenet.cli import commands
from ncenet.cli.commands import app
from ncenet.models.formats import export_model

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "methods").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
COMMANDS = sorted(command.name for command in commands.COMMANDS)
RUNNABLE = [
    *("README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/concepts.md", "docs/api.md", "docs/features.md"),
]
MODELS = ["docs/export.md"]
"""Pages whose samples need a model that was trained before."""
CHECKED = ["docs/scikit-learn.md"]
"""Pages whose samples are held against what they print, by the tests of what they are about."""
SCALE = ["docs/scale.md"]
"""Pages whose samples need buckets and clusters; those that don't are run, and the others compiled."""
INSIDE = "from ncenet.strategies.score import"
"""What a sample imports that is a file of ncenet itself, as CONTRIBUTING shows one."""
HEAVY = {"torch", "torchvision", "sklearn", "matplotlib", "scipy", "pandas", "timm"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page, language):
    """Fenced blocks of a language, also those that are indented into a list."""
    fence = re.compile(rf"^([ ]*)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return [match[2] for match in fence.finditer(page.read_text(encoding="utf-8"))]


def shown_commands(page):
    """Words of every call of ncenet that a page shows, in a block of shell or within a sentence."""
    lines = [line for block in code(page, "sh") for line in block.splitlines()]
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines += re.findall(r"`([^`\n]+)`", prose)
    calls = [part.strip() for line in lines for part in line.split(" | ")]
    return [shlex.split(call, comments=True)[1:] for call in calls if call.startswith("ncenet ")]


def run(*words, cwd=ROOT):
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def test_every_command_is_mentioned_in_the_readme():
    assert COMMANDS, "the program has no commands"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`ncenet {name}" not in readme] == []


@each_page
def test_every_command_shown_can_be_typed(page):
    for name, *words in shown_commands(page):
        assert name in COMMANDS or name == "--help"
        if words and "--help" not in words:  # a name alone is a mention
            _, _, unused, _ = app().parse_known_args([name, *(word for word in words if word != "--debug")])
            assert unused == [], f"ncenet {name} {shlex.join(words)}"


@cache
def known_flags():
    shown = StringIO()
    for name in COMMANDS:
        app().help_print([name], console=Console(file=shown, width=200))
    return set(re.findall(r"--[a-z][a-z-]*", shown.getvalue())) | {"--debug", "--help", "--version"}


@each_page
def test_every_flag_mentioned_exists(page):
    mentioned = re.findall(r"`(--[a-z][a-z-]*)[^`]*`", page.read_text(encoding="utf-8"))
    assert set(mentioned) - known_flags() == set()


@each_page
def test_every_file_that_is_linked_exists(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target.partition("#")[0] for target in targets if not target.startswith(("http", "#"))]
    assert [target for target in local if not (page.parent / target).exists()] == []


@each_page
def test_every_make_target_mentioned_exists(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    text = "\n".join([*code(page, "sh"), *re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))])
    assert set(re.findall(r"^(?:\S+=\S+ )*make ([a-z-]+)", text, re.MULTILINE)) - set(targets) == set()


def outside(page):
    """Samples that are programs of somebody else's."""
    return [
        block for block in code(ROOT / page, "python") if INSIDE not in block and not block.startswith("   ")
    ]


@each_page
def test_samples_import_from_the_surface_alone(page):
    for block in outside(page):
        deep = re.findall(r"^(?:from|import) (ncenet\.[\w.]+)", block, re.MULTILINE)
        assert deep == [], block
    if "```python" in page.read_text(encoding="utf-8"):
        assert str(page.relative_to(ROOT)) in RUNNABLE + MODELS + CHECKED + SCALE, (
            "its samples run in no test"
        )


def test_the_python_shown_runs(tmp_path):
    pages = {name: "\n".join(outside(name)) for name in RUNNABLE}
    assert all(pages.values())
    program = f"for name, code in {pages!r}.items():\n    exec(compile(code, name, 'exec'), {{}})"
    done = run(sys.executable, "-W", "error", "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr  # where progress is told too


def test_the_python_about_models_runs(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (80, 60), "gray").save(tmp_path / name)
    quick = {"train.epochs": 1, "train.min_steps": 1, "train.batch_size": 4, "data.image_size": 64}
    pool = ncenet.ArrayPool(np.random.default_rng(0).integers(0, 255, (8, 64, 64, 3), np.uint8))
    with ncenet.open(tmp_path / "runs/pets", pool=pool, classes=["cat", "dog"], recipe=quick) as pets:
        pets.tell(dict.fromkeys(pets.ask(6).ids, "cat"))
        pets.model.save_pretrained(tmp_path / "pets-model")
    export_model(tmp_path / "runs/pets", tmp_path / "pets.onnx", "onnx")
    boxes = ncenet.Boxes(((4, 4, 40, 40),), ("cell",), (False,))
    detection = quick | {"task": "detection"}
    with ncenet.open(tmp_path / "runs/cells", pool=pool, classes=["cell"], recipe=detection) as cells:
        cells.tell(dict.fromkeys(cells.ask(4).ids, boxes))
        cells.fit()
    blocks = [block for page in MODELS for block in outside(page)]
    assert len(blocks) == 3
    program = f"for code in {blocks!r}:\n    exec(compile(code, 'docs/export.md', 'exec'), {{}})"
    done = run(sys.executable, "-W", "error", "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr  # where progress is told too


def test_the_python_about_pools_of_any_size_runs(tmp_path):
    quick = {"train.epochs": 1, "train.min_steps": 1, "train.batch_size": 4, "data.image_size": 64}
    pool = ncenet.ArrayPool(np.random.default_rng(0).integers(0, 255, (8, 64, 64, 3), np.uint8))
    with ncenet.open(tmp_path / "runs/pets", pool=pool, classes=["cat", "dog"], recipe=quick) as pets:
        pets.tell(dict.fromkeys(pets.ask(6).ids, "cat"))
        pets.fit()
    Image.new("RGB", (80, 60), "gray").save(tmp_path / "a.jpg")
    image = (tmp_path / "a.jpg").read_bytes()
    rows = [{"id": str(row), "image": image, "camera": "north"} for row in range(3)]
    (tmp_path / "photos").mkdir()
    for file in ("photos.parquet", "photos/one.parquet"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / file)
    blocks = [block for page in SCALE for block in outside(page)]
    for block in blocks:
        compile(block, "docs/scale.md", "exec")
    here = [block for block in blocks if not re.search("^import (ray|daft)|spark|s3:", block, re.MULTILINE)]
    assert ["Scorer(" in here[0], "iter_batches" in here[1], "datasets" in here[2]] == [True] * 3
    program = "\n".join(["import datasets; datasets.disable_progress_bars()", *here, "print(len(scored))"])
    done = run(sys.executable, "-c", program, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


def test_the_readme_shows_one_figure_and_leads_to_the_demo():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"!\[[^]]*\]\(([^)]*)\)", readme) == ["docs/images/features-curve.svg"]
    assert "(docs/demo.md)" in readme and "images/demo-curve.png" in (ROOT / "docs/demo.md").read_text()


def test_continuous_integration_runs_what_the_readme_says():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("make ")]
    assert commands[-1] == "make test"
    assert any(
        line.startswith("make test")
        for block in code(ROOT / "README.md", "sh")
        for line in block.splitlines()
    )


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == ncenet.__version__
    assert f"## [{ncenet.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_imports_run_downwards_only():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


HELP = """
import sys
from ncenet.cli import main

for words in COMMANDS:
    try:
        main([*words, "--help"])
    except SystemExit:
        pass
    print("heavy after", *words, sorted(HEAVY & set(sys.modules)))
"""


def test_help_imports_nothing_heavy():
    commands = [[], *([name] for name in COMMANDS)]
    done = run(sys.executable, "-c", f"COMMANDS, HEAVY = {commands!r}, {HEAVY!r}\n{HELP}")
    assert done.stderr == ""
    assert done.stdout.count("Usage: ncenet") == len(commands)
    heavy = [line for line in done.stdout.splitlines() if line.startswith("heavy after")]
    assert heavy == [" ".join(["heavy after", *words, "[]"]) for words in commands]


def processor_seconds(*words):
    """Of a program, the least of several runs."""

    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def once():
        before = spent()
        assert run(sys.executable, *words).returncode == 0
        return spent() - before

    return min(once() for _ in range(5))


def test_help_takes_ten_times_what_an_empty_program_takes_at_most():
    assert processor_seconds("-m", "ncenet", "--help") < 10 * processor_seconds("-c", "pass")


@pytest.mark.parametrize("command", commands.COMMANDS, ids=lambda command: command.name)
def test_the_overview_says_what_the_command_says(command):
    module, _, function = command.where.partition(":")
    text = inspect.getdoc(getattr(import_module(f"ncenet.cli.{module}"), function))
    assert text.partition("\n\n")[0].replace("\n", " ") == command.does
    assert command.name in commands.overview()


def test_no_path_of_some_machine_is_in_any_file():
    listed = run("git", "ls-files", "-z")
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    places = re.compile("|".join(f"/{place}/" for place in ("work", "root", "tmp", "home")))
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # a figure; a file removed and not yet committed
            continue
        found += [f"{name}: {match[0]}" for match in places.finditer(text)]
    assert found == []


def test_nothing_is_counted_with_an_s_in_brackets():
    """Messages count by ``ncenet.counts``: 1 image, 2 images."""
    files = sorted((ROOT / "src").rglob("*.py"))
    texts = [
        (file.name, node.value)
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
    ]
    assert not [each for each in texts if re.search(r"[a-z]\((s|es)\)", str(each[1]))]


def test_the_wheel_holds_what_is_not_code(tmp_path):
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    files = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "ncenet/py.typed",
        "ncenet/report/page.css",
        "ncenet/compare/demo.yaml",
        "ncenet/__init__.py",
        *(f"ncenet/web/static/{asset.name}" for asset in (ROOT / "src/ncenet/web/static").iterdir()),
    } <= files
    packed = {name for name in files if ".dist-info/" not in name}
    assert {name for name in packed if not name.startswith("ncenet/") or "__pycache__" in name} == set()

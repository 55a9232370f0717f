"""The page on the architecture says what the code is."""

import ast
import re
import tomllib
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

import ncenet
from ncenet.registry import Registry

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.name for path in (ROOT / "src/ncenet").iterdir() if (path / "__init__.py").exists())


def section(title):
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title):
    found = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section(title).splitlines()
        if line.startswith("|")
    ]
    return found[2:]


def test_the_picture_is_that_of_the_layers():
    picture = PAGE.split("```text\n")[1].split("```")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers, *_) = (
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    expected = [re.findall(r"ncenet\.(\w+)", layer) for layer in layers]
    drawn = []
    for line, names in zip(picture.splitlines(), expected, strict=True):
        drawn.append(re.findall(r"\w+", line)[: len(names)])
    assert drawn == expected


def test_each_room_says_what_it_knows_and_must_not():
    told = {
        name.strip("`"): (knows, must_not)
        for name, knows, must_not in rows("What each room knows, and must not")
    }
    assert sorted(told) == PACKAGES
    assert all(knows and must_not for knows, must_not in told.values())


@pytest.mark.parametrize("line", rows("Where the two halves of a format live"), ids=lambda line: line[0])
def test_both_halves_of_a_format_are_where_it_says(line):
    _, read, written = line
    folder = ROOT / "src/ncenet"
    for name in re.findall(r"`([\w/.]+)`", read):
        assert (folder / name).exists() or (folder / "data/readers" / name).exists(), name
    for name in re.findall(r"`([\w/.]+)`", written):
        assert (folder / name).exists(), name


def test_every_door_is_in_the_table():
    groups = {group for _, _, cell in rows("One door") for group in re.findall(r"`(ncenet\.\w+)`", cell)}
    made = set()
    for file in (ROOT / "src/ncenet").rglob("*.py"):
        made |= set(re.findall(r'group="(ncenet\.\w+)"', file.read_text(encoding="utf-8")))
    assert groups == made
    for _, cell, _ in rows("One door"):
        name = re.search(r"`(ncenet[\w.]*)`", cell)[1]
        home, _, thing = name.rpartition(".")
        found = getattr(import_module(home), thing, None) or import_module(name)
        held = vars(found).values() if not isinstance(found, Registry) else [found]
        assert any(isinstance(each, Registry) for each in held), name


@pytest.mark.parametrize("name", ["run", "ledger", "report"])
def test_rooms_that_need_no_torch_import_none(name):
    for file in (ROOT / "src/ncenet" / name).rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(("import torch", "from torch")), file


def test_everything_named_exists():
    for name in re.findall(r"\{class\}`~(ncenet[\w.]+)`", PAGE):
        home, _, thing = name.rpartition(".")
        assert hasattr(import_module(home), thing), name
    assert ncenet.__doc__


SHARED = {"simulate": "that of the surface runs that of the loop, and returns what it found"}


def test_a_word_of_the_code_has_one_home():
    """Public functions and classes, but for commands, called as what they call, and entries of registries."""
    homes = defaultdict(list)
    for file in sorted((ROOT / "src/ncenet").rglob("*.py")):
        if "cli" in file.parts:
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            entered = [ast.unparse(each) for each in node.decorator_list if ".register(" in ast.unparse(each)]
            if not entered:
                homes[node.name].append(str(file.relative_to(ROOT)))
    assert len(homes) > 1000
    assert {name: found for name, found in homes.items() if len(found) > 1}.keys() == SHARED.keys()

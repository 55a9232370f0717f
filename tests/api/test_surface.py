"""The surface of the library: what `import ncenet` shows, that it is all, and that it costs nothing."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ncenet

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
SCREEN = PAGE[: PAGE.index("```python")]
PARTS = PAGE.split("## Parts of your own")[1].split("```python")[0]
MOST = 50
"""Milliseconds that `import ncenet` may take on an idle machine."""
SURFACES = [(ncenet, SCREEN), (ncenet.parts, PARTS)]


@pytest.mark.parametrize(
    ("surface", "name"), [(surface, name) for surface, _ in SURFACES for name in surface.__all__]
)
def test_every_public_name_stands_alone(surface, name):
    thing = getattr(surface, name)
    own = thing.__dict__.get("__doc__") if inspect.isclass(thing) else inspect.getdoc(thing)
    assert own and ">>>" in own, f"{name} has no docstring of its own with a doctest"


def test_what_the_screen_shows_is_there():
    shown = re.findall(r"`ncenet\.(\w+)", PAGE) + re.findall(r"\bncenet\.(\w+)\(", PAGE)
    assert set(shown) <= set(ncenet.__all__)
    for surface, screen in SURFACES:
        rows = [row.split("|")[1] for row in screen.splitlines() if row.startswith("| `")]
        names = {name for row in rows for name in re.findall(r"`(?:ncenet\.)?(\w+)", row)}
        assert names == set(surface.__all__), "nothing more, nothing less"


def test_each_name_is_exported_once():
    names = [name for surface, _ in SURFACES for name in surface.__all__]
    assert len(set(names)) == len(names)
    things = {id(getattr(surface, name)) for surface, _ in SURFACES for name in surface.__all__}
    assert len(things) == len(names)
    assert len(ncenet.__all__) <= 28
    assert all(set(surface.__all__) <= set(dir(surface)) for surface, _ in SURFACES)


def test_what_is_not_there_is_said():
    with pytest.raises(AttributeError, match="module 'ncenet' has no attribute 'opne'"):
        ncenet.opne  # noqa: B018


@pytest.mark.parametrize("surface", [ncenet, ncenet.parts], ids=lambda surface: surface.__name__)
def test_types_are_those_that_run(surface):
    """What a type checker is told of each name is where the name comes from."""
    text = Path(surface.__file__).read_text(encoding="utf-8")
    told = re.findall(r"^    from (ncenet[\w.]*) import (\w+) as \w+$", text, re.MULTILINE)
    assert sorted(name for _, name in told) == sorted(surface.__all__)
    for home, name in told:
        thing = getattr(surface, name)
        if inspect.ismodule(thing) and not callable(thing):  # the package called compare is a function too
            assert thing.__name__ == f"{home}.{name}"
        elif inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__module__ == home, name


def test_importing_takes_next_to_nothing():
    code = """
import sys, time
start = time.process_time()
import ncenet
spent = 1000 * (time.process_time() - start)
heavy = {"torch", "numpy", "PIL", "sklearn", "pydantic", "yaml"} & set(sys.modules)
print(round(spent), sorted(heavy))
"""
    said = [
        subprocess.check_output([sys.executable, "-c", code], text=True).split(maxsplit=1) for _ in range(3)
    ]
    best = min(said, key=lambda each: int(each[0]))
    assert best[1].strip() == "[]" and int(best[0]) < MOST


def test_no_module_is_longer_than_400_lines():
    long = {
        str(file.relative_to(ROOT)): lines
        for file in (ROOT / "src").rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_compare_is_a_function_and_a_package(tmp_path):
    assert callable(ncenet.compare)
    from ncenet.compare import Comparison

    assert Comparison is ncenet.Comparison
    with pytest.raises(ncenet.errors.UnknownName, match="unknown arm 'b'"):
        ncenet.compare(ncenet.Comparison(arms=[{"name": "a"}], seeds=[0]), tmp_path, arms=["b"])


def test_every_command_has_a_way_in_python_that_is_there():
    from ncenet.cli.commands import COMMANDS

    table = PAGE.split("## What the commands do")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (.+) \|$", table, re.MULTILINE))
    said = [name for names in rows for name in re.findall(r"`([a-z-]+)`", names)]
    assert said == [command.name for command in COMMANDS]
    made = {"run": ncenet.Run, "model": ncenet.Model, "query": ncenet.api.asked.ShownQuery, "ncenet": ncenet}
    for way in rows.values():
        for owner, names in re.findall(r"`(ncenet|run|model|query)\.([\w.]+)", way):
            thing = made[owner]
            for name in names.split("."):
                assert hasattr(thing, name), f"{owner}.{names}"
                thing = getattr(thing, name)

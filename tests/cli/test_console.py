"""What commands print is text, whatever stands in it."""

from __future__ import annotations

import ast
from importlib import resources

import pytest

from ncenet.console import plain_console, visible
from tests.commands import run_command
from tests.web.conftest import paint

HOSTILE = [
    "a[/]b",
    "[bold]",
    "[link=http://evil.example]x[/link]",
    "tab:cat:",
    "\x1b[2Jgone",
    "turned\u202egnp",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_printed_as_it_is(text, capsys):
    plain_console().print(text)
    assert capsys.readouterr().out == visible(text) + "\n"
    assert visible(text).isprintable()


def test_bytes_of_a_file_name_that_are_no_text_can_be_printed(capsys):
    plain_console(stderr=True).print("left out caf\udce9.png")
    assert capsys.readouterr().err == "left out caf\\udce9.png\n"


def test_no_command_prints_by_a_console_of_its_own():
    for file in (resources.files("ncenet") / "cli").iterdir():
        if not file.name.endswith(".py"):
            continue
        calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        named = {getattr(call, "id", getattr(call, "attr", None)) for call in calls}
        assert "Console" not in named, file.name


@pytest.mark.parametrize("folder", ["[", "photos[/bold]", "[red]x", "a:smile:b"])
def test_paths_may_have_brackets_and_colons_in_every_message(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / folder, 4)
    words = ["ask", f"runs/{folder}", "--data", folder, "--classes", "red,blue", "--out", "[q].csv"]
    asked = run_command(capsys, words)
    assert asked.code == 0 and f"ncenet tell runs/{folder} [q].csv" in asked.err
    missing = run_command(capsys, ["report", f"nowhere/{folder}"])
    assert missing.code == 2 and f"nowhere/{folder}: neither a run nor a comparison" in missing.err
    surplus = run_command(capsys, ["doctor", folder])
    assert surplus.code != 0 and folder in surplus.said

"""Messages: the library speaks of parameters, the command line of flags."""

import ast
import re
from pathlib import Path

import pytest

import ncenet
from ncenet.cli.flags import as_typed
from ncenet.errors import UnreadableImages
from tests.commands import run_command
from tests.data.make import jpeg, write

FLAG = re.compile(r"(?<![\w-])--[a-z]")


def messages_outside_cli():
    """All text in the library but for docstrings, and without commands that it shows whole."""
    root = Path(ncenet.__file__).parent
    for file in root.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.parent.name == "cli" or not FLAG.search(text):
            continue
        tree = ast.parse(text)
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) or (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and "--" in node.value
                and id(node) not in alone
            ):
                yield (
                    file.relative_to(root),
                    re.sub(r"\bncenet [a-z-]+[^:;,]*|`ray [^`]*`", "", ast.unparse(node)),
                )


def test_the_library_speaks_of_parameters_and_the_command_line_of_flags(capsys, tmp_path):
    found = [f"{file}: {text}" for file, text in messages_outside_cli() if FLAG.search(text)]
    assert found == [], "name the parameter in backticks: ncenet.cli.flags.as_typed makes a flag of it"
    write(tmp_path / "photos", {"a.jpg": jpeg(), "b.jpg": b"no image"})
    with pytest.raises(UnreadableImages, match=r"out with `data\.on_bad_image=skip`$"):
        ncenet.open(tmp_path / "run", images=tmp_path / "photos", classes=["a", "b"])
    words = ["ask", tmp_path / "other", "--data", tmp_path / "photos", "--classes", "a,b"]
    said = run_command(capsys, words).err
    assert said.endswith("leave them out with --on-bad-image skip\n")
    assert as_typed("`how=link` `undo` `loop.options.x` `ncenet ask`") == (
        "--how link --undo `loop.options.x` `ncenet ask`"
    )

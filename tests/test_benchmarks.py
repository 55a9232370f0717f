"""Benchmarks run rarely: what they import of the library is there, whatever was renamed since."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_what_it_imports_of_us_is_there(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ncenet":
            module = import_module(node.module)
            for name in node.names:
                there = hasattr(module, name.name)
                if not there and hasattr(module, "__path__"):
                    there = find_spec(f"{node.module}.{name.name}") is not None
                assert there, f"{node.module} has no {name.name}"

"""Benchmarks run rarely: what they import of the library is there, whatever was renamed since. The one that a
GPU is lent for has no second try, so its parts are tested."""

from __future__ import annotations

import ast
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

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


@pytest.fixture
def gpu_paper(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS[0].parent))
    return import_module("gpu_paper")


def test_the_paper_on_a_gpu_sees_each_image_in_each_epoch_in_batches_of_one_size(gpu_paper):
    steps = gpu_paper.batches(10, 8, 4, "cpu")
    assert {len(rows) for rows in steps} == {4}  # a network is compiled for a size
    assert torch.cat(steps).bincount().tolist() == [8] * 10
    assert [len(rows) for rows in gpu_paper.batches(3, 1, 4, "cpu")] == [3]


def test_a_part_of_the_pool_of_the_paper_is_not_its_first_class(gpu_paper):
    in_order_of_classes = torch.arange(1000) // 100
    part = in_order_of_classes[gpu_paper.some_of(1000, 100)]
    assert part.unique().tolist() == list(range(10))
    assert gpu_paper.some_of(1000, None).tolist() == list(range(1000))


def test_the_paper_on_a_gpu_goes_on_only_with_what_the_file_is_of(gpu_paper, tmp_path):
    file, common = tmp_path / "paper.jsonl", {"epochs": 200, "pool": None}
    file.write_text(json.dumps({"arm": "nce random", **common}) + '\n{"arm": "nce')
    assert gpu_paper.whole_rows(file, common) == [{"arm": "nce random", **common}]
    with pytest.raises(SystemExit, match=r"holds runs of pool None, not 600: name another file"):
        gpu_paper.whole_rows(file, {"epochs": 200, "pool": 600})


def test_the_paper_on_a_gpu_copies_nothing_to_it_in_a_step(gpu_paper):
    assert gpu_paper.moments("cpu")[0] is gpu_paper.moments("cpu")[0]

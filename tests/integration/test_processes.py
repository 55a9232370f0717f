"""Two processes, as on two GPUs, share one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from ncenet.ledger import Ledger
from ncenet.recipe import Recipe

RECIPE = Recipe().with_changes(
    {
        "data.train": "digits",
        "train.epochs": 1,
        "train.min_steps": 6,
        "train.batch_size": 15,  # odd: the shares of a batch must be filled up
        "train.threads": 1,
        "loop.initial": 21,
        "loop.query_size": 10,
        "loop.cycles": 2,
    }
)


@pytest.mark.parametrize("strategy", ["confusion", pytest.param("ll4al", marks=pytest.mark.slow)])
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_finish_one_run(tmp_path, strategy):
    if not torch.distributed.is_gloo_available():
        pytest.skip("this torch has no gloo, which two processes on a CPU talk by")
    recipe = RECIPE.with_changes({"loop.strategy": strategy})
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, "-m", "ncenet", "run", "recipe.yaml", "--out", "run"],
        cwd=tmp_path,
        env=os.environ | {"ACCELERATE_USE_CPU": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("With 31 labels the network is right on") == 1, "one process speaks"

    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        dump = ledger.dump()
    answered = [event[3] for event in dump["events"]]
    assert len(answered) == len(set(answered)) == 31, "each answer once"
    assert [query[1:] for query in dump["queries"]] == [(0, "initial", "initial"), (1, "strategy", strategy)]
    assert [(cycle, report["labeled"]) for cycle, report in dump["fits"]] == [(1, 21), (2, 31)]
    for cycle, report in dump["fits"]:
        assert report["steps"] == 6
        assert 0 <= report["accuracy"] <= 1
        tested = json.loads((tmp_path / "run" / "cycles" / f"{cycle:03d}" / "test.json").read_text())
        assert tested["images"] == 500
        assert 0 < tested["accuracy"] < 1
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["query", "cycle", "query", "cycle"]
    assert not list((tmp_path / "run").rglob("*.partial"))

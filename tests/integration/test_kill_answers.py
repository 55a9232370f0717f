"""Kill -9 while answers and files are written: all is there or nothing, and the same command goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forks")
def test_what_a_kill_leaves(tmp_path, kills):
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.answer_kills", str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    servers = [record.pop("label"), record.pop("serve")]
    assert [(name, wrong) for name, command in record.items() for wrong in command["wrong"]] == []
    assert set(record) == {
        *("tell", "import", "label-studio pull", "export", "export csv", "ask"),
        *("export model", "export torch", *(["export onnx"] if kills > 3 else [])),
        *("sort", "sort --undo", "score", "select", "annotators", "init", "repair", "report"),
        *("rename", "merge", "delete", "group"),
    }
    assert sum(command["killed"] for command in record.values()) > kills, "most kills hit a command at work"
    tried = sum(command["kills"] for command in record.values())
    assert 0 < sum(command["complete"] for command in record.values()) < tried, "some before, some after"
    for server in servers:
        assert server["killed"] == kills and server["acknowledged"] > 0
        assert (server["lost"], server["doubled"], server["unknown"]) == ([], 0, [])

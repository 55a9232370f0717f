"""Kill -9 while answers and files are written: all is there or nothing, and the same command goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("kills", [5, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forks")
def test_what_a_kill_leaves(tmp_path, kills):
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.answer_kills", str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    page = record.pop("label")
    assert [(name, wrong) for name, command in record.items() for wrong in command["wrong"]] == []
    assert set(record) == {"tell", "import", "export", "export csv", "ask"}
    assert sum(command["killed"] for command in record.values()) > kills, "most kills hit a command at work"
    assert 0 < sum(command["complete"] for command in record.values()) < 5 * kills, "some before, some after"
    assert page["killed"] == kills and page["acknowledged"] > 0
    assert (page["lost"], page["doubled"], page["unknown"]) == ([], 0, [])

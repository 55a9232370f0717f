"""Kill -9 in the midst of a comparison: its workers die too, and all that is lost is the cycle in flight."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ncenet.compare import Comparison, run
from tests.integration.kills import outcome

COMPARISON = """
base:
  data: {train: digits}
  train: {epochs: 1, min_steps: 12, batch_size: 16, warm: true, threads: 1, checkpoint_seconds: 0}
  loop: {strategy: random, initial: 20, query_size: 10, cycles: 5}
arms:
  - {name: random}
  - {name: confusion, changes: {loop.strategy: confusion}}
seeds: [0]
"""


def children(process: int) -> list[int]:
    return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def alive(process: int) -> bool:
    """Whether it runs; what is dead and was not collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def cycles_done(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/seed-0/cycles/*/test.json"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")
def test_a_killed_comparison_goes_on_where_it_was(tmp_path):
    file, killed = tmp_path / "tiny.yaml", tmp_path / "killed"
    file.write_text(COMPARISON)
    words = ["-m", "ncenet", "compare", str(file), "--out", str(killed), "--processes", "2"]
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(
            lambda: len(cycles_done(killed)) >= 2 or process.poll() is not None, "no cycle came to its end"
        )
        workers = children(process.pid)
    finally:
        process.kill()
        _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    assert len(workers) >= 2
    wait_until(lambda: not any(map(alive, workers)), "a worker lives on")

    done = {path: path.stat().st_mtime_ns for path in cycles_done(killed)}
    assert 2 <= len(done) < 10, "the kill must hit a comparison that is still going"
    comparison = Comparison.load(file)
    results = run(comparison, killed, processes=1)
    assert results.unfinished == ()
    assert {path: path.stat().st_mtime_ns for path in done} == done, (
        "a cycle that was tested is not run again"
    )

    run(comparison, tmp_path / "reference", processes=1)
    for arm in ("random", "confusion"):
        found, expected = (outcome(tmp_path / name / arm / "seed-0") for name in ("killed", "reference"))
        assert found == expected, f"{arm}: as if it had never been killed"

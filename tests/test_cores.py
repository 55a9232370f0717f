import os
import subprocess
import sys

import pytest

from ncenet.cores import available_threads


@pytest.mark.parametrize(
    ("wanted", "processes", "threads"),
    [
        (None, 1, 8),
        ("", 1, 8),
        ("1", 1, 1),
        ("3", 2, 3),
        ("16", 2, 4),  # never more than its share
        ("2,4", 1, 2),  # of nested levels the first
        ("0", 1, 8),
        ("many", 1, 8),
        ("1", 100, 1),
        (None, 100, 1),
    ],
)
def test_threads_are_a_share_of_the_cores_and_no_more_than_asked_for(monkeypatch, wanted, processes, threads):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "8")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if wanted is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert available_threads(processes) == threads


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="pins a process to a core")
def test_a_process_pinned_to_one_core_counts_one():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from ncenet.cores import available_cores; print(available_cores())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"

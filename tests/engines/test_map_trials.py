import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from ncenet.engines.local import map_trials
from ncenet.engines.trial import TrialFailed
from ncenet.errors import DataError


def double(job, emit):
    emit({"event": "step", "job": job})
    if job == 13:
        raise ZeroDivisionError("thirteen has no double")
    return 2 * job


def process_and_threads(job, emit):
    import torch

    return os.getpid(), torch.get_num_threads()


def die(job, emit):
    if job == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def refuse(job, emit):
    raise DataError("flowers/3.jpg: truncated")


def unsendable(job, emit):
    return lambda: job


def test_results_and_events_come_from_two_processes():
    events = []
    results = dict(map_trials(double, {"a": 1, "b": 2, "c": 3}, processes=2, on_event=events.append))
    assert results == {"a": 2, "b": 4, "c": 6}
    assert sorted((e["trial"], e["job"]) for e in events) == [("a", 1), ("b", 2), ("c", 3)]


def test_workers_are_other_processes_with_their_share_of_threads():
    jobs = {str(n): n for n in range(4)}
    results = list(map_trials(process_and_threads, jobs, processes=2, threads=3))
    pids = {pid for _, (pid, _) in results}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2, "four jobs share two workers"
    assert {threads for _, (_, threads) in results} == {3}


def test_one_process_runs_in_this_one_and_puts_threads_back():
    import torch

    before = torch.get_num_threads()
    ((_, (pid, threads)),) = map_trials(process_and_threads, {"a": 0}, processes=1, threads=before + 1)
    assert (pid, threads) == (os.getpid(), before + 1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_names_the_trial_and_keeps_the_results_of_the_others(processes):
    results, events = {}, []
    jobs = {"good": 1, "unlucky": 13, "also good": 3}
    with pytest.raises(TrialFailed, match="trial 'unlucky' failed: ZeroDivisionError: thirteen") as raised:
        for name, result in map_trials(double, jobs, processes=processes, on_event=events.append):
            results[name] = result
    assert results == {"good": 2, "also good": 6}
    assert list(raised.value.failures) == ["unlucky"]
    shown = "".join(traceback.format_exception(raised.value))
    assert 'raise ZeroDivisionError("thirteen has no double")' in shown, "the line that failed is shown"
    assert [e["trial"] for e in events if e["event"] == "failed"] == ["unlucky"]


def test_an_error_on_purpose_is_told_in_its_own_words():
    with pytest.raises(TrialFailed) as raised:
        list(map_trials(refuse, {"a": 0}, processes=1))
    assert str(raised.value) == "trial 'a' failed: flowers/3.jpg: truncated"


def test_a_killed_worker_fails_its_own_trial_only():
    results = {}
    with pytest.raises(TrialFailed, match=r"trial 'x' failed: its process died with exit code -9 .*memory"):
        for name, result in map_trials(die, {"x": "dies", "y": "y", "z": "z", "w": "w"}, processes=2):
            results[name] = result
    assert results == {"y": "y", "z": "z", "w": "w"}


def test_a_result_that_cannot_be_sent_is_a_failure_not_a_hang():
    with pytest.raises(TrialFailed, match=r"trial 'a' failed: .*pickle"):
        list(map_trials(unsendable, {"a": 0, "b": 1}, processes=2))


def test_no_processes_is_refused():
    with pytest.raises(ValueError, match="at least 1 process"):
        list(map_trials(double, {"a": 1}, processes=0))


def test_no_jobs_no_results():
    assert list(map_trials(double, {})) == []


SLEEPER = """
import os, time
def sleep(job, emit):
    emit({"event": "pid", "pid": os.getpid()})
    time.sleep(60)
"""

SCRIPT = """
from ncenet.engines.local import map_trials
from sleeper import sleep
list(map_trials(sleep, {"a": 0, "b": 1}, processes=2, on_event=lambda e: print(e["pid"], flush=True)))
"""


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_workers_end_with_their_parent_and_a_script_needs_no_guard(tmp_path, how):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "script.py").write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with parent:
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        assert all(map(alive, workers))
        parent.send_signal(how)
        parent.wait(timeout=20)
        deadline = time.monotonic() + 10
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(alive, workers)), "a worker outlived its parent"
        if how == signal.SIGINT:
            assert parent.stderr.read().count("Traceback") == 1, "only the parent tells of the interrupt"

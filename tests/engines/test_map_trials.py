import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from ncenet.engines import local, ray
from ncenet.engines.local import map_trials
from ncenet.engines.trial import TrialFailed
from ncenet.errors import DataError, MissingExtra, UsageError

ROOT = Path(__file__).parents[2]


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
    return threading.Lock()


def where(job, emit):
    emit({"event": "folder", "folder": str(Path.cwd())})
    return Path(job).read_text()


def slow(job, emit):
    emit({"event": "started"})
    time.sleep(job)
    (Path("ended") / str(job)).touch()


@pytest.fixture(scope="module")
def cluster():
    """A Ray of this machine for all tests of this file, because starting one takes seconds."""
    module = pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Workers unpickle functions of this file by its name.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        module.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        module.shutdown()


@pytest.fixture(params=["local", "ray"])
def engine(request):
    """``map_trials`` of each engine."""
    if request.param == "local":
        return local.map_trials
    request.getfixturevalue("cluster")
    return ray.map_trials


def test_results_and_events_come_from_two_processes(engine):
    events = []
    results = dict(engine(double, {"a": 1, "b": 2, "c": 3}, processes=2, on_event=events.append))
    assert results == {"a": 2, "b": 4, "c": 6}
    assert sorted((e["trial"], e["job"]) for e in events) == [("a", 1), ("b", 2), ("c", 3)]


def test_workers_are_other_processes_with_their_share_of_threads(engine):
    jobs = {str(n): n for n in range(4)}
    results = list(engine(process_and_threads, jobs, processes=2, threads=2))
    pids = {pid for _, (pid, _) in results}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2, "four jobs share two workers"
    assert {threads for _, (_, threads) in results} == {2}


@pytest.mark.usefixtures("cluster")
def test_the_cores_of_the_cluster_are_shared_out_evenly():
    alone = dict(ray.map_trials(process_and_threads, {"a": 0}))
    shared = dict(ray.map_trials(process_and_threads, {"a": 0, "b": 1}))
    assert [threads for _, threads in alone.values()] == [2]
    assert [threads for _, threads in shared.values()] == [1, 1]


def test_one_process_runs_in_this_one_and_puts_threads_back():
    import torch

    before = torch.get_num_threads()
    ((_, (pid, threads)),) = map_trials(process_and_threads, {"a": 0}, processes=1, threads=before + 1)
    assert (pid, threads) == (os.getpid(), before + 1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_names_the_trial_and_keeps_the_results_of_the_others(engine, processes):
    results, events = {}, []
    jobs = {"good": 1, "unlucky": 13, "also good": 3}
    with pytest.raises(TrialFailed, match="trial 'unlucky' failed: ZeroDivisionError: thirteen") as raised:
        for name, result in engine(double, jobs, processes=processes, on_event=events.append):
            results[name] = result
    assert results == {"good": 2, "also good": 6}
    assert list(raised.value.failures) == ["unlucky"]
    shown = "".join(traceback.format_exception(raised.value))
    assert 'raise ZeroDivisionError("thirteen has no double")' in shown, "the line that failed is shown"
    told = [(e["trial"], e["event"]) for e in events]
    assert told.count(("unlucky", "failed")) == 1
    assert told.index(("unlucky", "step")) < told.index(("unlucky", "failed")), "events in their order"


def test_an_error_on_purpose_is_told_in_its_own_words(engine):
    with pytest.raises(TrialFailed) as raised:
        list(engine(refuse, {"a": 0}, processes=1))
    assert str(raised.value) == "trial 'a' failed: flowers/3.jpg: truncated"


def test_a_killed_worker_fails_its_own_trial_only(engine):
    results = {}
    with pytest.raises(TrialFailed, match=r"trial 'x' failed: its process died.* want of memory") as raised:
        for name, result in engine(die, {"x": "dies", "y": "y", "z": "z", "w": "w"}, processes=2):
            results[name] = result
    assert results == {"y": "y", "z": "z", "w": "w"}
    assert engine is ray.map_trials or "exit code -9" in str(raised.value)


def test_a_result_that_cannot_be_sent_is_a_failure_not_a_hang(engine):
    with pytest.raises(TrialFailed, match=r"trial 'a' failed: .*pickle"):
        list(engine(unsendable, {"a": 0, "b": 1}, processes=2))


def test_relative_paths_mean_what_they_mean_here(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("note.txt").write_text("here")
    events = []
    assert dict(engine(where, {"a": "note.txt", "b": "note.txt"}, processes=2, on_event=events.append)) == {
        "a": "here",
        "b": "here",
    }
    assert {event["folder"] for event in events} == {str(tmp_path)}


def test_leaving_early_ends_what_runs(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ended").mkdir()
    with closing(engine(slow, {"short": 0, "long": 2}, processes=2)) as trials:
        assert next(trials)[0] == "short"
    time.sleep(2.5)
    assert [file.name for file in Path("ended").iterdir()] == ["0"]


@pytest.mark.parametrize("engine", [local.map_trials, ray.map_trials])
def test_no_processes_is_refused(engine):
    with pytest.raises(ValueError, match="at least 1 process"):
        list(engine(double, {"a": 1}, processes=0))


@pytest.mark.parametrize("engine", [local.map_trials, ray.map_trials])
def test_no_jobs_no_results(engine):
    assert list(engine(double, {})) == []


@pytest.mark.usefixtures("cluster")
def test_more_threads_than_a_machine_has_would_wait_for_ever():
    with pytest.raises(UsageError, match="3 threads a trial, but no machine of the cluster has over 2"):
        list(ray.map_trials(double, {"a": 1}, threads=3))


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[ray\]'"):
        list(ray.map_trials(double, {"a": 1}))


SLEEPER = """
import os, time
def sleep(job, emit):
    emit({"event": "pid", "pid": os.getpid()})
    time.sleep(60)
"""

# A shell starts what runs in its background with interrupts ignored, and children inherit that.
SCRIPT = """
import signal
from ncenet.engines.local import map_trials
from sleeper import sleep
signal.signal(signal.SIGINT, signal.default_int_handler)
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

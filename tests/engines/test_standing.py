"""A worker that stays: one process for many jobs, and another when it died."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import pytest

from ncenet.engines.standing import StandingWorker
from ncenet.engines.trial import Failure, Success


def pid(job, notify):
    notify({"event": "seen", "job": job})
    return os.getpid()


def die(job, notify):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(job, notify):
    raise ValueError(f"no {job}")


def test_one_process_does_one_job_after_another():
    worker, events = StandingWorker(threads=1), []
    first, second = (worker.run(pid, job, events.append) for job in "ab")
    assert isinstance(first, Success) and isinstance(second, Success)
    assert first.value == second.value != os.getpid()
    assert [event["job"] for event in events] == ["a", "b"]
    worker.close()


def test_a_job_that_fails_is_told_and_the_next_is_done():
    worker = StandingWorker(threads=1)
    failed = worker.run(fail, "luck", lambda event: None)
    assert isinstance(failed, Failure) and "no luck" in failed.summary
    assert isinstance(worker.run(pid, "a", lambda event: None), Success)
    worker.close()


def test_a_process_that_died_is_replaced():
    worker = StandingWorker(threads=1)
    first = worker.run(pid, "a", lambda event: None)
    assert isinstance(worker.run(die, "b", lambda event: None), Failure)
    second = worker.run(pid, "c", lambda event: None)
    assert isinstance(first, Success) and isinstance(second, Success)
    assert first.value != second.value
    worker.close()
    worker.close()


def linger(job, notify):
    time.sleep(60)


@pytest.mark.parametrize("later", [0.0, 0.002, 0.02, 0.2])
def test_closed_while_a_job_begins_no_process_is_left(later):
    before = set(multiprocessing.active_children())
    worker, outcomes = StandingWorker(threads=1), []
    thread = threading.Thread(target=lambda: outcomes.append(worker.run(linger, "a", lambda event: None)))
    thread.start()
    time.sleep(later)
    worker.close()
    thread.join(30)
    assert not thread.is_alive(), "it waits for a process that nobody ends"
    assert isinstance(outcomes[0], Failure)
    assert set(multiprocessing.active_children()) <= before


def test_once_closed_it_starts_no_process():
    before = set(multiprocessing.active_children())
    worker = StandingWorker(threads=1)
    worker.close()
    outcome = worker.run(pid, "a", lambda event: None)
    assert isinstance(outcome, Failure) and "gone" in outcome.summary
    assert set(multiprocessing.active_children()) <= before

"""Worker processes that take one job after another, and never outlive whoever started them.

A worker is a fresh interpreter (spawned, never forked: a fork copies locks that other threads hold). Each
has a pipe of its own, so a worker that is killed, for want of memory say, fails its own trial and no other.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process, resource_tracker
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any

from ncenet.engines.trial import Event, Failure, J, R, Success, Trial


def run_in_workers(
    function: Trial[J, R],
    jobs: Mapping[str, J],
    *,
    processes: int,
    threads: int,
    forward: Callable[[str, Event], None],
) -> Iterator[tuple[str, Success[R] | Failure]]:
    """Run the jobs in worker processes, and yield outcomes as they come.

    Args:
        function: with its jobs, events and results, it can be pickled.
        jobs: by name.
        processes: how many at a time.
        threads: of torch in each.
        forward: takes the name of the trial and an event of it, in this process.
    """
    waiting = deque(jobs.items())
    workers: dict[Any, SpawnProcess] = {}
    running: dict[Any, str] = {}

    def give_job(pipe: Any) -> None:
        if waiting:
            running[pipe], job = waiting.popleft()
            with suppress(BrokenPipeError):  # a worker that is no more: the next read finds out
                pipe.send((function, job))

    try:
        while waiting or running:
            while waiting and len(running) < processes:
                pipe, process = hire(function, threads)
                workers[pipe] = process
                give_job(pipe)
            for pipe in connection.wait(list(running)):
                kind, content = receive(pipe, workers)
                if kind == "event":
                    forward(running[pipe], content)
                else:
                    name = running.pop(pipe)
                    if pipe in workers:
                        give_job(pipe)
                    yield name, content
    finally:
        for worker in workers.values():
            worker.kill()
        for worker in workers.values():
            worker.join()


def hire(function: Callable[..., Any], threads: int) -> tuple[Any, SpawnProcess]:
    """Start a worker: the pipe to it, and its process.

    Args:
        function: what it will be asked to do.
        threads: of torch in it.
    """
    ours, theirs = get_context("spawn").Pipe()
    with _script_hidden(function), _interrupts_held():
        process = get_context("spawn").Process(target=_serve, args=(theirs, threads), daemon=True)
        process.start()
    theirs.close()
    return ours, process


def receive(pipe: Any, workers: dict[Any, SpawnProcess]) -> tuple[str, Any]:
    """The next message of a worker, ``"event"`` or ``"outcome"``; one that died is struck off."""
    try:
        kind, content = pipe.recv()
    except (EOFError, ConnectionResetError):
        worker = workers.pop(pipe)
        worker.join()
        why = f"its process died with exit code {worker.exitcode}"
        if worker.exitcode == -signal.SIGKILL:
            why += " (killed: most often for want of memory; use fewer processes)"
        return "outcome", Failure(why, why)
    return kind, content


@contextmanager
def _script_hidden(function: Callable[..., Any]) -> Iterator[None]:
    """Keep a spawned interpreter from importing the parent's script, unless the function is in there.

    Spawning imports the main module again. For a script without a guard that means running all of it in
    every worker, and for one read from standard input it is an error.
    """
    script = sys.modules["__main__"]
    if getattr(function, "__module__", None) != "__main__":
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from a process that is started meanwhile, until it says itself that it wants none.

    A terminal sends it to the parent and its children alike, and an interpreter takes a second to begin.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # at its own first start it lets them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Any, threads: int) -> None:
    """The life of a worker: take a job, send its events and its outcome, until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends its workers
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for numerical libraries that are imported from here on
    import torch

    torch.set_num_threads(threads)
    while True:
        try:
            parcel = pipe.recv_bytes()
        except EOFError:
            return
        try:
            function, job = pickle.loads(parcel)
            pipe.send(("outcome", Success(function(job, lambda event: pipe.send(("event", event))))))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            pipe.send(("outcome", Failure.of(error)))


def _die_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)

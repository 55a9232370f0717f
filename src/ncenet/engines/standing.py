"""A worker process that stays: what a job has opened is open for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from typing import Any

from ncenet.engines.trial import Event, Failure, J, R, Success, Trial
from ncenet.engines.workers import hire, receive


class StandingWorker:
    """Does one job after another in one process, which is started with the first.

    A process that died is replaced at the next job. None outlives whoever started it.

    Args:
        threads: of torch in it.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._busy, self._changes = threading.Lock(), threading.Lock()
        self._worker: tuple[Any, SpawnProcess] | None = None
        self._closed = False

    def run(self, function: Trial[J, R], job: J, forward: Callable[[Event], None]) -> Success[R] | Failure:
        """Do a job and wait for it; jobs of several threads wait for each other. A failure once it is closed.

        Args:
            function: with its job, events and result, it can be pickled.
            job: what it is given.
            forward: takes its events, in this thread.
        """
        with self._busy:
            with self._changes:
                if self._closed:
                    return Failure("whoever wanted it is gone", "closed")
                if self._worker is None or not self._worker[1].is_alive():
                    self._worker = hire(function, self._threads)
                pipe, process = self._worker
            workers = {pipe: process}
            with suppress(OSError):  # it died meanwhile: reading tells how
                pipe.send((function, job))
            while True:
                kind, content = receive(pipe, workers)
                if kind == "event":
                    forward(content)
                    continue
                if not workers:
                    self.rest()
                outcome: Success[R] | Failure = content
                return outcome

    def rest(self) -> None:
        """End the process, whatever it is at; the next job starts another."""
        with self._changes:
            if self._worker is not None:
                self._worker[1].kill()
                self._worker[1].join()
                self._worker = None

    def close(self) -> None:
        """End the process, whatever it is at, and start none again, nor for a job that is just beginning."""
        with self._changes:
            self._closed = True
        self.rest()

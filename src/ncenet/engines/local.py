"""Trials on this machine: a few single-threaded processes beat one process with many threads.

A small network keeps one core busy and little more, so the cores are shared out between the trials.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial

from ncenet.cores import available_cores, available_threads
from ncenet.engines import engines
from ncenet.engines.trial import Event, Failure, J, R, Success, Trial, results_of
from ncenet.engines.workers import run_in_workers


@engines.register("local")
def map_trials(
    function: Trial[J, R],
    jobs: Mapping[str, J],
    *,
    processes: int | None = None,
    threads: int | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Generator[tuple[str, R], None, None]:
    """Run a function on each job, and yield results as they are there.

    Leaving the loop early, an interrupt, or the death of this process ends the workers at once, in the
    midst of their jobs: the function should be one whose work can be resumed.

    A script needs no ``if __name__ == "__main__"`` guard as long as the function stands in a module: workers
    then never import the script. A function that stands in the script itself needs the guard.

    The number of threads changes the order in which sums are taken, so a trial repeats bit for bit only
    with the same number of threads.

    Args:
        function: takes a job and ``emit``; it, the jobs, the events and the results can be pickled.
        jobs: by name.
        processes: how many at a time; 1 runs the jobs in this process. Default: one for each core, at most
            one for each job.
        threads: of torch in each process. Default: the cores, shared out evenly; no more than
            ``OMP_NUM_THREADS``.
        on_event: called in this process with each event, to which ``"trial"``, the name, is added. A failure
            is an event too: ``{"event": "failed", "why": ...}``.

    Yields:
        Name and result of each job that succeeded, in the order in which they finished.

    Raises:
        TrialFailed: jobs failed; raised when all others are done.
        ValueError: ``processes`` or ``threads`` is less than 1.

    >>> dict(map_trials(lambda job, emit: job * 2, {"a": 1, "b": 2}, processes=1))
    {'a': 2, 'b': 4}
    """
    processes = max(1, min(len(jobs), available_cores())) if processes is None else processes
    threads = available_threads(max(1, processes)) if threads is None else threads
    if min(processes, threads) < 1:
        raise ValueError(f"at least 1 process and 1 thread are needed, got {processes} and {threads}")

    def forward(name: str, event: Event) -> None:
        if on_event is not None:
            on_event({**event, "trial": name})

    if processes == 1:
        outcomes = _run_here(function, jobs, threads=threads, forward=forward)
    else:
        outcomes = run_in_workers(function, jobs, processes=processes, threads=threads, forward=forward)
    yield from results_of(outcomes, forward)


def _run_here(
    function: Trial[J, R],
    jobs: Mapping[str, J],
    *,
    threads: int,
    forward: Callable[[str, Event], None],
) -> Iterator[tuple[str, Success[R] | Failure]]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for name, job in jobs.items():
            outcome: Success[R] | Failure
            try:
                outcome = Success(function(job, partial(forward, name)))
            except Exception as error:  # noqa: BLE001 - raised when the other jobs are done
                outcome = Failure.of(error)
            yield name, outcome
    finally:
        torch.set_num_threads(before)

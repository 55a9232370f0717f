"""Trials on a Ray cluster: the same call as :mod:`ncenet.engines.local`, with more machines behind it.

The environment variable ``RAY_ADDRESS`` names the cluster (``auto``: the one that this machine is part of);
without it a Ray of this machine alone is started, and stopped afterwards. Run folders and data have to lie
where all machines find them under the same path.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ncenet.cores import available_cores
from ncenet.engines import engines
from ncenet.engines.trial import Event, Failure, J, R, Success, Trial, results_of
from ncenet.errors import MissingExtra, UsageError

POLL_SECONDS = 0.2
"""Longest time that an event lies about before it is told."""


@engines.register("ray")
def map_trials(
    function: Trial[J, R],
    jobs: Mapping[str, J],
    *,
    processes: int | None = None,
    threads: int | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Generator[tuple[str, R], None, None]:
    """Run a function on each job, and yield results as they are there.

    As :func:`ncenet.engines.local.map_trials`, but for where it runs: each job is a task of Ray, in the
    working directory of this process, and has a GPU to itself where the cluster has any. Leaving the loop
    early or an interrupt ends the tasks at once.

    Args:
        function: takes a job and ``emit``; it, the jobs, the events and the results can be pickled.
        jobs: by name.
        processes: how many at a time. Default: one for each core of the cluster, or for each GPU where there
            are any, at most one for each job.
        threads: of torch in each task. Default: the cores, shared out evenly, as far as one machine has them.
        on_event: called in this process with each event, to which ``"trial"``, the name, is added.

    Yields:
        Name and result of each job that succeeded, in the order in which they finished.

    Raises:
        TrialFailed: jobs failed; raised when all others are done.
        ValueError: ``processes`` or ``threads`` is less than 1.
        UsageError: no machine of the cluster has so many cores.
        MissingExtra: Ray is not installed.
    """
    if any(count is not None and count < 1 for count in (processes, threads)):
        raise ValueError(f"at least 1 process and 1 thread are needed, got {processes} and {threads}")
    if not jobs:
        return

    def forward(name: str, event: Event) -> None:
        if on_event is not None:
            on_event({**event, "trial": name})

    with cluster() as ray:
        cores = int(ray.cluster_resources().get("CPU", 1))
        gpus = int(ray.cluster_resources().get("GPU", 0))
        largest = max(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
        processes = max(1, min(len(jobs), gpus or cores)) if processes is None else processes
        threads = min(largest, max(1, cores // processes)) if threads is None else threads
        if threads > largest:
            raise UsageError(f"{threads} threads a trial, but no machine of the cluster has over {largest}")
        tasks = _run_tasks(
            ray, function, jobs, processes=processes, threads=threads, gpus=min(gpus, 1), forward=forward
        )
        with closing(tasks):  # while there is a cluster on which they can be ended
            yield from results_of(tasks, forward)


@contextmanager
def cluster() -> Iterator[Any]:
    """Ray, connected; disconnected afterwards by whoever connected.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: no cluster answers where ``RAY_ADDRESS`` says.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing uses the network unasked
    try:
        import ray
    except ImportError:
        raise MissingExtra("running trials on Ray", "ray", "70 MB") from None
    if ray.is_initialized():
        yield ray
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address := os.environ.get("RAY_ADDRESS"):
        try:
            ray.init(**quiet)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise UsageError(
                f"no Ray cluster answers at RAY_ADDRESS={address}: `ray start --head` starts one, and "
                "without RAY_ADDRESS this machine is used"
            ) from error
    else:
        ray.init(address="local", num_cpus=available_cores(), include_dashboard=False, **quiet)
    try:
        yield ray
    finally:
        ray.shutdown()


def map_rows(
    make: type, arguments: tuple[Any, ...], rows: Sequence[Mapping[str, Any]], *, workers: int | None = None
) -> Iterator[dict[str, Any]]:
    """Have an actor pool of Ray Data make a row of each row, and tell of each as it is done.

    An actor that dies is replaced, and does its row again.

    Args:
        make: class whose objects are called with a row; one lives in each worker.
        arguments: of that class.
        rows: at least what one task does, such as a shard.
        workers: actors. Default: one for each GPU of the cluster, or for each core where there is none.

    Raises:
        MissingExtra: Ray is not installed, or not its part for data.
    """
    if not rows:
        return
    with cluster() as ray:
        try:
            import ray.data as data
        except ImportError:
            raise MissingExtra("Ray Data", "ray", "150 MB") from None
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        many = workers or max(1, min(len(rows), gpus or int(resources.get("CPU", 1))))
        data.DataContext.get_current().enable_progress_bars = False
        made = data.from_items(list(map(dict, rows)), override_num_blocks=len(rows)).map(
            make, fn_constructor_args=arguments, concurrency=many, num_gpus=1 if gpus else 0
        )
        yield from made.iter_rows()


class _Mailbox:
    """Events on their way from the tasks to this process; an actor."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []

    def put(self, name: str, event: Event) -> None:
        self.events.append((name, event))

    def take(self) -> list[tuple[str, Event]]:
        taken, self.events = self.events, []
        return taken


def _run_tasks(
    ray: Any,
    function: Trial[J, R],
    jobs: Mapping[str, J],
    *,
    processes: int,
    threads: int,
    gpus: int,
    forward: Callable[[str, Event], None],
) -> Generator[tuple[str, Success[R] | Failure], None, None]:
    """Outcomes of the jobs as they come, each after the events of its trial."""
    mailbox = ray.remote(_Mailbox).options(num_cpus=0).remote()
    task = ray.remote(_serve).options(num_cpus=threads, num_gpus=gpus, max_retries=0)
    waiting = deque(jobs.items())
    running: dict[Any, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                name, job = waiting.popleft()
                running[task.remote(function, job, name, mailbox, threads, str(Path.cwd()))] = name
            done, _ = ray.wait(list(running), num_returns=len(running), timeout=POLL_SECONDS)
            # Taken after the look at who is done: a task's events are in the box before it ends.
            for name, event in ray.get(mailbox.take.remote()):
                forward(name, event)
            for reference in done:
                yield running.pop(reference), _outcome(ray, reference)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.kill(mailbox)


def _outcome(ray: Any, reference: Any) -> Success[Any] | Failure:
    try:
        outcome: Success[Any] | Failure = ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # not the function's own, see `_serve`: the way here failed
        return Failure(Failure.of(error.cause).summary, str(error))
    except ray.exceptions.RayError as error:
        reason = str(error).split("\n")[0]
        why = f"its process died: {reason} (most often for want of memory; use fewer processes)"
        return Failure(why, str(error))
    return outcome


def _serve(
    function: Trial[J, R], job: J, name: str, mailbox: Any, threads: int, folder: str
) -> Success[R] | Failure:
    """What a task does: one job."""
    import ray

    os.environ["OMP_NUM_THREADS"] = str(threads)  # for numerical libraries that are imported from here on
    import torch

    torch.set_num_threads(threads)
    try:
        os.chdir(folder)  # relative paths mean what they mean to whoever asked
        return Success(function(job, lambda event: ray.get(mailbox.put.remote(name, event))))
    except Exception as error:  # noqa: BLE001 - the driver raises it
        return Failure.of(error)

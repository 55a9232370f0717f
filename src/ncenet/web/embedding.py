"""Embedding in the background: the images of a run become vectors while people label."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ncenet.cores import available_threads
from ncenet.data.open import open_train
from ncenet.engines.standing import StandingWorker
from ncenet.engines.trial import Event, Failure, Success
from ncenet.progress import Notify
from ncenet.recipe import Recipe

POLITE = 10
"""So much nicer (in the operating system's sense) than the page is the process that embeds, once there is
something to choose among (ours)."""
TO_CHOOSE_AMONG = 200
"""So many images are embedded first, and the first query waits for them (ours)."""


@dataclass(frozen=True)
class Photographs:
    """What a process needs to embed the images of a run.

    Attributes:
        recipe: the run.
        ids: the images, those first that are wanted first.
        hashes: content hash by id.
    """

    recipe: Recipe
    ids: tuple[str, ...]
    hashes: dict[str, str]


def wanted_first(pool: Sequence[str], held_out: Sequence[str]) -> tuple[str, ...]:
    """Images in the order in which they are embedded.

    Some to choose the first batch among, then those that measure the first model, then the others.

    Args:
        pool: ids that may be chosen, in random order.
        held_out: ids that measure.
    """
    return (*pool[:TO_CHOOSE_AMONG], *held_out, *pool[TO_CHOOSE_AMONG:])


def embed_missing(job: Photographs, notify: Notify, *, give_way: bool = True) -> int:
    """Embed what is missing; how many images that were.

    Args:
        job: what to do.
        notify: told of the progress, ``{"event": "embed", "done": ..., "total": ...}``.
        give_way: let every other process have the processor first once there is something to choose among.
    """
    from ncenet.features.pool import VectorPool, open_source

    recipe, pool = job.recipe, open_train(job.recipe).pool
    source = open_source(recipe.model, pool=pool, ids=job.ids, workers=recipe.data.workers)
    vectors = VectorPool(pool, source, job.hashes)
    total, begun = len(job.ids), 0

    def tell(done: int, _: int) -> None:
        notify({"event": "embed", "done": begun + done, "total": total})

    computed = vectors.embed(job.ids[:TO_CHOOSE_AMONG], tell)  # the first batch waits for these
    if give_way:
        _give_way()
    begun = min(TO_CHOOSE_AMONG, total)
    return computed + vectors.embed(job.ids[begun:], tell)


def _give_way() -> None:
    """Let everybody else have the processor first: on Linux each thread has a niceness of its own."""
    with suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(POLITE)
    with suppress(AttributeError, OSError):
        for thread in Path("/proc/self/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), POLITE)


class EmbeddingWork:
    """Embeds images of a run, once, in a process of its own; what is wanted meanwhile comes after.

    Args:
        notify: told of the progress, and ``{"event": "embedded"}`` or ``{"event": "failed", "why": ...}`` in
            the end; called from a thread of its own.
    """

    def __init__(self, notify: Notify) -> None:
        self._notify, self._lock = notify, threading.Lock()
        self._jobs: list[Photographs] = []
        self._busy = False
        self._worker = StandingWorker(threads=available_threads())

    def start(self, job: Photographs) -> None:
        """Begin with some images, or go on with them after others."""
        with self._lock:
            self._jobs.append(job)
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._run, name="embedding", daemon=True).start()

    def close(self) -> None:
        """Stop; what was embedded stays."""
        self._worker.close()

    def _run(self) -> None:
        outcome: Success[int] | Failure = Success(0)
        while (job := self._next(outcome)) is not None:
            outcome = self._worker.run(embed_missing, job, self._forward)
        self._worker.rest()
        if isinstance(outcome, Failure):
            self._notify({"event": "failed", "why": outcome.summary})
        else:
            self._notify({"event": "embedded"})

    def _next(self, before: Success[int] | Failure) -> Photographs | None:
        """The next images; None, and over for now, when there are none or the last ones failed."""
        with self._lock:
            if isinstance(before, Failure):
                self._jobs.clear()
            self._busy = bool(self._jobs)
            return self._jobs.pop(0) if self._jobs else None

    def _forward(self, event: Event) -> None:
        self._notify(event)

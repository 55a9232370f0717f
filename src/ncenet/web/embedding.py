"""Embedding in the background: the images of a run become vectors while people label."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass

from ncenet.data.open import open_train
from ncenet.engines.standing import StandingWorker
from ncenet.engines.trial import Event, Failure
from ncenet.recipe import Recipe
from ncenet.run.events import Notify

POLITE = 5
"""So much nicer (in the sense of the operating system) than the page is the process that embeds (ours)."""


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


def embed(job: Photographs, notify: Notify) -> int:
    """Embed what is missing; how many images that were.

    Args:
        job: what to do.
        notify: told of the progress, ``{"event": "embed", "done": ..., "total": ...}``.
    """
    from ncenet.features.pool import VectorPool, open_source

    with suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(POLITE)
    recipe, pool = job.recipe, open_train(job.recipe).pool
    source = open_source(recipe.model, pool=pool, ids=job.ids, workers=recipe.data.workers)
    vectors = VectorPool(pool, source, job.hashes)
    return vectors.embed(
        job.ids, lambda done, total: notify({"event": "embed", "done": done, "total": total})
    )


class Embedding:
    """Embeds the images of a run, once, in a process of its own.

    Args:
        job: the images.
        notify: told of the progress, and ``{"event": "embedded"}`` or ``{"event": "failed", "why": ...}`` in
            the end; called from a thread of its own.
    """

    def __init__(self, job: Photographs, notify: Notify) -> None:
        self._job, self._notify = job, notify
        self._worker = StandingWorker(threads=os.cpu_count() or 1)

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="embedding", daemon=True).start()

    def close(self) -> None:
        """Stop; what was embedded stays."""
        self._worker.close()

    def _run(self) -> None:
        outcome = self._worker.run(embed, self._job, self._forward)
        self._worker.close()
        if isinstance(outcome, Failure):
            self._notify({"event": "failed", "why": outcome.summary})
        else:
            self._notify({"event": "embedded"})

    def _forward(self, event: Event) -> None:
        self._notify(event)

"""Training in the background: one cycle at a time, in a process with one thread, while people go on.

The process is started for one cycle and gone afterwards. It shares nothing with the server but the run
folder, so it may die at any time: the next one goes on from its checkpoint. With features, on which a head
learns in a second, the process stays: starting another would take longer than that.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.data.scan import Scan
from ncenet.engines.standing import StandingWorker
from ncenet.engines.trial import Failure, Success
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.web.assignments import latest_query
from ncenet.web.embedding import TO_CHOOSE_AMONG

if TYPE_CHECKING:
    from ncenet.loop.loop import Loop


@dataclass(frozen=True)
class TrainingWork:
    """What a process needs to train one cycle and ask for the next images.

    Attributes:
        recipe: the run.
        folder: its folder.
        found: what a look at every image found.
        query_size: how many images to ask for.
        guess: only say what the labels so far make of the pool, before a first fit is due.
        stays: whether the process that takes it is there for the next one too.
    """

    recipe: Recipe
    folder: Path
    found: Scan
    query_size: int
    stays: bool = False
    guess: bool = False


@dataclass(frozen=True)
class OneImage:
    """What a process needs to look at one image.

    Attributes:
        lesson: the run.
        id: the image.
    """

    lesson: TrainingWork
    id: str


_opened: dict[Path, tuple[Loop, int]] = {}
"""In a process that stays: the loop of the run that it learns for, and with how many images."""
PATIENCE = 12.0
"""Seconds that the first query waits for images to choose among (ours); then it takes what is there."""


def learn(lesson: TrainingWork, notify: Notify) -> int:
    """Fit if new labels arrived, ask, write down why; the number of the cycle.

    Waits while another process, such as ``ncenet ask``, is at work on the run.

    Args:
        lesson: what to do.
        notify: told of the progress.

    Raises:
        LedgerError: labelled images have other bytes by now than those that were labelled.
        UnreadableImage: a labelled image is gone.
    """
    from ncenet.files import alone
    from ncenet.loop.choosing import compare_choosing
    from ncenet.loop.opinions import opine
    from ncenet.loop.reasons import explain_query

    with alone(lesson.folder, wait=True):
        loop = _loop_of(lesson, notify)
        with nullcontext() if lesson.stays else loop.ledger:
            if lesson.guess:
                learner = loop.guess()
                if learner is not None:
                    opine(loop, 0, learner)
                return 0
            _wait_for_vectors(loop, lesson.query_size)
            # Fit and query in one call: between two, answers come in, and another fit would begin.
            query = loop.ask(lesson.query_size, held_out_first=False)
            recorded = latest_query(loop.ledger)
            cycle = recorded.cycle if recorded is not None else 0
            explain_query(loop, query, cycle)
            if cycle:
                opine(loop, cycle)
                compare_choosing(loop, cycle)
    return cycle


def opinion_of(one: OneImage, notify: Notify) -> dict[str, Any] | None:
    """What the last model says of an image, as JSON; None before there is one, or features of the image."""
    from ncenet.files import alone
    from ncenet.loop.glance import glance
    from ncenet.run.records import as_json

    lesson = one.lesson
    with alone(lesson.folder, wait=True):
        loop = _loop_of(lesson, notify)
        with nullcontext() if lesson.stays else loop.ledger:
            fitted = [c.number for c in loop.ledger.cycles() if loop.ledger.fit_report(c.number) is not None]
            said = glance(loop, fitted[-1], one.id) if fitted else None
            return None if said is None else {"cycle": fitted[-1], **as_json(said)}


def _loop_of(lesson: TrainingWork, notify: Notify) -> Loop:
    """The loop of a run: the one that was opened before, unless other images have come since."""
    from ncenet.loop.open import open_loop

    loop, images = _opened.get(lesson.folder, (None, 0))
    if loop is None or images != len(lesson.found.hashes):
        if loop is not None:
            loop.ledger.close()
        loop, _ = open_loop(lesson.recipe, lesson.folder, notify=notify, found=lesson.found, embed=False)
    if lesson.stays:
        _opened[lesson.folder] = loop, len(lesson.found.hashes)
    loop.notify = notify
    return loop


def _wait_for_vectors(loop: Loop, query_size: int) -> None:
    """Where images are being embedded, wait until there is something to choose among."""
    from ncenet.features.pool import VectorPool

    vectors = loop.pool if loop.vectors is None else loop.vectors
    if loop.available is None or not isinstance(vectors, VectorPool):
        return
    sound = [item.id for item in loop.ledger.items() if item.problem is None]
    wanted, until = min(TO_CHOOSE_AMONG, len(sound)), time.monotonic() + PATIENCE
    while (there := len(loop.available(sound))) < wanted and time.monotonic() < until:
        time.sleep(0.2)
    if there < min(2 * query_size, wanted):  # whoever should embed doesn't, or hardly gets to it
        order = loop.streams.numpy("first", -1).permutation(len(sound))[:wanted]
        vectors.embed([sound[row] for row in order])


class Trainer:
    """Runs lessons, one at a time.

    Args:
        notify: told of the progress of fits, and ``{"event": "learned"}`` or ``{"event": "failed", "why":
            ...}`` when a lesson is over; called from a thread of the trainer's own.
        threads: of the process.
    """

    def __init__(self, notify: Notify, *, threads: int = 1) -> None:
        self._notify = notify
        self._busy = threading.Lock()
        self._worker = StandingWorker(threads=threads)

    @property
    def busy(self) -> bool:
        """Whether a lesson is going on."""
        return self._busy.locked()

    def start(self, lesson: TrainingWork) -> bool:
        """Begin a lesson; False when another one is still going on."""
        if not self._busy.acquire(blocking=False):
            return False
        threading.Thread(target=self._run, args=(lesson,), name="trainer", daemon=True).start()
        return True

    def look(self, lesson: TrainingWork, id: str) -> dict[str, Any] | None:
        """What the last model says of an image, once no lesson is going on; see :func:`opinion_of`."""
        outcome = self._worker.run(opinion_of, OneImage(lesson, id), lambda event: None)
        return None if isinstance(outcome, Failure) else outcome.value

    def close(self) -> None:
        """End the process, whatever it is at; no other lesson begins."""
        self._worker.close()

    def _run(self, lesson: TrainingWork) -> None:
        outcome: Success[int] | Failure = Failure("it ended without an outcome", "")
        try:
            outcome = self._worker.run(learn, lesson, self._notify)
        finally:
            if not lesson.stays or isinstance(outcome, Failure):
                self._worker.rest()
            self._busy.release()
            if isinstance(outcome, Failure):
                self._notify({"event": "failed", "why": outcome.summary})
            else:
                self._notify({"event": "learned", "cycle": outcome.value})

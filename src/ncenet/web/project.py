"""A run as people label it: the desk, what arrives, and the training that follows from it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ncenet.data.pools import FolderPool
from ncenet.data.scan import Scan
from ncenet.errors import DamagedRecord, DataError
from ncenet.ledger.again import Suspicion
from ncenet.ledger.inbox import Delivery
from ncenet.ledger.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import held_out_ids, measuring, set_apart
from ncenet.run.opening import OpenRun
from ncenet.run.record_files import read_doubts
from ncenet.run.sizes import SizeOf
from ncenet.types import Pool
from ncenet.web.arrivals import Arrived
from ncenet.web.assignments import Desk, Turn, latest_query
from ncenet.web.browse import Lists
from ncenet.web.chance import Chance
from ncenet.web.due import Fresh, fresh_labels, guess_is_due, to_ask
from ncenet.web.embedding import EmbeddingWork, Photographs, wanted_first
from ncenet.web.events import Hub
from ncenet.web.finish import Finish, to_take_along
from ncenet.web.insight import Insight
from ncenet.web.messages import AskForGroup, ChangeClasses
from ncenet.web.offer import offer
from ncenet.web.state import Stock
from ncenet.web.together import Parties
from ncenet.web.trainer import Trainer, TrainingWork

SECOND_LOOK = 0.05
"""Of the answers at most this share is asked for again because a label looks wrong (ours)."""
RUN = "run"
"""The fact under which the ledger keeps a name of the run, by which pages tell runs of one address apart."""


class Project:
    """One run and everybody who works on it. Every method may be called from any thread.

    Args:
        recipe: the run.
        folder: its folder.
        ledger: its ledger, with the items of the pool in it; closed by :meth:`close`.
        pool: where the images are.
        found: what a look at every image found.
        title: name of the project, for people.
        you: name of an annotator who has not said theirs.
        overlap: how many annotators answer each image.
        second_look: of the answers at most this share is asked for again because a label looks wrong.
        control: of the answers this share goes to random images, to tell whether choosing is worth it.
        wanted: classes that somebody named for a run that has others, perhaps.
        trains, embeds: make what takes the lessons and what embeds, called as the classes that do are.

    Attributes:
        trainer: what takes the lessons.
        let_go: called when all is closed, such as to let go of the folder.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        ledger: Ledger,
        pool: Pool,
        found: Scan,
        *,
        title: str,
        you: str,
        overlap: int = 1,
        second_look: float = SECOND_LOOK,
        control: float = 0.0,
        wanted: Sequence[str] = (),
        trains: Callable[..., Trainer] = Trainer,
        embeds: Callable[..., EmbeddingWork] = EmbeddingWork,
    ) -> None:
        self.recipe, self.folder, self.ledger, self.pool = recipe, folder, ledger, pool
        self.title, self.you, self._second_look, self._wanted = title, you, second_look, wanted
        self._run = ledger.recall(RUN) or secrets.token_hex(8)
        ledger.remember(RUN, self._run)
        self._found, self._lock = found, threading.RLock()
        self.detection = recipe.task == "detection"
        large = ledger.places.by_reference
        self._of_pool, self._stays = len(pool.ids()) if large else None, not large
        self._readable = ledger.review.readable()
        self.size = SizeOf(ledger, lambda: self.pool)
        self._insight = Insight(RunFolder(folder), ledger)
        self._desk = Desk(ledger, overlap=overlap, copies=self._insight.copies, control=control)
        self._chance = Chance(recipe.loop.seed, ledger, self._desk, self._insight)
        self._parties = Parties(self._insight, ledger)
        self._seen_seq = ledger.last_seq()
        self.held_out, self._apart = frozenset(held_out_ids(ledger)), set_apart(ledger)
        self.browse = Lists(ledger, pool, self._insight.opinions, frozenset(self._apart))
        self._progress: dict[str, Any] = {"phase": "idle"}
        self._records = Ledger(ledger.file, read_only=True)
        self._stock = Stock(folder, self._records)
        self.hub = Hub(self.snapshot)
        self.finish = Finish(folder, self.hub.change)
        self.trainer = trains(self._hear, threads=recipe.train.threads or 1)
        self._closed = False
        self.let_go: Callable[[], None] = lambda: None
        # After a failure so many labels come before the next attempt, and the last guess had so many.
        self._not_before, self._guessed = 0, 0
        self._embedded: dict[str, int] | None = None
        self._embedding = None if recipe.model.features is None else embeds(self._hear)
        self._embed_all()
        self._train_if_due()

    def _embed_all(self) -> None:
        """Begin to embed the images: in random order, and those that measure the model soon."""
        if self._embedding is None:
            return
        held_out = [id for id in measuring(self.ledger) if id in self._found.hashes]
        ids = sorted(self._found.hashes.keys() - set(held_out))
        order = Streams(self.recipe.loop.seed).numpy("first", -2).permutation(len(ids))
        wanted = wanted_first([ids[row] for row in order], held_out)
        self._embedding.start(Photographs(self.recipe, wanted, dict(self._found.hashes)))

    def take_in(self, arrived: Arrived) -> None:
        """Have images that appeared in the folder among those that are asked for."""
        with self._lock:
            if self._closed or not isinstance(self.pool, FolderPool):
                return
            bad = [(problem.id, "", problem.why) for problem in arrived.problems]
            self.ledger.add_items([*((id, hash, None) for id, hash in arrived.hashes.items()), *bad])
            self._found = self._found.joined(arrived.hashes, arrived.problems)
            ids = sorted({*self.pool.ids(), *arrived.hashes})
            self.pool = FolderPool(self.pool.root, ids, channels=self.pool.channels)
            self._readable = self.ledger.review.readable()
            self._set_apart()
            if self._embedding is not None and arrived.hashes:
                self._embedding.start(Photographs(self.recipe, tuple(arrived.hashes), dict(arrived.hashes)))
            self._train_if_due()
        self.hub.change()

    def _set_apart(self) -> None:
        """Copies of held-out images may have come, or be known by now."""
        self._apart = set_apart(self.ledger)
        self._insight.refresh()
        self._parties.refresh()
        self.browse = Lists(self.ledger, self.pool, self._insight.opinions, frozenset(self._apart))

    def close(self) -> None:
        """Stop telling pages of changes, and close the ledger."""
        with self._lock:
            self._closed = True
        self.trainer.close()
        self.finish.close()
        if self._embedding is not None:
            self._embedding.close()
        self.hub.close()
        self.ledger.close()
        self._records.close()
        self.let_go()

    def turns(self, window: str, who: str, holding: Sequence[str], want: int) -> list[Turn]:
        """Images for an annotator; see :meth:`ncenet.web.assignments.Desk.give`."""
        with self._lock:
            self._look_for_others()
            self._parties.keep(window)
            given = self._desk.give(window, who, holding, want)
            if len(given) < want and (
                self._chance.draw(want - len(given), self._apart) or self._desk.measure_all()
            ):
                given = self._desk.give(window, who, holding, want)
            return given

    def deliver(self, deliveries: Sequence[Delivery]) -> dict[str, str | None]:
        """Record answers, on disk when this returns; see :meth:`ncenet.ledger.inbox.Inbox.deliver`."""
        with self._lock:
            self._look_for_others()
            hashes = self._hashes({d.id for d in deliveries if d.answer is not None})
            with self.ledger.transaction():  # the classes of the moment that writes
                cycles = self.ledger.cycles()
                renamed, names = self.ledger.classes.renamed(), self.ledger.class_names()
                deliveries = [  # of a page that hasn't heard of a change yet
                    replace(d, answer=renamed[d.answer])
                    if isinstance(d.answer, str) and d.answer in renamed and d.answer not in names
                    else d
                    for d in deliveries
                ]
                outcome = self.ledger.inbox.deliver(
                    deliveries, cycle=cycles[-1].number if cycles else 0, classes=names, hashes=hashes
                )
            if any(d.together is not None and outcome[d.key] is None for d in deliveries):
                self._parties.check()
            for id in {d.id for d in deliveries if outcome[d.key] is None}:
                self._desk.settle(id)
            self._desk.ask_again()
            self._seen_seq = self.ledger.last_seq()
            self._train_if_due()
        self.hub.change()
        return outcome

    def group(self, message: AskForGroup) -> dict[str, Any] | None:
        """Alike images that nobody has answered or is looking at, as JSON; None when there are none."""
        window = message.window
        with self._lock:
            self._look_for_others()
            self._parties.cross(message.left, message.crossed, message.who)
            self._desk.next(message.left)  # the model has to learn them: they come up next, by themselves
            return self._parties.give(window, self._desk.leased(besides=window), message.of)

    def file(self, name: str) -> tuple[bytes, str]:
        """A file to take along, and its media type.

        Raises:
            UsageError: there is no such file, or no model yet.
        """
        return to_take_along(OpenRun(self.folder, self.recipe, self.ledger), name)

    def copies(self, id: str) -> int:
        """How many near copies of an image have no answer yet."""
        return sum(not self.ledger.review.answers(other) for other in self._insight.copies(id))

    def near(self, id: str) -> list[dict[str, Any]]:
        """The nearest images, with their labels, as JSON; nothing of held-out images is told."""
        return self._insight.near(id)

    def _hashes(self, ids: set[str]) -> dict[str, str]:
        """Hash of the bytes that images have now: they may be other ones than those that were looked at."""
        found = {}
        for id, item in self.ledger.review.items(ids).items():
            if item.problem is not None:
                continue  # the ledger says which
            try:
                found[id] = self.pool.content_hash(id)
            except DataError:  # gone, or no longer to be read
                found[id] = ""
        return found

    def add_class(self, name: str, who: str) -> tuple[str, ...]:
        """Add a class; all classes."""
        self.ledger.add_class(name, who=who)
        self.hub.change()
        return self.ledger.class_names()

    def change_classes(self, message: ChangeClasses) -> None:
        """Rename, merge, delete, order or show classes otherwise, or take the last such change back."""
        classes, who = self.ledger.classes, message.who
        name, into = message.name or "", message.into or ""
        with self._lock:
            match message.kind:
                case "rename":
                    classes.rename(name, into, who=who)
                case "merge":
                    classes.merge(name, into, who=who)
                case "delete":
                    classes.delete(name, who=who)
                case "order":
                    classes.order(list(message.order or ()), who=who)
                case "look":
                    classes.look(
                        name, message.look.model_dump(exclude_none=True) if message.look else {}, who=who
                    )
                case "again":
                    of_class = [id for id, label in self.ledger.labeled() if label == name]
                    self.ledger.again.ask(of_class, "split")
                case "undo":
                    classes.undo(who=who)
            self._seen_seq = self.ledger.last_seq()
            self._desk.reload()
            self._train_if_due()
        self.hub.change()

    def reason(self, id: str) -> dict[str, Any]:
        """Why an image is asked for, and what the model thinks it is; as JSON.

        Nothing is told of held-out images: they measure the model.
        """
        if id in self.held_out:
            return {"from": "held-out"}
        now = None if self.detection else self._insight.reason(id)
        if now is None and self.recipe.on_vectors and self._insight.unseen(id):
            said = self.trainer.look(TrainingWork(self.recipe, self.folder, self._found, 0, self._stays), id)
            now = None if said is None else self._insight.told(said, self.size)
        return now or self._insight.recorded(id, self.size) or {"from": "nobody"}

    def snapshot(self) -> Mapping[str, Any]:
        """The state of the run, as JSON."""
        with self._lock:
            fresh, due, cycle = self._fresh()
            asked = latest_query(self.ledger)
            batch = {
                "cycle": cycle,
                "answered": fresh,
                "size": due,
                "asked": None if asked is None else asked.asked.message(),
                "waiting": len(self._desk),
            }
            progress = dict(self._progress)
        offered = offer(self._wanted, self.ledger.class_names())
        return {
            "run": self._run,
            "offered": offered.message() if offered else None,
            "task": self.recipe.task,
            "title": self.title,
            "you": self.you,
            "images": self._of_pool or self._readable,
            "overlap": self._desk.overlap,
            "groups": self.recipe.on_vectors,
            "batch": batch,
            "training": progress,
            "embedding": self._embedded,
            "finish": self.finish.state,
            **self._stock.take(),
        }

    def _hear(self, event: Mapping[str, Any]) -> None:
        """What the trainer says, from its thread."""
        with self._lock:
            if self._closed:  # its process ends with this one, and that is no failure
                return
            match event["event"]:
                case "fit" | "cycle" if self._progress["phase"] == "guessing":
                    pass
                case "fit":
                    done = event["step"] / event["steps"]
                    self._progress = {"phase": "training", "cycle": event["cycle"], "done": done}
                case "cycle":
                    self._progress = {"phase": "scoring", "cycle": event["cycle"]}
                case "embed":
                    self._embedded = {"done": event["done"], "total": event["total"]}
                case "embedded":
                    self._embedded = None
                case "learned":
                    self._progress, self._not_before = {"phase": "idle"}, 0
                    if not self.ledger.apart.ids() <= self._apart:
                        self._set_apart()
                    self._doubt()
                    self._chance.control(self._apart)
                    self._desk.reload()
                    self._train_if_due()
                case "failed":
                    self._progress = {"phase": "failed", "why": event["why"]}
                    self._not_before = self._fresh().labels + self.recipe.loop.query_size
        self.hub.change()

    def _doubt(self) -> None:
        """Have disputes answered again, and what looks wrong to the last model, as the share allows."""
        again, labels = self.ledger.again, self.ledger.labeled()
        asked = again.asked("doubt")
        room = int(self._second_look * len(labels)) - len(asked)
        cycles = self.ledger.cycles()
        if room <= 0 or not cycles:
            return
        try:
            doubted = read_doubts(RunFolder(self.folder).cycle(cycles[-1].number))
        except DamagedRecord:  # told of elsewhere; the next model doubts anew
            doubted = {}
        known = {id for id, _ in labels} - self._apart
        # People who are of two minds are surer to be wrong than whoever the model contradicts.
        about: dict[str, Suspicion | None] = dict.fromkeys(self.ledger.review.disputes(), "dispute")
        about |= {id: slip for id, slip in doubted.items() if id in known and id not in about}
        chosen = [id for id in about if id not in asked][:room]
        again.ask(chosen, "doubt", {id: what for id in chosen if (what := about[id]) is not None})

    def _look_for_others(self) -> None:
        """Take up what other programs, such as ``ncenet tell``, wrote into the ledger."""
        if self.ledger.last_seq() != self._seen_seq:
            self._seen_seq = self.ledger.last_seq()
            self._desk.reload()
            self.hub.change()

    def _fresh(self) -> Fresh:
        return fresh_labels(self.ledger, self.recipe, self._apart)

    def _train_if_due(self) -> None:
        """Start a lesson when a batch is full, nothing is left to label, or nothing was asked yet."""
        found = self._fresh()
        fresh, due, cycle = found
        if self.trainer.busy or fresh < self._not_before:
            return
        asked = latest_query(self.ledger)
        interrupted = asked is not None and asked.cycle < cycle  # killed between fit and query
        if asked is None or interrupted or fresh >= due or (fresh and not len(self._desk)):
            size = to_ask(found, self.recipe, classes=len(self.ledger.class_names()))
            work = self.recipe, self.folder, self._found, size
            if self.trainer.start(TrainingWork(*work, self.recipe.on_vectors and self._stays)):
                self._progress = {"phase": "starting"}
        elif not cycle and self._guess_is_due(found):
            lesson = TrainingWork(self.recipe, self.folder, self._found, 0, stays=True, guess=True)
            if self.trainer.start(lesson):
                self._guessed, self._progress = fresh, {"phase": "guessing"}

    def _guess_is_due(self, fresh: Fresh) -> bool:
        labels = dict(self.ledger.labeled())
        classes = len({label for id, label in labels.items() if id not in self._apart})
        answers = len(self.ledger.closed_ids())
        return guess_is_due(fresh, self.recipe, answers=answers, classes=classes, before=self._guessed)

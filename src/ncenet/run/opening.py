"""A run is begun and opened here and nowhere else: folder, recipe, images and ledger, and no learner.

Three ways::

    survey(recipe, folder)          a look at every image  ->  recipe.yaml, bad_images.csv, duplicates.csv
    survey(recipe, folder).begin()  new, or continued      ->  and the ledger with the images in it
    open_run(folder)                as it is               ->  the ledger; nothing is looked at again

Whoever trains builds a loop on top, see :func:`ncenet.loop.open.open_loop`. Nothing here needs a network, so
answers can be recorded, imported and exported without one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.box_gate import BoxGate
from ncenet.class_names import slips
from ncenet.counts import count_of
from ncenet.data.dataset import BoxTestSet, Dataset, TestSet, as_box_test_set, as_test_set
from ncenet.data.open import open_test, open_train
from ncenet.data.pools import Subset
from ncenet.data.scan import Scan
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, UsageError
from ncenet.features.names import check_network_names
from ncenet.files import alone
from ncenet.ledger import Answer, Ledger
from ncenet.progress import Notify
from ncenet.recipe import Recipe, Task
from ncenet.rng import Streams
from ncenet.run.by_reference import Hand, enter, hand_of, learn_places, placed
from ncenet.run.findings import (
    Findings,
    contradiction_note,
    contradictions,
    left_out_note,
    look_at_images,
    write_findings,
)
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import LARGEST_SHARE, draw_held_out
from ncenet.run.recipe_file import keep
from ncenet.run.recipe_record import check_ledger, check_recipe, is_begun, load_recipe, record_recipe
from ncenet.run.shared_files import refuse_shared
from ncenet.run.sizes import SizeOf
from ncenet.types import Label, Pool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ncenet.types import QueryStrategy

SHOWN = 5
"""As many of the images that are gone are named (ours)."""


@dataclass(frozen=True)
class Survey:
    """The images of a run, and what a look at every one of them found.

    Attributes:
        recipe: the whole run.
        folder: the run folder.
        train: the images that may be asked for, with their oracle if they have labels.
        found: what is wrong with them.
        class_names: the C classes that the run begins with.
        test: held-out images of their own; None when there are none.
        of_test: what is wrong with those.
        later: images that appeared since, at which nobody has looked yet; no part of the others.
        hand: the images that the run looks at now, of a pool that is held by reference; None of another.
    """

    recipe: Recipe
    folder: Path
    train: Dataset
    found: Findings
    class_names: tuple[str, ...]
    test: Dataset | None = None
    of_test: Findings | None = None
    later: frozenset[str] = frozenset()
    hand: Hand | None = None

    @cached_property
    def pool(self) -> Pool:
        """The images that the run looks at: all, but of a pool that is held by reference."""
        if self.hand is None:
            return self.train.pool
        bad = self.found.reasons()  # of those in the ledger it knows itself
        drawn = [id for id in self.hand.drawn if id not in bad]
        return Subset(self.train.pool, (*self.hand.entered, *drawn))

    @cached_property
    def test_set(self) -> TestSet | BoxTestSet | None:
        """Those held-out images that can be used, with open labels; None when there are none.

        Raises:
            DataError: they have classes that the run has not.
        """
        if self.test is None or self.of_test is None:
            return None
        sound = self.test.subset(self.of_test.sound)
        boxes = self.test.task == "detection"
        return as_box_test_set(sound, self.class_names) if boxes else as_test_set(sound, self.class_names)

    def begin(self, notify: Notify | None = None) -> OpenRun:
        """Begin the run, or continue it: its images are entered in the ledger.

        The held-out images are drawn, if the recipe wants some and none were drawn before.

        Args:
            notify: told of images without a label that are gone since they were skipped.

        Raises:
            LedgerError: images with a label are gone, or some with an answer have other bytes now.
        """
        ledger = Ledger(RunFolder(self.folder).ledger)
        try:
            with ledger.transaction():  # a run is begun or it isn't
                record_recipe(ledger, self.recipe)
                ledger.remember("task", self.recipe.task)
                ledger.remember("class_names", json.dumps(self.class_names))
                ids = self.train.pool.ids() if self.hand is None else self.hand.entered
                bad, hashes = self.found.reasons(), self.found.scan.hashes
                ledger.add_items((id, hashes.get(id, ""), bad.get(id)) for id in ids)
                gone: list[str] = []
                if self.hand is None:
                    gone = ledger.miss_items({*ids, *self.later})
                elif isinstance(self.train.pool, ShardedPool):
                    # Not those alone that are entered here: others may have come in since the look.
                    gone = ledger.miss_items({item.id for item in ledger.items()} - set(self.hand.gone))
                    ledger.places.hold_by_reference()
                    ledger.places.add(placed(self.train.pool, ids))
                draw_held_out(
                    ledger,
                    self.recipe.loop.held_out,
                    Streams(self.recipe.loop.seed),
                    share=self.recipe.loop.held_out_share if self.hand is None else 0.0,
                    largest_share=LARGEST_SHARE if self.hand is None else 1.0,
                )
        except BaseException:
            ledger.close()
            raise
        if gone and notify is not None:
            named = ", ".join(gone[:SHOWN]) + (f" and {len(gone) - SHOWN:,} more" if gone[SHOWN:] else "")
            which = f"{count_of(len(gone), 'image')} without a label (skipped, or unsure)"
            notify({"event": "note", "text": f"gone since: {which}: {named}"})
        return OpenRun(self.folder, self.recipe, ledger, self)


@dataclass(frozen=True)
class OpenRun:
    """A run that is open; a context manager that closes its ledger.

    Attributes:
        folder: where it lives.
        recipe: what was asked for.
        ledger: what was asked and answered.
        survey: its images as they were found when it was begun or continued; None when it was merely opened.
    """

    folder: Path
    recipe: Recipe
    ledger: Ledger
    survey: Survey | None = field(default=None, repr=False)

    def __enter__(self) -> OpenRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    @property
    def files(self) -> RunFolder:
        """Where its files are."""
        return RunFolder(self.folder)

    @property
    def task(self) -> Task:
        """What is learned."""
        return self.recipe.task

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes: those that it was begun with, then those that annotators added."""
        return self.ledger.class_names()

    @cached_property
    def pool(self) -> Pool:
        """The images; opened when first asked for.

        Raises:
            UsageError: they are not where the recipe says.
            DataError: what is there is not a data set.
        """
        if self.survey is not None:
            return self.survey.train.pool
        pool = open_train(self.recipe).pool
        if isinstance(pool, ShardedPool):
            learn_places(pool, self.ledger)
        return pool

    def enter(self, ids: Collection[str]) -> None:
        """Enter images that are asked for or answered, unless all of the pool were entered."""
        if self.ledger.places.by_reference and isinstance(self.pool, ShardedPool):
            kept = self.files.looks("pool")
            enter(self.ledger, self.pool, ids, workers=self.recipe.data.workers, kept=kept)

    @cached_property
    def sizes(self) -> SizeOf:
        """Sizes of the images."""
        return SizeOf(self.ledger, lambda: self.pool, self.files.looks("pool"))

    def tell(
        self, answers: Mapping[str, Label | Answer | None], *, who: str, gate: BoxGate | None = None
    ) -> frozenset[str]:
        """Record answers, under the last cycle that was started; they are on disk when this returns.

        Args:
            answers: class name, skip or unsure by id; any image of the pool, queried or not, early or late.
                None takes the standing answer back.
            who: the annotator.
            gate: what boxes pass, and what counts those that it cuts. Default: a new one of :attr:`sizes`.

        Returns:
            Ids of the images of which something was recorded; see :meth:`ncenet.ledger.Ledger.tell`.

        Raises:
            LedgerError: an id is unknown or its image cannot be read; nothing is recorded then.
            DataError: boxes are none of their image; nothing is recorded then.
            UnknownName: a label is not one of the classes; nothing is recorded then.
        """
        self.enter(answers)
        if self.task == "detection":
            answers = (gate or self.sizes.gate()).answers(answers)
        with self.ledger.transaction():  # the classes of the moment that writes
            cycles = self.ledger.cycles()
            return self.ledger.tell(
                answers, who=who, cycle=cycles[-1].number if cycles else 0, classes=self.class_names
            )

    def last_model(self) -> Path | None:
        """The model of the last cycle that was trained; None when there is none.

        Raises:
            DataError: its file is missing.
        """
        fitted = [c.number for c in self.ledger.cycles()[-2:] if self.ledger.fit_report(c.number) is not None]
        return self.files.last_model(max(fitted, default=0))


def survey(
    recipe: Recipe,
    folder: Path,
    *,
    notify: Notify | None = None,
    train: Dataset | None = None,
    test: Dataset | None = None,
    strategy: QueryStrategy | None = None,
    seen: Scan | None = None,
    keep_looks: bool = True,
    nameless: bool = False,
    look: int = 0,
) -> Survey:
    """Look at every image, and write what was found and the recipe into a run folder; no ledger yet.

    Images that were looked at before and have not changed since are not decoded again. Nothing is written
    before the recipe, its strategy and its classes are known to fit.

    Args:
        recipe: the whole run.
        folder: the run folder; made when missing.
        notify: told of the progress.
        train: images of the caller's own. Default: what ``recipe.data.train`` names.
        test: held-out images of the caller's own. Default: what ``recipe.data.test`` names.
        strategy: a query strategy of the caller's own. Default: what ``recipe.loop.strategy`` names.
        seen: what a look at every image of the pool found a moment ago, to be taken as it is.
        keep_looks: keep what was found, so that the next time only those are decoded that changed.
        nameless: begin without a class, if nobody names some: annotators will.
        look: of a pool that is held by reference, how many images are drawn for a model to choose among.

    Raises:
        RecipeError: the folder holds a run with another recipe, or the strategy doesn't fit the rest of it.
        UnknownName: there is no such strategy, head, backbone or extractor.
        UsageError: the images are not there, or the folder is a file.
        DataError: the images have no labels and the recipe names no classes; an image file of the pool is for
            testing too; or the held-out images have other classes.
        UnreadableImages: some images cannot be read or are annotated wrongly, and the recipe says to stop;
            the findings are written.
    """
    from ncenet.strategies.build import check_fits, open_strategy

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file, and a run has a folder of its own")
    check_network_names(recipe)
    if strategy is None:
        open_strategy(recipe)
    else:
        check_fits(strategy, recipe)
    train = open_train(recipe) if train is None else train
    names = recipe.data.classes or train.class_names
    files = RunFolder(folder)
    if not names and not nameless and not is_begun(files):
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with `data.classes`")
    if test is None and not recipe.loop.held_out:
        test = open_test(recipe.data, train)
    train = train.noting(slips(names))
    check_recipe(files, recipe)
    if not is_begun(files):
        refuse_shared(train, test)
        for note in dict.fromkeys((*train.notes, *(() if test is None else test.notes))):
            if notify is not None:
                notify({"event": "note", "text": note})
    kept = {place: files.looks(place) if keep_looks else None for place in ("pool", "test")}
    later: frozenset[str] = frozenset()
    hand = hand_of(train.pool, recipe, files, look=look) if isinstance(train.pool, ShardedPool) else None
    if hand is None and seen is not None:
        looked_at = {*seen.hashes, *(problem.id for problem in seen.problems)}
        later = frozenset(train.pool.ids()) - looked_at
        if later:
            train = train.subset([id for id in train.pool.ids() if id in looked_at])
    if hand is None:
        found = look_at_images(train, recipe, notify, seen=seen, kept=kept["pool"])
    else:  # whatever was seen a moment ago, others may be at hand by now
        found = look_at_images(train.subset(hand.ids), recipe, notify, kept=kept["pool"])
    of_test = None if test is None else look_at_images(test, recipe, notify, kept=kept["test"])
    differing = contradictions(train, found, test, of_test)
    if differing:
        note = contradiction_note(differing, files.duplicates.name)
        train = train.noting([note])
        if notify is not None and not is_begun(files):
            notify({"event": "note", "text": note})
    write_findings(files, recipe, found, of_test, differing)
    left_out = left_out_note(found, of_test, files.bad_images.name)
    if left_out is not None and notify is not None and not is_begun(files):
        notify({"event": "note", "text": left_out})
    looked = Survey(recipe, folder, train, found, names, test, of_test, later, hand)
    if not is_begun(files):
        _ = looked.test_set  # its mistakes come before there is a run with this recipe
    keep(files.recipe, recipe)
    return looked


def open_run(
    folder: Path, *, read_only: bool = False, begin: bool = False, notify: Notify | None = None
) -> OpenRun:
    """Open a run that is there already; its images are not looked at again.

    Args:
        folder: the run folder.
        read_only: write nothing into the ledger.
        begin: of a folder with a recipe alone, as ``ncenet init`` leaves it, begin the run.
        notify: told of the progress of a look at every image, if the run is begun.

    Raises:
        UsageError: there is no run in this folder, it was not begun, or its ledger is missing.
        RecipeError: its recipe cannot be read, or is not that of the ledger.
        LedgerError: its ledger cannot be read.
        DataError, UnreadableImages: as :func:`survey`, if the run is begun.
    """
    files = RunFolder(folder)
    recipe = load_recipe(files)
    check_ledger(files)
    if not is_begun(files):
        if not begin:
            raise UsageError(f"{folder}: a recipe, and nothing was asked yet; ncenet ask begins")
        with alone(folder, wait=True):
            survey(recipe, folder, notify=notify).begin(notify).close()
    if not read_only:
        check_recipe(files, recipe)
    return OpenRun(folder, recipe, Ledger(files.ledger, read_only=read_only))

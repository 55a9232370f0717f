"""One trial again, after it has ended: its data, and the network of any of its cycles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ncenet.counts import count_of
from ncenet.data.open import open_train
from ncenet.errors import DataError
from ncenet.features.own import OwnVectors
from ncenet.features.pool import VectorPool, open_source
from ncenet.learners.classifier import Classifier
from ncenet.learners.committee import Committee, build_learner
from ncenet.ledger import Ledger
from ncenet.recipe import OWN, Recipe
from ncenet.rng import Streams
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import set_apart
from ncenet.run.record_files import read_query
from ncenet.types import LabeledSet, Pool


class TrialModels:
    """What a trial left behind, read only. Nothing is opened before it is needed.

    Hidden labels stay hidden: only what the trial itself was told is handed out.

    Args:
        arm: name of the arm.
        folder: run folder of the trial.
        most: read it as a trial of so many cycles, without what came later. Default: as it is.
    """

    def __init__(self, arm: str, folder: Path, most: int | None = None) -> None:
        self.arm, self.folder, self.most = arm, folder, most
        self._loaded: tuple[int, Classifier | Committee] | None = None

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that was run."""
        return Recipe.load(self._run.recipe)

    @property
    def streams(self) -> Streams:
        """The random streams of the trial's seed."""
        return Streams(self.recipe.loop.seed)

    @cached_property
    def cycles(self) -> tuple[int, ...]:
        """Numbers of the cycles whose fit has finished."""
        fitted = (cycle.number for cycle in self._run.cycles() if cycle.fit.exists())
        return tuple(number for number in fitted if self.most is None or number <= self.most)

    @cached_property
    def sound(self) -> tuple[str, ...]:
        """Ids of the images that could be read and may be queried, in the order of the pool."""
        with self._ledger() as ledger:
            apart = set_apart(ledger)
            return tuple(i.id for i in ledger.items() if i.problem is None and i.id not in apart)

    def labeled(self, cycle: int) -> LabeledSet:
        """What the fit of a cycle has learned."""
        with self._ledger() as ledger:
            upto = {c.number: c.upto for c in ledger.cycles()}[cycle]
            apart = set_apart(ledger)
            pairs = [(id, label) for id, label in ledger.labeled(upto) if id not in apart]
            return LabeledSet([id for id, _ in pairs], [label for _, label in pairs], ledger.class_names())

    def queried(self, cycle: int) -> tuple[str, ...]:
        """What a cycle asked for; nothing in the last one."""
        query = None if cycle == self.most else read_query(self._run.cycle(cycle))
        return () if query is None else query.ids

    def unlabeled(self, cycle: int) -> tuple[str, ...]:
        """Images that could be read and had no label when a cycle was fitted, in the order of the pool."""
        labeled = set(self.labeled(cycle).ids)
        return tuple(id for id in self.sound if id not in labeled)

    def probs(self, cycle: int, ids: Sequence[str]) -> Tensor:
        """Probabilities or likelihoods (N, C) by the network of a cycle.

        Raises:
            DataError: the data or the model is not what it was.
        """
        learner = self._learner(cycle)
        return torch.cat([chunk.probs for chunk in learner.predict(self._pool(ids), ids, want=frozenset())])

    def directions(self, cycle: int, ids: Sequence[str]) -> Tensor:
        """Features (N, D) by the network of a cycle, each normalised to length one.

        Raises:
            DataError: as :meth:`probs`.
        """
        learner = self._learner(cycle)
        chunks = learner.predict(self._pool(ids), ids, want=frozenset({"features"}))
        return normalize(torch.cat([chunk.features for chunk in chunks if chunk.features is not None]), dim=1)

    def state(self, cycles: Sequence[int]) -> list[str]:
        """Texts that change whenever what these cycles say may have changed.

        A trial repeats bit for bit, so its recipe and the report of a fit stand for the network.
        """
        of_cycles = map(self._run.cycle, cycles)
        files = [self._run.recipe, *(file for cycle in of_cycles for file in (cycle.fit, cycle.query))]
        return [file.read_text(encoding="utf-8") if file.exists() else "" for file in files]

    @cached_property
    def _dataset_pool(self) -> Pool:
        pool, model = open_train(self.recipe).pool, self.recipe.model
        if model.features is None:
            return pool
        if model.features == OWN:
            return OwnVectors(pool, self.sound)
        with self._ledger() as ledger:
            hashes = {item.id: item.hash for item in ledger.items() if item.hash}
        return VectorPool(pool, open_source(model, pool=pool, ids=self.sound), hashes)

    def _pool(self, ids: Sequence[str]) -> Pool:
        missing = set(ids) - set(self._dataset_pool.ids())
        if missing:
            raise DataError(
                f"{self.recipe.data.train}: {count_of(len(missing), 'image')} of {self.folder} missing, "
                f"such as {min(missing)!r}"
            )
        return self._dataset_pool

    def _learner(self, cycle: int) -> Classifier | Committee:
        if self._loaded is None:
            recipe = self.recipe
            self._loaded = 0, build_learner(recipe.model, recipe.train, recipe.data, self.streams)
        held, learner = self._loaded
        if held != cycle:
            learner.load(self._run.cycle(cycle).model)
            if len(learner.shape) == 3:  # whatever size a scan had found, the network knows it
                learner.data = learner.data.model_copy(update={"image_size": learner.shape[-1]})
            self._loaded = cycle, learner
        return learner

    @property
    def _run(self) -> RunFolder:
        return RunFolder(self.folder)

    def _ledger(self) -> Ledger:
        return Ledger(self._run.ledger, read_only=True)

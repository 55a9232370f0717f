"""What runs and comparisons have come to, cycle by cycle; :mod:`ncenet.compare.read` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.compare.comparison import Comparison
from ncenet.data.open import names_test
from ncenet.errors import DataError
from ncenet.ledger import Ledger
from ncenet.recipe import BudgetUnit, Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_record import is_begun

if TYPE_CHECKING:
    from ncenet.compare.predictions import Predicted

HEADLINE = "accuracy"
"""What the headline number of a test is unless boxes were tested."""


@dataclass(frozen=True)
class CycleResult:
    """One finished cycle.

    Attributes:
        number: of the cycle, from 1.
        labeled: size of the labelled set that was learned; with a budget of boxes, the budget until then.
        loss: mean training loss of the last epoch; None when the learner says none.
        fit_accuracy: training accuracy of the last epoch, in [0, 1]; None likewise.
        fit_seconds: wall time of the fit.
        images: how many held-out images there are.
        accuracy: the headline number on them, in [0, 1] (see :attr:`RunResults.metric`); None without any.
        balanced_accuracy: mean over classes of their accuracy; None likewise, and where the headline number
            is no accuracy.
        per_class: the headline number of each class.
        live_prototypes: of each class, how many are the nearest to a labelled image; empty for one a class.
        queried: ids that the cycle asked for, most informative first; empty in the last cycle.
        score_seconds: wall time of the predictions on the pool; None in the last cycle.
        select_seconds: wall time of the choice among them; None in the last cycle.
        pool: images that were there to choose from; None in the last cycle.
    """

    number: int
    labeled: int
    loss: float | None
    fit_accuracy: float | None
    fit_seconds: float
    images: int
    accuracy: float | None
    balanced_accuracy: float | None
    per_class: Mapping[str, float]
    live_prototypes: Mapping[str, int]
    queried: tuple[str, ...]
    score_seconds: float | None
    select_seconds: float | None
    pool: int | None


@dataclass(frozen=True)
class Curve:
    """The learning curve of one trial, with an entry for each tested cycle where nothing else is said.

    Attributes:
        arm: name of the arm.
        seed: seed of the run.
        labeled: sizes of the labelled set, rising.
        accuracy: the headline number on the held-out images, in [0, 1].
        balanced_accuracy: mean over classes of their accuracy, in [0, 1]; empty where there is none.
        fit_seconds: wall time of the fits.
        score_seconds: wall time of the predictions on the pool, for each query.
        select_seconds: wall time of the choice among them, for each query.
    """

    arm: str
    seed: int
    labeled: tuple[int, ...]
    accuracy: tuple[float, ...]
    balanced_accuracy: tuple[float, ...]
    fit_seconds: tuple[float, ...]
    score_seconds: tuple[float, ...]
    select_seconds: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """A small table: names of its columns, its rows, and which columns beside the first hold words."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunResults:
    """One run.

    Attributes:
        folder: where it was read.
        recipe: what was asked for; within a comparison with as many cycles as that asks for by now.
        cycles: the finished ones, in order; within a comparison no more than it asks for.
        initial_per_class: images of the initial set by class; with boxes, the objects on them.
        queried_per_class: images that were queried and labelled since, or objects on them, by class.
        bad_images: images that could not be read, with the reason.
        duplicates: images of pool and test set whose bytes are the same.
        metric: what the headline number is: ``"accuracy"`` of classes, ``"mAP"`` of boxes.
    """

    folder: Path
    recipe: Recipe
    cycles: tuple[CycleResult, ...]
    initial_per_class: Mapping[str, int]
    queried_per_class: Mapping[str, int]
    bad_images: Table
    duplicates: Table
    metric: str = HEADLINE

    @property
    def tested(self) -> tuple[CycleResult, ...]:
        """Cycles whose network was tested on held-out images."""
        return tuple(cycle for cycle in self.cycles if cycle.accuracy is not None)

    @property
    def _done(self) -> tuple[CycleResult, ...]:
        """Cycles with which nothing is left to do; without a test only where one has asked all the same."""
        asked = any(cycle.score_seconds is not None for cycle in self.cycles)
        return self.cycles if asked and not self.tested and not names_test(self.recipe) else self.tested

    @property
    def finished(self) -> bool:
        """Whether all cycles are done, tested where there is something to test on, or the pool is used up."""
        return len(self._done) >= self.recipe.loop.cycles or self.used_up

    @property
    def used_up(self) -> bool:
        """Whether the pool ended before the cycles of the recipe: the last one has asked and got nothing."""
        if not self._done or len(self._done) < self._done[-1].number:
            return False
        last = self.cycles[-1]
        return last.number < self.recipe.loop.cycles and last.score_seconds is not None and not last.queried

    @cached_property
    def answered_by_people(self) -> bool:
        """Whether people answered, and no oracle of a simulation: how much is up to them then."""
        files = RunFolder(self.folder)
        if not is_begun(files):
            return False
        with Ledger(files.ledger, read_only=True) as ledger:
            return bool({effort.who for effort in ledger.review.efforts()} - {"oracle"})

    @property
    def copied(self) -> int:
        """How many images of the pool have the bytes of a test image."""
        places = [dict(zip(self.duplicates.columns, row, strict=True)) for row in self.duplicates.rows]
        tested = {place["group"] for place in places if place.get("in") == "test"}
        return sum(place["in"] == "pool" for place in places if place["group"] in tested)

    @property
    def unit(self) -> BudgetUnit:
        """What the sizes of the labelled set count."""
        return self.recipe.loop.budget_unit

    @cached_property
    def predicted(self) -> Predicted | None:
        """How the held-out images fared; None where the tests have kept no class for each of them."""
        from ncenet.compare.predictions import predicted_of

        files = RunFolder(self.folder)
        return predicted_of([files.cycle(cycle.number) for cycle in self.tested])

    def curve(self, arm: str) -> Curve:
        """The learning curve, as one of an arm of that name."""
        tested, queries = self.tested, [c for c in self.cycles if c.queried]
        return Curve(
            arm=arm,
            seed=self.recipe.loop.seed,
            labeled=tuple(c.labeled for c in tested),
            accuracy=tuple(c.accuracy for c in tested if c.accuracy is not None),
            balanced_accuracy=tuple(c.balanced_accuracy for c in tested if c.balanced_accuracy is not None),
            fit_seconds=tuple(c.fit_seconds for c in tested),
            score_seconds=tuple(c.score_seconds for c in queries if c.score_seconds is not None),
            select_seconds=tuple(c.select_seconds for c in queries if c.select_seconds is not None),
        )


@dataclass(frozen=True)
class Results:
    """A comparison as far as it has come.

    Attributes:
        folder: where it was read.
        comparison: what was asked for.
        runs: by arm and seed, those that were begun, in the order of arms and seeds.
        replays: of the same arm and seed once more, likewise.
    """

    folder: Path
    comparison: Comparison
    runs: Mapping[tuple[str, int], RunResults]
    replays: Mapping[tuple[str, int], RunResults] = field(default_factory=dict)

    @cached_property
    def metric(self) -> str:
        """What the headline number of the runs is.

        Raises:
            DataError: it is not the same in all of them.
        """
        metrics = {run.metric: key for key, run in self.runs.items() if run.tested}
        if len(metrics) > 1:
            shown = ", ".join(f"{metric} ({arm}, seed {seed})" for metric, (arm, seed) in metrics.items())
            raise DataError(f"tested by different numbers: {shown}: no comparison")
        return next(iter(metrics), HEADLINE)

    @property
    def step(self) -> float:
        """The headline numbers are multiples of this: 1/N for the accuracy on N images, 0 for mAP."""
        images = max((cycle.images for run in self.runs.values() for cycle in run.tested), default=0)
        return 1 / images if images and self.metric == HEADLINE else 0.0

    @cached_property
    def unit(self) -> BudgetUnit:
        """What the sizes of the labelled set count.

        Raises:
            DataError: it is not the same in all runs.
        """
        units = {run.unit: key for key, run in self.runs.items()}
        if len(units) > 1:
            shown = ", ".join(f"{unit} ({arm}, seed {seed})" for unit, (arm, seed) in units.items())
            raise DataError(f"budgets count different things: {shown}: no comparison")
        return next(iter(units), "image")

    @cached_property
    def labeled(self) -> tuple[int, ...]:
        """Sizes of the labelled set at which the arms are compared: of the trials that are finished.

        Raises:
            DataError: runs that have come equally far have not had equally many labels, or a test is gone.
        """
        counts = {key: tuple(c.labeled for c in run.tested) for key, run in self.runs.items()}
        longest = max(counts.values(), key=len, default=())
        for key, count in counts.items():
            run = self.runs[key]
            if count != (longest if run.finished else longest[: len(count)]):
                _refuse_a_gap(*key, run)
                raise DataError(
                    f"{key[0]}, seed {key[1]}: labels {count}, elsewhere {longest}: no comparison"
                )
        return longest if any(run.finished for run in self.runs.values()) else ()

    @cached_property
    def unfinished(self) -> tuple[tuple[str, int], ...]:
        """Arm and seed of the trials that are missing or not :attr:`~RunResults.finished`."""
        finished = {key for key, run in self.runs.items() if run.finished}
        return tuple(key for key in self.comparison.trials if key not in finished)

    def curves(self, arm: str) -> dict[int, Curve]:
        """Curves of an arm by seed, of the trials that are finished."""
        finished = [key for key in self.runs if key not in self.unfinished]
        return {seed: self.runs[arm, seed].curve(arm) for name, seed in finished if name == arm}

    def paired(self, arm: str, against: str) -> dict[int, tuple[Curve, Curve]]:
        """Curves of two arms by seed, of the seeds that both have finished."""
        ours, theirs = self.curves(arm), self.curves(against)
        return {seed: (ours[seed], theirs[seed]) for seed in ours if seed in theirs}


def _refuse_a_gap(arm: str, seed: int, run: RunResults) -> None:
    """Refuse a run in which an earlier cycle than the last is not tested: its record is gone."""
    tested = {cycle.number for cycle in run.tested}
    for number in range(1, max(tested, default=0)):
        if number not in tested:
            raise DataError(
                f"{RunFolder(run.folder).cycle(number).test}: is missing, so {arm}, seed {seed} can't be "
                "compared; the command that made the comparison tests this model again"
            )

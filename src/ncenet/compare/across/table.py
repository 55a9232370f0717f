"""The curves of all trials as arrays: sets D, seeds S, cycles T, arms A; nan where a trial is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncenet.compare.heads import reads_the_test
from ncenet.compare.predictions import Floats
from ncenet.compare.records import Curve, Results
from ncenet.compare.suite import SuiteResults


@dataclass(frozen=True)
class Numbers:
    """All that is known of the trials.

    Attributes:
        sets: names of the D data sets of which something was tested.
        arms: names of the A arms.
        seeds: the S seeds.
        results: of each set.
        accuracy: by set (S, T, A), in [0, 1]; T may differ from set to set.
    """

    sets: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    results: tuple[Results, ...]
    accuracy: tuple[Floats, ...]

    def of(self, measure: Callable[[Curve], float]) -> Floats:
        """A number of each trial, (D, S, A)."""
        return np.stack([_table(r, self.arms, self.seeds, lambda c: [measure(c)], 1) for r in self.results])[
            :, :, 0
        ]

    @property
    def mean(self) -> Floats:
        """Mean over the cycles, (D, S, A): the number by which arms are compared."""
        return np.stack([table.mean(1) for table in self.accuracy])

    @property
    def step(self) -> Floats:
        """By set (D,), accuracies are multiples of so much: one over the test images."""
        return np.array([results.step for results in self.results])

    @property
    def step_of_mean(self) -> Floats:
        """By set (D,), means over all cycles are multiples of so much."""
        step: Floats = self.step / [table.shape[1] for table in self.accuracy]
        return step

    @property
    def oracle(self) -> str | None:
        """The arm that may read test accuracy; None without one."""
        comparison = self.results[0].comparison
        return next((arm for arm in self.arms if reads_the_test(comparison, arm)), None)

    def ranked(self) -> Numbers:
        """The same of arms that people could use, and of which a trial is finished."""
        mean = self.mean
        begun = [n for n in range(len(self.arms)) if np.isfinite(mean[..., n]).any()]
        kept = [n for n in begun if self.arms[n] != self.oracle]
        return Numbers(
            self.sets,
            tuple(self.arms[n] for n in kept),
            self.seeds,
            self.results,
            tuple(table[:, :, kept] for table in self.accuracy),
        )


def numbers(compared: Results | SuiteResults) -> Numbers | None:
    """The table of a comparison on one data set or on several; None while nothing is tested."""
    sets = compared.sets if isinstance(compared, SuiteResults) else {"": compared}
    tested = {name: results for name, results in sets.items() if results.labeled}
    if not tested:
        return None
    arms = tuple(arm.name for arm in compared.comparison.arms)
    seeds = compared.comparison.seeds
    return Numbers(
        tuple(tested),
        arms,
        seeds,
        tuple(tested.values()),
        tuple(
            _table(results, arms, seeds, lambda curve: curve.accuracy, len(results.labeled))
            for results in tested.values()
        ),
    )


def _table(
    results: Results,
    arms: tuple[str, ...],
    seeds: tuple[int, ...],
    values: Callable[[Curve], object],
    length: int,
) -> Floats:
    """Values (S, length, A) of the finished trials."""
    table = np.full((len(seeds), length, len(arms)), np.nan)
    for a, arm in enumerate(arms):
        for seed, curve in results.curves(arm).items():
            table[seeds.index(seed), :, a] = values(curve)
    return table

"""Cycle by cycle: where an arm is ahead of another, with one correction for all the tests that this takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ncenet.compare.records import Results
from ncenet.compare.statistics import Spread, holm, p_value

Outcome: TypeAlias = Literal["win", "tie", "loss"]

LEVEL = 0.05
"""Of the tests, after the correction."""


@dataclass(frozen=True)
class Duel:
    """An arm against another in one cycle.

    Attributes:
        labeled: size of the labelled set.
        spread: of the paired differences over seeds; positive if the arm is better.
        p: of the paired t test, as it comes; None for one seed.
        corrected: by Holm, for all tests of the comparison; None likewise.
    """

    labeled: int
    spread: Spread
    p: float | None
    corrected: float | None

    @property
    def outcome(self) -> Outcome:
        """``"tie"`` unless the corrected p is below .05."""
        if self.corrected is None or self.corrected >= LEVEL:
            return "tie"
        return "win" if self.spread.mean > 0 else "loss"


def duels(results: Results, pairs: Mapping[str, str]) -> dict[str, list[Duel]]:
    """Arms against others, cycle by cycle.

    Arms of one head share their first network, so they are equal there by construction; what is equal in
    all seeds is a tie and no test, and does not make the correction harsher.

    Args:
        results: of the comparison.
        pairs: arm -> the arm that it is held against.

    Returns:
        By arm; empty where no seed has finished both.
    """
    differences: dict[str, list[list[float]]] = {}
    for arm, against in pairs.items():
        pairs_of_seeds = results.paired(arm, against).values()
        differences[arm] = [
            [ours.accuracy[n] - theirs.accuracy[n] for ours, theirs in pairs_of_seeds]
            for n in range(len(results.labeled) if pairs_of_seeds else 0)
        ]
    tests = {
        (arm, n): p
        for arm, cycles in differences.items()
        for n, values in enumerate(cycles)
        if any(values) and (p := p_value(values, step=results.step)) is not None
    }
    corrected = dict(zip(tests, holm(list(tests.values())), strict=True))
    return {
        arm: [
            Duel(results.labeled[n], Spread.of(values), tests.get((arm, n)), corrected.get((arm, n)))
            for n, values in enumerate(cycles)
        ]
        for arm, cycles in differences.items()
    }


def family_size(of_arms: Mapping[str, list[Duel]]) -> int:
    """How many tests the correction was for."""
    return sum(duel.p is not None for cycles in of_arms.values() for duel in cycles)

"""Replay noise: how far a run is from itself, where training does not repeat to the bit.

On a GPU sums are taken in another order each time, and what starts as rounding ends as other queries. Seeds
can't pair that away: it stands in every difference, as the deviation of two runs of one arm and one seed.
Where a run repeats to the bit, as it does on one machine's processors, there is none, and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from ncenet.compare.records import Results, RunResults
from ncenet.compare.statistics import mean_over_cycles


@dataclass(frozen=True)
class ReplayNoise:
    """How far two runs of the same arm and seed are apart.

    Attributes:
        apart: root mean square of their differences, in the mean over cycles; as large as the deviation that
            replaying gives to the difference of two arms with one seed.
        pairs: of runs.
    """

    apart: float
    pairs: int

    def of_mean(self, seeds: int) -> float:
        """Deviation that it gives to the mean difference of two arms over so many seeds."""
        return self.apart / sqrt(seeds)


def replay_noise(results: Results) -> ReplayNoise | None:
    """What the trials say that ran twice to the end; None without any, and where all repeat to the bit."""
    pairs = [
        (results.runs[key], again)
        for key, again in results.replays.items()
        if key in results.runs and again.finished and results.runs[key].finished
    ]
    if all(_traces(one) == _traces(other) for one, other in pairs):
        return None
    apart = [mean_over_cycles(one.curve("")) - mean_over_cycles(other.curve("")) for one, other in pairs]
    return ReplayNoise(sqrt(fmean(each**2 for each in apart)), len(pairs))


def _traces(run: RunResults) -> list[tuple[object, ...]]:
    """What is the same in every cycle if training repeats to the bit."""
    return [(cycle.loss, cycle.accuracy, cycle.queried) for cycle in run.tested]

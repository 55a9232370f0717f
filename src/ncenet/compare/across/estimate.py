"""Means over seeds and data sets, with two intervals that answer two questions.

*These sets, other seeds*: each set is a stratum with its own deviation. The mean of the sets' means has the
variance sum(s_d^2 / n_d) / D^2, and Student's quantile the degrees of freedom of Welch (1947) and
Satterthwaite (1946). *Other sets of the kind*: Student's interval over the D means of the sets, which are
then the sample. With three sets it is wide, and says so: three sets are few. What rounding hides is added to
both, as in :mod:`ncenet.compare.statistics`: two means that are equal to the digit prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ncenet.compare.predictions import Floats
from ncenet.compare.statistics import CONFIDENCE


@dataclass(frozen=True)
class Estimate:
    """Means over sets of means over seeds; arrays of one shape, nan where nothing can be said.

    Attributes:
        mean: of the means of the sets.
        low, high: ends of the 95 % interval over seeds, on these sets.
        sets_low, sets_high: ends of the 95 % interval over sets.
        sets: how many sets had a number.
        seeds: numbers in all.
    """

    mean: Floats
    low: Floats
    high: Floats
    sets_low: Floats
    sets_high: Floats
    sets: Floats
    seeds: Floats

    def at(self, index: int | tuple[int, ...]) -> tuple[float, float, float, float, float]:
        """Mean, interval over seeds, interval over sets of one entry."""
        fields = (self.mean, self.low, self.high, self.sets_low, self.sets_high)
        mean, low, high, sets_low, sets_high = (float(field[index]) for field in fields)
        return mean, low, high, sets_low, sets_high

    def of_shares(self) -> Estimate:
        """The same with the ends of the intervals in [0, 1], where the numbers are."""
        ends = {name: getattr(self, name).clip(0, 1) for name in ("low", "high", "sets_low", "sets_high")}
        return replace(self, **ends)


def estimate(values: Floats, *, step: Floats | float = 0.0) -> Estimate:
    """Means and intervals.

    Args:
        values: (..., D, S), nan where a trial is missing.
        step: (D,) the numbers are differences of multiples of it; see :mod:`ncenet.compare.statistics`.

    >>> found = estimate(np.array([[0.01, 0.03], [0.03, 0.05]]))
    >>> [round(float(end), 4) for end in (found.mean, found.low, found.high)]
    [0.03, -0.0004, 0.0604]
    """
    from scipy.special import stdtrit

    there = np.isfinite(values)
    n_D = there.sum(-1).astype(float)
    filled = np.where(there, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_D = filled.sum(-1) / n_D  # nan where a set has no number
        around = np.where(there, values - mean_D[..., None], 0.0)
        hidden_D = np.square(step) / 6 / n_D
        variance_D = np.square(around).sum(-1) / (n_D - 1) / n_D + hidden_D
        used = n_D > 0
        sets = used.sum(-1).astype(float)
        mean = np.where(used, mean_D, 0.0).sum(-1) / sets
        # A set with one seed shows no deviation: then there is no interval over seeds.
        total = np.where(used, variance_D, 0.0).sum(-1)
        parts = np.where(used, np.square(variance_D) / (n_D - 1), 0.0).sum(-1)
        freedom = np.where(total > 0, np.square(total) / np.where(parts > 0, parts, 1.0), 1.0)
        half = np.where(total > 0, stdtrit(freedom, (1 + CONFIDENCE) / 2), 0.0) * np.sqrt(total) / sets
        half = np.where(np.isfinite(total), half, np.nan)
        of_sets = np.where(used, mean_D - mean[..., None], 0.0)
        hidden = np.where(used, hidden_D, 0.0).sum(-1) / sets
        deviation = np.sqrt((np.square(of_sets).sum(-1) / (sets - 1) + hidden) / sets)
        many = sets > 1
        over = np.where(many, stdtrit(np.maximum(sets - 1, 1), (1 + CONFIDENCE) / 2) * deviation, np.nan)
    return Estimate(mean, mean - half, mean + half, mean - over, mean + over, sets, n_D.sum(-1))

"""What a few seeds can show, and what they cannot.

Two arms are compared by their paired differences: seed by seed, because runs of one seed share their
initial set, and most of what seeds differ in cancels. The number of a run is its mean accuracy over the
cycles, which is the area under its learning curve (a step for each cycle) in units of accuracy.

The interval is Student's, for the mean of n differences d with standard deviation s:
mean(d) +- t(.975, n - 1) s / sqrt(n). It stands for one pair of arms: among twenty arms that are all the
same, one is expected to come out as better or worse.

An accuracy is a count among N held-out images, so a few differences may be equal to the digit by chance, and
their deviation of zero would prove anything. What rounding to steps of 1/N hides is added to it: s^2 becomes
s^2 + (1/N)^2 / 6, the variance of two numbers that are rounded so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import hypot, sqrt
from statistics import fmean, stdev
from typing import Literal, TypeAlias

from ncenet.compare.heads import against_baseline
from ncenet.compare.records import Curve, Results

Verdict: TypeAlias = Literal["better", "worse", "alike", "unclear"]
Measure: TypeAlias = Literal["accuracy", "balanced_accuracy"]
"""What a curve is read by."""

CONFIDENCE = 0.95
POWER = 0.8
"""Chance that as many seeds as we say do show the difference, if it is real (ours; a common choice)."""

FREEDOM = 8.0
"""Degrees of freedom from which on a number of seeds that a deviation plans is right within a factor of two
in four cases of five (ours, by benchmarks/verdicts.py); below, none is said."""

RELEVANT = 0.005
"""Differences below half a point of accuracy are not worth more seeds, and arms whose whole interval lies
within it are alike (ours)."""


@dataclass(frozen=True)
class Spread:
    """Some numbers, one for each seed.

    Attributes:
        mean: their mean.
        deviation: their standard deviation (n - 1 in the denominator); None for one number.
        seeds: how many.
    """

    mean: float
    deviation: float | None
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Mean and deviation of at least one number.

        >>> Spread.of([0.5, 0.75, 1.0])
        Spread(mean=0.75, deviation=0.25, seeds=3)
        """
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class Difference:
    """How much better an arm is than its baseline, over the seeds that both have finished.

    Attributes:
        spread: of the paired differences of the mean over cycles; positive if the arm is better.
        low: lower end of the 95 % interval; None for one seed.
        high: upper end.
        pooled: deviation of such differences by all arms of the comparison, for :attr:`more_seeds`; None
            where there are no others.
        freedom: degrees of freedom behind it; None where there are no others.
        hidden: deviation that rounding hides in each difference, beside the spread's and the pooled one.
    """

    spread: Spread
    low: float | None
    high: float | None
    pooled: float | None = None
    freedom: float | None = None
    hidden: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What the interval says, see :func:`verdict_of`; ``"unclear"`` for one seed.

        >>> Difference(Spread(0.001, 0.003, 10), -0.001, 0.003).verdict
        'alike'
        """
        return "unclear" if self.low is None or self.high is None else verdict_of(self.low, self.high)

    @property
    def target(self) -> float:
        """The difference that is worth looking for: the one seen, but at least half a point."""
        return max(abs(self.spread.mean), RELEVANT)

    @property
    def more_seeds(self) -> int | None:
        """About how many more seeds would show a difference of :attr:`target`.

        0 only where the interval is narrow enough to show it. Where the arms together plan no more seeds and
        the interval of this pair is too wide all the same, its own deviation plans.

        None where too few seeds and arms say how much seeds differ: fewer than :data:`FREEDOM` degrees of
        freedom, which are nine seeds of two arms, or three of eight.
        """
        known = self.spread.seeds - 1 if self.freedom is None else self.freedom
        if self.spread.deviation is None or self.low is None or self.high is None or known < FREEDOM:
            return None
        deviation = self.spread.deviation if self.pooled is None else self.pooled
        more = seeds_to_show(self.target, hypot(deviation, self.hidden)) - self.spread.seeds
        if more <= 0 and (self.high - self.low) / 2 >= self.target:
            own = seeds_to_show(self.target, hypot(self.spread.deviation, self.hidden))
            return max(1, own - self.spread.seeds)
        return max(0, more)


def verdict_of(low: float, high: float) -> Verdict:
    """``"better"`` or ``"worse"`` if the 95 % interval of a difference leaves out zero.

    ``"alike"`` if it doesn't and all of it lies within half a point on either side (two one-sided tests,
    Schuirmann 1987, each at 2.5 %), else ``"unclear"``.

    Args:
        low: lower end, in accuracy; nan where there is no interval, which is unclear.
        high: upper end.

    >>> verdict_of(0.01, 0.02), verdict_of(-0.01, 0.02)
    ('better', 'unclear')
    """
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "alike" if -RELEVANT <= low <= high <= RELEVANT else "unclear"


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t distribution.

    Args:
        probability: in (0, 1).
        freedom: degrees of freedom, at least 1.

    >>> round(student_quantile(0.975, 2), 4)
    4.3027
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def paired_difference(arm: Sequence[float], baseline: Sequence[float], *, step: float = 0.0) -> Difference:
    """Compare two arms by numbers of the same seeds.

    Args:
        arm: one number for each seed.
        baseline: parallel to ``arm``.
        step: the numbers are multiples of it; see :attr:`ncenet.compare.records.Results.step`.

    Raises:
        ValueError: they are of different length, or empty.

    >>> difference = paired_difference([0.82, 0.85, 0.83], [0.80, 0.81, 0.80])
    >>> round(difference.spread.mean, 3), round(difference.low, 3), round(difference.high, 3)
    (0.03, 0.005, 0.055)
    >>> difference.verdict
    'better'
    """
    if not arm:
        raise ValueError("no seeds to compare")
    spread = Spread.of([a - b for a, b in zip(arm, baseline, strict=True)])
    if spread.deviation is None:
        return Difference(spread, None, None)
    half = student_quantile((1 + CONFIDENCE) / 2, spread.seeds - 1) * _error_of_mean(spread, step)
    return Difference(spread, spread.mean - half, spread.mean + half, hidden=_hidden(step))


def seeds_to_show(difference: float, deviation: float) -> int:
    """Seeds after which a real difference shows in four of five experiments.

    The smallest n with (t(.975, n - 1) + t(.8, n - 1)) s / sqrt(n) <= difference: the usual sample size of
    a paired t test. The deviation of a few seeds is a rough guess of s, and so is n.

    Args:
        difference: of the means, positive.
        deviation: s, the standard deviation of the paired differences.

    >>> seeds_to_show(difference=0.01, deviation=0.01)
    10
    """
    for n in count(2):
        quantiles = student_quantile((1 + CONFIDENCE) / 2, n - 1) + student_quantile(POWER, n - 1)
        if quantiles * deviation <= difference * sqrt(n):
            return n
    raise AssertionError("count() does not end")


def p_value(differences: Sequence[float], *, step: float = 0.0) -> float | None:
    """Two-sided p of a paired t test: how often equal arms would differ by as much, or more.

    Args:
        differences: one for each seed.
        step: they are differences of multiples of it.

    Returns:
        In [0, 1]; 1 if all differences are zero; None for fewer than two, which tell nothing.

    >>> round(p_value([0.02, 0.04, 0.03]), 3)
    0.035
    """
    from scipy.special import stdtr

    if len(differences) < 2:
        return None
    if not any(differences):
        return 1.0
    spread = Spread.of(differences)
    error = _error_of_mean(spread, step)
    return float(2 * stdtr(spread.seeds - 1, -abs(spread.mean) / error)) if error else 0.0


def _error_of_mean(differences: Spread, step: float) -> float:
    """Standard error of the mean of differences of numbers that are rounded to a step."""
    assert differences.deviation is not None
    return hypot(differences.deviation, _hidden(step)) / sqrt(differences.seeds)


def _hidden(step: float) -> float:
    """Deviation of the difference of two numbers that are rounded to a step, by the rounding alone."""
    return step / sqrt(6)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for so many tests: below .05, and one false alarm in twenty such families at most.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none is below the one before, nor
    above 1.

    Args:
        p_values: of the whole family.

    Returns:
        Corrected, in the order given.

    >>> holm([0.02, 0.01, 0.5])
    [0.04, 0.03, 0.5]
    """
    order = sorted(range(len(p_values)), key=lambda n: p_values[n])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, n in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[n]))
        corrected[n] = largest
    return corrected


def pooled_deviation(own: Spread, others: Sequence[Spread]) -> tuple[float | None, float]:
    """Deviation of paired differences, by those of other arms to the same one too; and degrees of freedom.

    Three seeds guess a deviation within a factor of two at best; arms of one comparison differ little in
    theirs. Variances are averaged by their degrees of freedom, those of others counting half, because the
    arm that all are held against is in all of them. For planning alone: no interval and no verdict reads it.

    Args:
        own: of the arm in question.
        others: of the others.

    Returns:
        None and 0 for one seed.

    >>> deviation, freedom = pooled_deviation(Spread(0.0, 0.01, 3), 2 * [Spread(0.0, 0.02, 3)])
    >>> round(deviation, 4), freedom
    (0.0158, 4.0)
    """
    if own.deviation is None:
        return None, 0.0
    weighed = [(1.0, own), *((0.5, other) for other in others if other.deviation)]
    freedom = sum(weight * (each.seeds - 1) for weight, each in weighed)
    total = sum(weight * (each.seeds - 1) * (each.deviation or 0.0) ** 2 for weight, each in weighed)
    return sqrt(total / freedom), freedom


def mean_over_cycles(curve: Curve, measure: Measure = "accuracy") -> float:
    """Mean of the accuracies of a curve, each cycle counting the same."""
    values: tuple[float, ...] = getattr(curve, measure)
    return fmean(values)


def per_cycle(curves: Mapping[int, Curve], measure: Measure = "accuracy") -> list[Spread]:
    """Accuracy of an arm over its seeds, cycle by cycle.

    Args:
        curves: by seed, all of one length.
        measure: which accuracy.
    """
    values = (getattr(curve, measure) for curve in curves.values())
    return [Spread.of(of_cycle) for of_cycle in zip(*values, strict=True)]


def difference(results: Results, arm: str, against: str, measure: Measure = "accuracy") -> Difference | None:
    """Compare two arms over the seeds that both have finished; None if there are none.

    Args:
        results: of the comparison.
        arm: the difference is positive if this one is better.
        against: the other one.
        measure: which accuracy.
    """
    pairs = results.paired(arm, against).values()
    if not pairs:
        return None
    return paired_difference(
        [mean_over_cycles(ours, measure) for ours, _ in pairs],
        [mean_over_cycles(theirs, measure) for _, theirs in pairs],
        step=results.step / len(results.labeled),
    )


def difference_to_baseline(results: Results, arm: str) -> Difference | None:
    """Compare an arm with the baseline over the seeds that both have finished; None if there are none.

    The deviations of the other arms help to plan, but for that of an oracle.
    """
    baseline = results.comparison.baseline_arm
    found = difference(results, arm, baseline)
    if found is None:
        return None
    names = [name for name in against_baseline(results.comparison) if name != arm]
    others = [other.spread for name in names if (other := difference(results, name, baseline)) is not None]
    deviation, freedom = pooled_deviation(found.spread, others)
    return replace(found, pooled=deviation, freedom=freedom)

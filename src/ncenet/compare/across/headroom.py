"""How much of what choosing could gain an arm does gain: its share of the oracle's headroom.

The share is r = (arm - random) / (oracle - random), of means over sets, with random the arm of the oracle's
head. Its interval is Fieller's (1954): all r for which the interval of (arm - random) - r (oracle - random),
a plain mean of paired numbers, holds zero, which are those between the roots of a quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncenet.compare.across.estimate import estimate
from ncenet.compare.across.table import Numbers
from ncenet.compare.heads import random_arm
from ncenet.compare.predictions import Floats

DESERVES = 0.95
"""An oracle is at or above every arm in so many cells, or it is called something else."""
SHARED = np.array([[1.0, 0.5], [0.5, 1.0]])
"""What rounding hides in (arm - random) and (oracle - random), of what it does in one: both hold random's."""


@dataclass(frozen=True)
class Headroom:
    """What there is to gain, and who gains how much of it.

    Attributes:
        oracle: name of the arm that reads test accuracy.
        random: name of the arm at the other end.
        gain: of the oracle over random, in accuracy: mean and ends of the interval over seeds.
        above: share of cells (set, cycle, seed) in which no arm is above the oracle; the first cycle is left
            out, and so are trials that no other arm has finished.
        cells: how many there are.
        arms: all others.
        shares: (A, 3) for each of them: share, ends of its interval over seeds; nan where there is none.
    """

    oracle: str
    random: str
    gain: tuple[float, float, float]
    above: float
    cells: int
    arms: tuple[str, ...]
    shares: Floats

    @property
    def deserved(self) -> bool:
        """Whether it may be called an oracle."""
        return self.above >= DESERVES


def headroom(of: Numbers) -> Headroom | None:
    """Read off the oracle's line.

    None without one, where no seed has finished it and random, and where nobody has chosen yet.
    """
    if of.oracle is None:
        return None
    random = random_arm(of.results[0].comparison, of.oracle)
    if random is None or random == of.oracle:
        return None
    best, chance = of.arms.index(of.oracle), of.arms.index(random)
    gains = np.moveaxis(of.mean - of.mean[..., [chance]], -1, 0)  # (A, D, S)
    step = of.step_of_mean
    found = estimate(gains[best], step=step)
    if np.isnan(found.mean):
        return None
    won, cells = 0, 0
    for table in of.accuracy:
        after = table[:, 1:].reshape(-1, len(of.arms))
        beside = np.delete(after, best, axis=1)
        both = np.isfinite(after[:, best]) & np.isfinite(beside).any(1)
        rest = np.where(np.isnan(beside), -np.inf, beside).max(1)
        won, cells = won + int((after[:, best] >= rest)[both].sum()), cells + int(both.sum())
    if not cells:
        return None
    others = [a for a in range(len(of.arms)) if a not in (best, chance)]
    return Headroom(
        of.oracle,
        random,
        (float(found.mean), float(found.low), float(found.high)),
        won / cells,
        cells,
        tuple(of.arms[a] for a in others),
        np.array([share_of_headroom(gains[a], gains[best], step) for a in others]).reshape(-1, 3),
    )


def share_of_headroom(gain_DS: Floats, whole_DS: Floats, step_D: Floats) -> Floats:
    """Share and ends of its interval, (3,).

    With g = arm - random and w = oracle - random, the means over sets, their error V, and the quantile t at
    the degrees of freedom that g - r w has at the share r = g / w, the ends are the roots of
    (g - r w)^2 = t^2 (V_gg - 2 r V_gw + r^2 V_ww).

    Args:
        gain_DS: (arm - random) of each set and seed, nan where a trial is missing.
        whole_DS: (oracle - random), likewise.
        step_D: the numbers of each set are multiples of it.

    Returns:
        All nan where the oracle is not ahead of random; no ends where it is not clearly ahead.
    """
    both_2DS = np.where(np.isfinite(gain_DS) & np.isfinite(whole_DS), np.stack([gain_DS, whole_DS]), np.nan)
    gain, whole = (float(mean) for mean in estimate(both_2DS).mean)
    if not whole > 0:
        return np.full(3, np.nan)
    share = gain / whole
    rest = np.array([1.0, -share])
    step = step_D * np.sqrt(rest @ SHARED @ rest)
    found = estimate(np.tensordot(rest, both_2DS, 1), step=step)
    half = float(found.high - found.mean)
    if np.isnan(half):
        return np.array([share, np.nan, np.nan])
    error_22 = _error_of_means(both_2DS, step_D)
    error = float(rest @ error_22 @ rest)
    error_22 *= half**2 / error if error else 0.0  # now t^2 V
    square, middle = whole**2 - error_22[1, 1], gain * whole - error_22[0, 1]
    if square <= 0:
        return np.array([share, np.nan, np.nan])
    root = np.sqrt(max(0.0, middle**2 - square * (gain**2 - error_22[0, 0])))
    return np.array([share, (middle - root) / square, (middle + root) / square])


def _error_of_means(both_2DS: Floats, step_D: Floats) -> Floats:
    """Variances and covariance (2, 2) of two means over sets of means over seeds, two a set at least."""
    errors = []
    for set_2S, step in zip(both_2DS.swapaxes(0, 1), step_D, strict=True):
        there = set_2S[:, np.isfinite(set_2S[0])]
        if there.size:
            errors.append((np.cov(there) + step**2 / 6 * SHARED) / there.shape[1])
    error: Floats = np.sum(errors, axis=0) / len(errors) ** 2
    return error

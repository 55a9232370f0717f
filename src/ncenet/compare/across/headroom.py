"""How much of what choosing could gain an arm does gain: its share of the oracle's headroom.

The share is r = (arm - random) / (oracle - random), of means over sets, with random the arm of the oracle's
head. Its interval is Fieller's (1954) way round: all r for which the interval of
(arm - random) - r (oracle - random), a plain mean of paired numbers, holds zero.
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
GRID = np.linspace(-3, 3, 1201)
"""Shares that are tried; an interval that reaches an end is none."""


@dataclass(frozen=True)
class Headroom:
    """What there is to gain, and who gains how much of it.

    Attributes:
        oracle: name of the arm that reads test accuracy.
        random: name of the arm at the other end.
        gain: of the oracle over random, in accuracy: mean and ends of the interval over seeds.
        above: share of cells (set, cycle, seed) in which no arm is above the oracle; the first cycle is left
            out.
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
        after = after[np.isfinite(after[:, best])]
        rest = np.where(np.isnan(after), -np.inf, after).max(1)
        won, cells = won + int((after[:, best] >= rest).sum()), cells + len(after)
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
    """Share and ends of its interval, (3,); nan where the oracle is not ahead of random, or not clearly."""
    both = np.where(np.isfinite(whole_DS), gain_DS, np.nan)
    whole = np.where(np.isfinite(both), whole_DS, np.nan)
    mean, of_whole = float(estimate(both).mean), float(estimate(whole).mean)
    if not of_whole > 0:
        return np.full(3, np.nan)
    share = mean / of_whole
    tried = estimate(both - GRID[:, None, None] * whole, step=step_D)
    with np.errstate(invalid="ignore"):
        kept = np.flatnonzero((tried.low <= 0) & (tried.high >= 0))
    if not len(kept) or kept[0] == 0 or kept[-1] == len(GRID) - 1:
        return np.array([share, np.nan, np.nan])
    return np.array([share, GRID[kept[0]], GRID[kept[-1]]])

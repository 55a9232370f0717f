"""What was queried: how evenly over the classes, and how much of it other strategies queried too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from math import log
from statistics import fmean

import numpy as np

from ncenet.compare.records import Results, RunResults
from ncenet.compare.statistics import Spread
from ncenet.rng import Streams

DRAWS = 10
"""Pairs of random runs whose overlap is averaged where each cycle scores a subset (ours): within a point."""


@dataclass(frozen=True)
class Overlap:
    """How much of what two arms queried is the same.

    Attributes:
        jaccard: images that both queried over images that either did, in [0, 1]; mean over seeds.
        chance: of two arms that pick at random from the same pool, expected; None where its size is unknown.
        seeds: that both have finished.
    """

    jaccard: float
    chance: float | None
    seeds: int


def evenness(counts: Mapping[str, int], classes: Iterable[str]) -> float | None:
    """Entropy of the class distribution over its largest value: 1 if all classes are equally many.

    H = -sum_c q_c log q_c / log C, with the share q_c of class c among C classes.

    Args:
        counts: images by class.
        classes: all that there are, also those without images.

    Returns:
        In [0, 1], 0 if all are of one class; None without images, or with fewer than two classes.

    >>> evenness({"cat": 5, "dog": 5}, ["cat", "dog"]), evenness({"cat": 5}, ["cat", "dog"])
    (1.0, 0.0)
    """
    classes = set(classes) | set(counts)
    total = sum(counts.values())
    if total == 0 or len(classes) < 2:
        return None
    shares = [n / total for n in counts.values() if n]
    return max(0.0, -sum(q * log(q) for q in shares)) / log(len(classes))


def evenness_of_arm(results: Results, arm: str, classes: Iterable[str]) -> Spread | None:
    """Evenness of what an arm queried, over its finished seeds; None where nothing was queried."""
    classes = list(classes)
    values = [evenness(results.runs[arm, seed].queried_per_class, classes) for seed in results.curves(arm)]
    known = [value for value in values if value is not None]
    return Spread.of(known) if known else None


def queried_until(run: RunResults, labeled: int) -> frozenset[str]:
    """Ids that a run has queried by the time it had so many labels, the initial set apart."""
    return frozenset(id for cycle in run.cycles if cycle.labeled < labeled for id in cycle.queried)


def jaccard(one: Set[object], other: Set[object]) -> float:
    """Size of the intersection over size of the union; 1 for two empty sets.

    >>> jaccard({"a", "b"}, {"b", "c"})
    0.3333333333333333
    """
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def chance_overlap(pool: int, queried: int) -> float:
    """Jaccard overlap expected of two random draws: k = q^2 / N images in common, of 2 q - k.

    Args:
        pool: N, images to choose from.
        queried: q, images in each draw.

    >>> round(chance_overlap(pool=100, queried=50), 4)
    0.3333
    """
    common = queried**2 / pool
    return common / (2 * queried - common)


@cache
def chance_overlap_in_subsets(pool: int, sizes: tuple[int, ...], subset: int, seed: int) -> float:
    """Jaccard overlap expected of two random draws, each cycle from a random subset of what is left.

    Runs of one seed draw the same places of their pools, which hold the same images in the first cycle and
    others from then on, as the two have labelled others. So it is played through, :data:`DRAWS` times.

    Args:
        pool: images to choose from in the first cycle.
        sizes: of the query of each cycle.
        subset: images that are scored in each.
        seed: of the runs, which draws the subsets.

    >>> chance_overlap_in_subsets(pool=1000, sizes=(20,), subset=20, seed=0)
    1.0
    """
    streams = Streams(seed)
    rng = streams.numpy("query")

    def draw() -> set[int]:
        left = np.arange(pool)
        for cycle, size in enumerate(sizes, start=1):
            places = np.arange(len(left))
            if subset < len(left):
                places = streams.numpy("subset", cycle).choice(len(left), subset, replace=False)
            left = np.delete(left, rng.choice(places, size, replace=False))
        return set(range(pool)) - set(left.tolist())

    return fmean(jaccard(draw(), draw()) for _ in range(DRAWS))


def overlap(results: Results, one: str, other: str, labeled: int | None = None) -> Overlap | None:
    """Overlap of what two arms have queried at equal numbers of labels.

    Args:
        results: of the comparison.
        one: an arm.
        other: another.
        labeled: size of the labelled set. Default: the largest.

    Returns:
        Mean over the seeds that both have finished; None if there are none, or nothing was queried.
    """
    seeds = results.paired(one, other).keys()
    if not seeds:
        return None
    until = results.labeled[-1] if labeled is None else labeled
    values, chances = [], []
    for seed in seeds:
        runs = results.runs[one, seed], results.runs[other, seed]
        first, second = (queried_until(run, until) for run in runs)
        if not first or not second:
            return None
        values.append(jaccard(first, second))
        if (chance := _chance(runs[0], until)) is not None:
            chances.append(chance)
    return Overlap(fmean(values), fmean(chances) if chances else None, len(seeds))


def _chance(run: RunResults, until: int) -> float | None:
    """Overlap expected of what a run has queried by so many labels; None where the pool is not known."""
    asked = [cycle for cycle in run.cycles if cycle.queried and cycle.labeled < until]
    pool, subset = run.cycles[0].pool, run.recipe.loop.pool_subset
    if pool is None:
        return None
    sizes = tuple(len(cycle.queried) for cycle in asked)
    if subset is None or subset >= pool:
        return chance_overlap(pool, sum(sizes))
    return chance_overlap_in_subsets(pool, sizes, subset, run.recipe.loop.seed)

"""The bootstrap over seeds and test images: how the difference would vary with other seeds and other images.

Student's interval takes the test images as given. Here both are drawn again, with replacement: the seeds,
and the images, the same images for all seeds, because all runs are tested on the same ones. For
differences D (S seeds, N images), each the difference of the shares of cycles in which two networks were
right, a replicate is the mean of D over the drawn rows and columns, and the interval holds the middle 95 %
of the replicates.

The variance that resampling S seeds shows is too small by the factor (S - 1) / S, and nothing is added for
how little a few seeds say of it. With few seeds the interval is too narrow, so Student's, which knows that,
decides the verdict. With one seed the images alone
are drawn. Where seeds are tested on images of their own, as when ``loop.held_out`` draws them from the pool,
there is no such table: what images do is part of what seeds differ in, and Student's interval holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ncenet.compare.predictions import Floats
from ncenet.compare.records import Results
from ncenet.compare.statistics import CONFIDENCE
from ncenet.errors import DataError
from ncenet.rng import Streams

K = TypeVar("K")

REPLICATES = 2000
"""Replicates of a bootstrap (ours): the ends of the interval are the 50th from either side."""
_AT_A_TIME = 200
"""Replicates that are held in memory together: 16 MB for 10,000 images."""


@dataclass(frozen=True)
class Interval:
    """Where the middle 95 % of the replicates lie.

    Attributes:
        low: lower end.
        high: upper end.
        seeds: that were drawn; 1 means that the images alone were.
        images: that were drawn.
    """

    low: float
    high: float
    seeds: int
    images: int


def bootstrap(
    differences: Mapping[K, Floats], rng: np.random.Generator, *, replicates: int = REPLICATES
) -> dict[K, Interval]:
    """Intervals of the means of some tables of differences, over the same draws of images.

    Args:
        differences: tables (S, N): a row for each seed, a column for each image; those of one N are of the
            same images.
        rng: draws.
        replicates: how many.

    >>> even = np.full((3, 8), 0.25)
    >>> bootstrap({"even": even}, np.random.default_rng(0), replicates=50)["even"]
    Interval(low=0.25, high=0.25, seeds=3, images=8)
    """
    if not differences:
        return {}
    sizes = sorted({table.shape[1] for table in differences.values()})
    means: dict[K, list[Floats]] = {key: [] for key in differences}
    for start in range(0, replicates, _AT_A_TIME):
        count = min(_AT_A_TIME, replicates - start)
        weights = {images: _weights(images, count, rng) for images in sizes}
        for key, table_SN in differences.items():
            seeds_SR = _weights(len(table_SN), count, rng)
            means[key].append(((table_SN @ weights[table_SN.shape[1]]) * seeds_SR).sum(0))
    tail = 100 * (1 - CONFIDENCE) / 2
    intervals = {}
    for key, parts in means.items():
        low, high = np.percentile(np.concatenate(parts), [tail, 100 - tail])
        intervals[key] = Interval(float(low), float(high), *differences[key].shape)
    return intervals


def bootstrap_differences(results: Results, pairs: Mapping[str, str]) -> dict[str, Interval]:
    """Intervals of the differences between arms.

    Args:
        results: of the comparison.
        pairs: arm -> the arm that it is held against.

    Returns:
        By arm; without those that share no finished seed with their partner, those whose tests kept no class
        for each image, and those whose seeds were tested on images of their own.

    Raises:
        DataError: runs of one seed were tested on different images.
    """
    tables = {
        arm: table
        for arm, against in pairs.items()
        if (table := image_differences(results, arm, against)) is not None
    }
    return bootstrap(tables, Streams(0).numpy("bootstrap"))


def image_differences(results: Results, arm: str, against: str) -> Floats | None:
    """Differences (S, N) of the shares of cycles in which each image was predicted rightly.

    Args:
        results: of the comparison.
        arm: positive where this one was right more often.
        against: the other one.

    Returns:
        A row for each seed that both have finished; None if there is none, where tests kept no class for
        each image, and where seeds were tested on images of their own, which have no common columns.

    Raises:
        DataError: runs of one seed were tested on different images.
    """
    rows, tested = [], set()
    for seed in results.paired(arm, against):
        one, other = results.runs[arm, seed].predicted, results.runs[against, seed].predicted
        if one is None or other is None:
            return None
        if one.ids != other.ids:
            raise DataError(f"{arm} and {against}, seed {seed}: tested on different images: no comparison")
        rows.append(one.right - other.right)
        tested.add(one.ids)
    return np.stack(rows) if len(tested) == 1 else None


def tests_differ(results: Results) -> bool:
    """Whether finished runs were tested on different images, as far as their tests have kept them."""
    finished = (
        results.runs[arm.name, seed] for arm in results.comparison.arms for seed in results.curves(arm.name)
    )
    return len({run.predicted.ids for run in finished if run.predicted is not None}) > 1


def _weights(n: int, count: int, rng: np.random.Generator) -> Floats:
    """Shares (n, count) of n things in draws of n with replacement; each column sums to 1."""
    drawn = rng.integers(n, size=(n, count)) + n * np.arange(count)
    return np.bincount(drawn.ravel(), minlength=n * count).reshape(count, n).T / n

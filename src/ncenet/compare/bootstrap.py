"""The bootstrap over seeds and test images: how the difference would vary with other seeds and other images.

Student's interval takes the test images as given. Here both are drawn again, with replacement: the seeds,
and the images, the same images for all seeds, because all runs are tested on the same ones. For
differences D (S seeds, N images), each the difference of the shares of cycles in which two networks were
right, a replicate is the mean of D over the drawn rows and columns, and the interval holds the middle 95 %
of the replicates.

The variance that resampling S seeds shows is too small by the factor (S - 1) / S, and nothing is added for
how little a few seeds say of it. With few seeds the interval is too narrow, so Student's, which knows that,
decides the verdict. With one seed the images alone
are drawn.
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
        differences: tables (S, N): a row for each seed, a column for each image, the same N in all.
        rng: draws.
        replicates: how many.

    >>> even = np.full((3, 8), 0.25)
    >>> bootstrap({"even": even}, np.random.default_rng(0), replicates=50)["even"]
    Interval(low=0.25, high=0.25, seeds=3, images=8)
    """
    if not differences:
        return {}
    (images,) = {table.shape[1] for table in differences.values()}
    means: dict[K, list[Floats]] = {key: [] for key in differences}
    for start in range(0, replicates, _AT_A_TIME):
        count = min(_AT_A_TIME, replicates - start)
        weights_NR = _weights(images, count, rng)
        for key, table_SN in differences.items():
            seeds_SR = _weights(len(table_SN), count, rng)
            means[key].append(((table_SN @ weights_NR) * seeds_SR).sum(0))
    tail = 100 * (1 - CONFIDENCE) / 2
    intervals = {}
    for key, parts in means.items():
        low, high = np.percentile(np.concatenate(parts), [tail, 100 - tail])
        intervals[key] = Interval(float(low), float(high), len(differences[key]), images)
    return intervals


def bootstrap_differences(
    results: Results, pairs: Mapping[str, str], *, replicates: int = REPLICATES
) -> dict[str, Interval]:
    """Intervals of the differences between arms.

    Args:
        results: of the comparison.
        pairs: arm -> the arm that it is held against.
        replicates: of the bootstrap.

    Returns:
        By arm; without those that share no finished seed with their partner, and without those whose tests
        kept no class for each image.

    Raises:
        DataError: runs were tested on different images.
    """
    tables = {
        arm: table
        for arm, against in pairs.items()
        if (table := image_differences(results, arm, against)) is not None
    }
    return bootstrap(tables, Streams(0).numpy("bootstrap"), replicates=replicates)


def image_differences(results: Results, arm: str, against: str) -> Floats | None:
    """Differences (S, N) of the shares of cycles in which each image was predicted rightly.

    Args:
        results: of the comparison.
        arm: positive where this one was right more often.
        against: the other one.

    Returns:
        A row for each seed that both have finished; None if there is none, or where tests kept no class for
        each image.

    Raises:
        DataError: runs were tested on different images.
    """
    ours, theirs = results.curves(arm), results.curves(against)
    rows = []
    ids: tuple[str, ...] | None = None
    for seed in (seed for seed in ours if seed in theirs):
        one, other = results.runs[arm, seed].predicted, results.runs[against, seed].predicted
        if one is None or other is None:
            return None
        ids = one.ids if ids is None else ids
        if not one.ids == other.ids == ids:
            raise DataError(f"{arm} and {against}, seed {seed}: tested on different images: no comparison")
        rows.append(one.right - other.right)
    return np.stack(rows) if rows else None


def _weights(n: int, count: int, rng: np.random.Generator) -> Floats:
    """Shares (n, count) of n things in draws of n with replacement; each column sums to 1."""
    drawn = rng.integers(n, size=(n, count)) + n * np.arange(count)
    return np.bincount(drawn.ravel(), minlength=n * count).reshape(count, n).T / n

"""When a model may choose, and when to stop.

All of it is read off the held-out images. What a model is unsure of says something once
it has learned something; before that its queries are no better than chance, and often worse: it asks for
outliers. Typical images are the safer choice until then.

The learning curve is extrapolated by a power law, accuracy = a - b / n^c, fitted by least squares. Its
interval comes from resampling: the held-out images are drawn anew with replacement, all points of the curve
move with them, and what the law left over is added as noise, so that a curve that jumps promises little.
The law's own ceiling a may lie above 1, so neither the gain nor its interval goes beyond what is missing from
the last measured accuracy to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from ncenet.rng import Streams
from ncenet.run.folder import CycleFolder
from ncenet.run.record_files import read_predicted, read_test
from ncenet.run.records import BoxTest

CONFIDENCE_Z = 1.959964
"""97.5 % quantile of the normal distribution: intervals are of 95 %."""
LABELS_PER_CLASS = 10
"""Without held-out images, a model counts as trusted from so many labelled images per class on (ours)."""
ONE_HIT = 1 / 11
"""What a detector earns by 11 points that is right about one of many objects of each class, first of all."""
LEAST_POINTS = 4
"""A law of three parameters goes through any three points, whatever they are worth."""
DRAWS = 400
EXPONENTS = np.linspace(0.1, 1.5, 15)
"""Candidates for c (ours): measured learning curves lie within."""


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share, in [0, 1].

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.

    Args:
        right: successes.
        total: trials, at least one.

    >>> [round(bound, 3) for bound in wilson(30, 40)]
    [0.598, 0.858]
    """
    share, z = right / total, CONFIDENCE_Z
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def trusted(truth: Sequence[str], predicted: Sequence[str], *, labeled: int, classes: int) -> bool:
    """Whether the classifier may choose what is labelled next (ours).

    With held-out images: when the lower end of the 95 % interval of its accuracy on them lies above what
    always naming their commonest class would score. Without: from ten labels per class on.

    Args:
        truth: labels of the held-out images.
        predicted: what the classifier says of them.
        labeled: L, how many labels it learned from.
        classes: C.

    >>> trusted(["cat", "dog"] * 20, ["cat", "dog"] * 20, labeled=20, classes=2)
    True
    >>> trusted(["cat"] * 38 + ["dog"] * 2, ["cat"] * 40, labeled=20, classes=2)
    False
    """
    if not truth:
        return labeled >= LABELS_PER_CLASS * classes
    right = sum(a == b for a, b in zip(truth, predicted, strict=True))
    commonest = Counter(truth).most_common(1)[0][1]
    return wilson(right, len(truth))[0] > commonest / len(truth)


def trusted_detector(interval: tuple[float, float] | None, *, labeled: int, classes: int) -> bool:
    """Whether the detector may choose what is labelled next (ours).

    With held-out images that hold an object: when the lower end of the 95 % interval of its mAP on them lies
    above what one lucky hit for each class would earn. Without: from ten labelled images per class on.

    Args:
        interval: of the mAP by 11 points, in [0, 1]; None without held-out images.
        labeled: L, how many images it learned from.
        classes: C.

    >>> trusted_detector((0.12, 0.3), labeled=10, classes=3)
    True
    >>> trusted_detector((0.0, 0.3), labeled=99, classes=3)
    False
    """
    if interval is None:
        return labeled >= LABELS_PER_CLASS * classes
    return interval[0] > ONE_HIT


def trusted_by_records(files: CycleFolder, *, labeled: int, classes: int) -> bool:
    """The same of a model that was tested before, by the files of its cycle.

    Args:
        files: of the cycle.
        labeled: L, how many labels it learned from.
        classes: C.
    """
    tested = read_test(files)
    if isinstance(tested, BoxTest):
        return trusted_detector(tested.mAP_interval, labeled=labeled, classes=classes)
    told = [(row.label, row.predicted) for row in read_predicted(files) or () if row.label is not None]
    truth, said = [label for label, _ in told], [guess for _, guess in told]
    return trusted(truth, said, labeled=labeled, classes=classes)


@dataclass(frozen=True)
class Outlook:
    """What further labels should bring.

    Attributes:
        labels: how many further ones.
        gain: in accuracy, in [0, 1 - the last measured accuracy], and so are its ends.
        low: lower end of the 95 % interval.
        high: its upper end.
    """

    labels: int
    gain: float
    low: float
    high: float


def outlook(labeled: Sequence[int], right: npt.NDArray[np.bool_], *, labels: int = 100) -> Outlook | None:
    """Extrapolate the learning curve.

    Args:
        labeled: sizes of the labelled set, rising; T of them.
        right: (T, N), whether each model is right on each held-out image.
        labels: how many further labels.

    Returns:
        None while there are fewer than four points, or no held-out images.

    >>> curve = np.arange(100) < np.array([[40], [60], [70], [75]])
    >>> found = outlook([25, 50, 100, 200], curve)
    >>> found.low <= found.gain <= found.high, 0 < found.gain < 0.1
    (True, True)
    """
    if len(labeled) < LEAST_POINTS or right.shape[1] == 0:
        return None
    sizes = np.asarray(labeled, float)
    gain, left_over = _gain(sizes, right.mean(1)[None], labels)
    random = Streams(0).numpy("outlook", len(labeled), right.shape[1])
    images = random.integers(0, right.shape[1], (DRAWS, right.shape[1]))
    accuracies = right[:, images].mean(2).T
    freedom = len(labeled) - 3  # the law has three parameters
    noise = float(np.sqrt((left_over[0] ** 2).sum() / freedom))
    accuracies = accuracies + noise * random.standard_normal(accuracies.shape)
    gains, _ = _gain(sizes, accuracies, labels)
    low, high = np.quantile(gains, [0.025, 0.975])
    room = 1 - float(right[-1].mean())
    best, low, high = (min(room, float(one)) for one in (gain[0], low, high))
    return Outlook(labels, best, min(best, low), max(best, high))


def _gain(
    sizes: npt.NDArray[np.float64], accuracies: npt.NDArray[np.float64], labels: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Gain (S,) of S curves of T points, and what the law leaves over (S, T)."""
    best = np.full(len(accuracies), np.inf)
    gain = np.zeros(len(accuracies))
    left_over = np.zeros_like(accuracies)
    centred = accuracies - accuracies.mean(1, keepdims=True)
    for c in EXPONENTS:
        x = sizes**-c
        spread = x - x.mean()
        # A curve never falls by more labels: b >= 0.
        b = np.maximum(0.0, -(centred @ spread) / (spread @ spread))
        rest = centred + b[:, None] * spread
        error = (rest**2).sum(1)
        better = error < best
        best = np.where(better, error, best)
        step = sizes[-1] ** -c - (sizes[-1] + labels) ** -c
        gain = np.where(better, b * step, gain)
        left_over = np.where(better[:, None], rest, left_over)
    return gain, left_over

"""When a model can be trusted to choose.

What a model is unsure of says something once it has learned something; before that, its queries are no better
than chance, and often worse: it asks for outliers. Typical images are the safer choice until then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

from ncenet.files import read_csv

CONFIDENCE_Z = 1.959964
"""97.5 % quantile of the normal distribution: intervals are of 95 %."""
LABELS_PER_CLASS = 10
"""Without held-out images, a model counts as trusted from so many labelled images per class on (ours)."""
ONE_HIT = 1 / 11
"""What a detector earns by 11 points that is right about one of many objects of each class, first of all."""


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


def trusted_by_records(files: Path, *, labeled: int, classes: int) -> bool:
    """The same of a model that was tested before, by the files of its cycle.

    Args:
        files: folder of the cycle.
        labeled: L, how many labels it learned from.
        classes: C.
    """
    record = files / "test.json"
    tested = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    if tested.get("metric") == "mAP":
        return trusted_detector(tested.get("mAP_interval"), labeled=labeled, classes=classes)
    table = files / "test.csv"
    rows = read_csv(table)[1] if table.exists() else []
    return trusted(
        [truth for _, truth, _ in rows], [said for _, _, said in rows], labeled=labeled, classes=classes
    )

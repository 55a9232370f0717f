"""When a classifier can be trusted to choose.

What a model is unsure of says something once it has learned something; before that, its queries are no better
than chance, and often worse: it asks for outliers. Typical images are the safer choice until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt

CONFIDENCE_Z = 1.959964
"""97.5 % quantile of the normal distribution: intervals are of 95 %."""
LABELS_PER_CLASS = 10
"""Without held-out images, a classifier counts as trusted from so many labels per class on (ours)."""


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

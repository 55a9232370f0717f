"""Labels that look wrong: what a model that never saw them makes of them, held against each class's own rate.

The model is a ridge regression of the classes on the stored features, and what it says of an image is
computed without that image (leave one out, exactly: the residual over one minus the leverage; Allen, The
relationship between variable selection and data augmentation, Technometrics 1974). A class whose images are
hard has low likelihoods throughout, so each is held against the mean of its own (the thresholds of confident
learning: Northcutt et al., JAIR 2021). The nearest neighbours vote beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

NEIGHBOURS = 15
"""Images that vote (ours)."""
RIDGE = 0.1
"""Of unit features (ours)."""
SHARPNESS = 8.0
"""A regression's values lie within [0, 1]; their shares are those of its exponentials so often (ours)."""


def left_out_shares(
    features_LD: npt.NDArray[np.floating], targets: Sequence[int], classes: int
) -> npt.NDArray[np.float64]:
    """Shares (L, C) of the classes for each labelled image, by all the others.

    Args:
        features_LD: of length one.
        targets: class indices in [0, C).
        classes: C.
    """
    features = np.asarray(features_LD, np.float64)
    wanted = np.eye(classes)[list(targets)]
    kernel = features @ features.T + 1.0  # the 1 is a constant beside the features
    hat = np.linalg.solve(kernel + RIDGE * np.eye(len(kernel)), kernel)
    fitted, leverage = hat @ wanted, np.minimum(np.diag(hat), 0.999)[:, None]
    without = wanted - (wanted - fitted) / (1 - leverage)
    powers = np.exp(SHARPNESS * (without - without.max(1, keepdims=True)))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def votes(
    features_LD: npt.NDArray[np.floating], targets: Sequence[int], classes: int
) -> npt.NDArray[np.float64]:
    """Shares (L, C) of the classes among the nearest labelled images, each image itself left out.

    Args:
        features_LD: of length one.
        targets: class indices in [0, C).
        classes: C.
    """
    cosines = features_LD @ features_LD.T
    np.fill_diagonal(cosines, -2)
    k = min(NEIGHBOURS, len(cosines) - 1)
    nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if k else np.empty((len(cosines), 0), int)
    return np.asarray(np.eye(classes)[np.asarray(targets, int)[nearest]].mean(1))


def doubts(
    shares_LC: npt.NDArray[np.floating], votes_LC: npt.NDArray[np.floating], targets: Sequence[int]
) -> list[int]:
    """Rows whose label looks wrong, the worst first.

    A row is doubted when another class is likelier and above its own mean, and the given one below its own.
    The worst is the one whose given class has the least of both: likelihood and votes.

    Args:
        shares_LC: by a model that did not see the label.
        votes_LC: of the nearest images.
        targets: class indices in [0, C).

    >>> shares = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]])
    >>> doubts(shares, shares, [0, 0, 1, 1])
    [3]
    """
    given = np.asarray(targets, int)
    rows, classes = np.arange(len(given)), range(shares_LC.shape[1])
    own = np.array([shares_LC[given == c, c].mean() if (given == c).any() else 1.0 for c in classes])
    likelihood = shares_LC[rows, given]
    best = shares_LC.argmax(1)
    suspects = (best != given) & (likelihood < own[given]) & (shares_LC.max(1) >= own[best])
    support = likelihood + votes_LC[rows, given]
    order = np.argsort(np.where(suspects, support, np.inf), kind="stable")
    return [int(row) for row in order[: int(suspects.sum())]]


def some_of(rows: list[int], most: int, random: np.random.Generator) -> list[int]:
    """All rows, or as many as may be, drawn by chance and in their order.

    >>> random = np.random.default_rng(0)
    >>> len(some_of(list(range(9)), 4, random)), some_of([3, 5], 4, random)
    (4, [3, 5])
    """
    if len(rows) <= most:
        return rows
    return [rows[n] for n in sorted(random.permutation(len(rows))[:most].tolist())]

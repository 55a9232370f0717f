"""Groups of alike images, to be labelled at once: as pure as they have to be, and as hard as they may be.

A group holds images that the model takes for one class. Of each class the window of images is taken whose
expected purity, the mean share of the class, is just above a target: the surest images teach nothing, and
unsure ones have to be picked out by hand. What people picked out before says how much the shares promise.
Within a group the images that look most alike come first, so that strangers stand at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ncenet.ledger.again import Group

if TYPE_CHECKING:
    import numpy.typing as npt

LARGEST, LEAST = 32, 4
"""Images of a group (ours): a screen holds thirty-two, and fewer than four are as fast one by one."""
LEARNING, LEARNED = 0.75, 0.93
"""The purity that is aimed at (ours): first the model learns most from what has to be picked out, ..."""
LABELS_PER_CLASS = 40
"""... and from so many labels a class on the rest is to be done fast."""
LARGE = 0.5
"""Groups of this part of the largest's size count as large (ours)."""
PRIOR = 20.0
"""So many images are taken to have kept what was promised before any group was answered (ours)."""


@dataclass(frozen=True)
class Alike:
    """Images that may well be of one class.

    Attributes:
        ids: the images, those that look most alike first.
        label: the class that the model takes them for.
        purity: share of them that is expected to be of it, in [0, 1].
    """

    ids: tuple[str, ...]
    label: str
    purity: float


def purity_wanted(labels: int, classes: int) -> float:
    """The purity that groups are to have.

    >>> purity_wanted(100, 10), purity_wanted(400, 10)
    (0.75, 0.93)
    """
    return LEARNING if labels < LABELS_PER_CLASS * classes else LEARNED


def kept_ratio(past: Sequence[Group]) -> float:
    """What people left in groups over what was expected, in [0, 1.2]; 1 before any group.

    >>> kept_ratio([]), round(kept_ratio([Group(20, 9, 0.9)] * 2), 2)
    (1.0, 0.68)
    """
    kept = PRIOR + sum(group.kept for group in past)
    expected = PRIOR + sum(group.shown * group.purity for group in past)
    return min(1.2, kept / expected)


def alike(
    ids: Sequence[str],
    features_ND: npt.NDArray[np.floating],
    shares_NC: npt.NDArray[np.floating],
    class_names: Sequence[str],
    *,
    labeled: Sequence[int] = (),
    ratio: float = 1.0,
    count: int = 12,
    largest: int = LARGEST,
    pure: float = LEARNED,
) -> list[Alike]:
    """Groups out of images that nobody has answered, no image in two of them.

    Args:
        ids: N images.
        features_ND: of length one.
        shares_NC: calibrated likelihoods; rows sum to one.
        class_names: the C classes.
        labeled: how many labels each of the C classes has; of groups of some size that of the rarest comes
            first, for a model of easy classes alone learns nothing more.
        ratio: what shares promise is multiplied by this; see :func:`kept_ratio`.
        count: groups at most.
        largest: images of a group at most.
        pure: the purity that is aimed at.

    >>> shares = np.array([[0.99, 0.01]] * 5 + [[0.3, 0.7]] * 2)
    >>> [(group.label, len(group.ids)) for group in alike("abcdefg", np.ones((7, 1)), shares, ["x", "y"])]
    [('x', 5)]
    """
    best, top = shares_NC.argmax(1), shares_NC.max(1)
    left = np.ones(len(ids), bool)
    had = np.array(labeled, float) if len(labeled) else np.zeros(shares_NC.shape[1])
    found: list[Alike] = []
    while len(found) < count:
        windows = [
            window
            for c in range(shares_NC.shape[1])
            if len(window := _window(top, np.flatnonzero(left & (best == c)), ratio, largest, pure)) >= LEAST
        ]
        if not windows:
            break
        size = max(map(len, windows))
        large = [window for window in windows if len(window) >= LARGE * size]
        chosen = min(large, key=lambda window: (had[best[window[0]]], float(top[window].mean())))
        had[best[chosen[0]]] += len(chosen)
        left[chosen] = False
        centre = features_ND[chosen].mean(0)
        order = chosen[np.argsort(-(features_ND[chosen] @ centre), kind="stable")]
        purity = min(1.0, float(top[chosen].mean()) * ratio)
        found.append(Alike(tuple(ids[row] for row in order), class_names[best[chosen[0]]], purity))
    return found


def _window(
    top: npt.NDArray[np.floating], rows: npt.NDArray[np.intp], ratio: float, largest: int, pure: float
) -> npt.NDArray[np.intp]:
    """The least sure of some rows whose mean still reaches the target; the surest few if nothing does."""
    rows = rows[np.argsort(-top[rows], kind="stable")]
    size = min(largest, len(rows))
    if size == 0:
        return rows
    sums = np.concatenate([[0.0], np.cumsum(top[rows])])
    means = (sums[size:] - sums[:-size]) / size * ratio
    enough = np.flatnonzero(means >= pure)
    if len(enough):
        return rows[enough[-1] : enough[-1] + size]
    upto = np.flatnonzero(sums[1:] / np.arange(1, len(rows) + 1) * ratio >= pure)
    return rows[: int(upto[-1]) + 1] if len(upto) else rows[:0]

"""Groups of alike images, to be labelled at once: as pure as they have to be, and as hard as they may be.

A group holds images that the model takes for one class: of those that it asks for all of which it is sure
enough, or drawn by chance from the pool. The surest alone would teach nothing, and very unsure ones are
faster by themselves. What people crossed out before says how much the shares promise. The surest come first,
so that strangers stand at the end.
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
LEARNING, LEARNED = (0.7, 0.5), (0.9, 0.8, 0.65, 0.5)
"""Shares that an image has at least which is drawn by chance (ours), and those with which one makes do when
too few have them: at first the model learns most from what has to be crossed out, ..."""
ASKED = 0.7
"""Share that an image has at least which the model asks for (ours, by ``benchmarks/person.py``): groups are
faster from a third on, and from here on they have no more wrong labels than single answers."""
LABELS_PER_CLASS = 60
"""... and from so many labels a class on the rest is to be done fast (ours)."""
CHECKED = 20
"""Of so many answers that were given in groups one is asked for again by itself, ... (ours)"""
ENOUGH = 15
"""... up to so many; from there on one in three times as many, for their number makes the estimate good."""
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
        asked: whether they are those that the model needs most.
    """

    ids: tuple[str, ...]
    label: str
    purity: float
    asked: bool = False


def checks_due(answers: int) -> int:
    """How many of the answers that were given in groups are to have been asked for again.

    >>> [checks_due(answers) for answers in (0, 1, 40, 300, 1200)]
    [0, 1, 2, 15, 30]
    """
    if answers <= CHECKED * ENOUGH:
        return -(-answers // CHECKED)
    return ENOUGH + (answers - CHECKED * ENOUGH) // (3 * CHECKED)


def kept_ratio(past: Sequence[Group]) -> float:
    """What people left in groups over what was expected, in [0, 1.2]; 1 before any group.

    >>> kept_ratio([]), round(kept_ratio([Group(20, 9, 0.9)] * 2), 2)
    (1.0, 0.68)
    """
    kept = PRIOR + sum(group.kept for group in past)
    expected = PRIOR + sum(group.shown * group.purity for group in past)
    return min(1.2, kept / expected)


def alike_to(
    ids: Sequence[str],
    shares_NC: npt.NDArray[np.floating],
    class_names: Sequence[str],
    *,
    labeled: Sequence[int] = (),
    ratio: float = 1.0,
    largest: int = LARGEST,
    asked: Sequence[str] = (),
) -> Alike | None:
    """A group out of images that nobody has answered; None when there is none.

    Args:
        ids: N images.
        shares_NC: calibrated likelihoods; rows sum to one.
        class_names: the C classes.
        labeled: how many labels each of the C classes has. Of groups of some size that of the rarest comes
            first, for a model of easy classes alone learns nothing more.
        ratio: what shares promise is multiplied by this; see :func:`kept_ratio`.
        largest: images of a group at most.
        asked: what the model needs most, in that order. While it has few labels, groups of these come before
            all others.

    >>> shares = np.array([[0.99, 0.01]] * 4 + [[0.9, 0.1]] + [[0.3, 0.7]] * 2)
    >>> group = alike_to("abcdefg", shares, ["x", "y"], labeled=[70, 70])
    >>> sorted(group.ids), group.label, group.purity
    (['a', 'b', 'c', 'd', 'e'], 'x', 0.972)
    """
    if not len(ids):
        return None
    best, top = shares_NC.argmax(1), shares_NC.max(1) * ratio
    had = np.array(labeled, float) if len(labeled) else np.zeros(len(class_names))
    draw = np.random.default_rng(len(ids)).permutation(len(ids))
    learning = had.sum() < LABELS_PER_CLASS * len(class_names)
    row = {id: n for n, id in enumerate(ids)}
    wanted = np.array([row[id] for id in asked if id in row], int)
    tries = [(True, ASKED)] if learning and len(wanted) else []
    tries += [(False, least) for least in (LEARNING if learning else LEARNED)]
    for of_asked, least in tries:
        drawn = wanted if of_asked else draw
        drawn = drawn[top[drawn] >= least]
        groups = [group for c in range(len(class_names)) if len(group := drawn[best[drawn] == c]) >= LEAST]
        if groups:
            groups = [group[:largest] for group in groups]
            size = max(map(len, groups))
            large = [group for group in groups if len(group) >= LARGE * size]
            chosen = min(large, key=lambda group: (had[best[group[0]]], float(top[group].mean())))
            chosen = chosen[np.argsort(-top[chosen], kind="stable")]
            purity = round(min(1.0, float(top[chosen].mean())), 4)
            named = tuple(ids[row] for row in chosen), class_names[best[chosen[0]]]
            return Alike(*named, purity, of_asked)
    return None

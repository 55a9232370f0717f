"""Near copies: images of one moment, such as bursts and the frames of a video, told by their stored features.

Two images are near copies when hardly any direction lies between their features, and far less than between
an image and its nearest other one as a rule: in a set where everything looks alike, such as tiles of one
material, a small angle says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LARGEST = 0.03
"""One minus the cosine of near copies at most (ours). Of photographs of groceries, clothes and tiles that lie
so near, with :data:`PART`, hardly two in a hundred pairs are of two classes (docs/labelling.md)."""
PART = 0.25
"""So small a part at most of the median over all images of what lies between one and its nearest (ours)."""


def near_copies(
    features_ND: npt.NDArray[np.floating], nearest_NK: npt.NDArray[np.integer], alone: Collection[int] = ()
) -> npt.NDArray[np.int32]:
    """Of each image the row of the one that stands for it and its near copies; most stand for themselves.

    Whoever stands for others is a near copy of each of them, so a long video doesn't run together.

    Args:
        features_ND: of length one.
        nearest_NK: rows of the nearest images, the nearest first.
        alone: rows that stand for themselves whatever lies near; they are nobody's nearest.

    >>> features = np.array([[1, 0], [0.999, 0.04], [0, 1], [0.6, 0.8]])
    >>> near_copies(features, np.array([[1], [0], [3], [2]])).tolist()
    [0, 0, 2, 3]
    """
    count = len(features_ND)
    stands = np.arange(count, dtype=np.int32)
    if nearest_NK.shape[1] == 0:
        return stands
    rows = np.arange(count)
    apart = np.empty(nearest_NK.shape, np.float32)
    for k in range(nearest_NK.shape[1]):
        apart[:, k] = 1 - np.einsum("nd,nd->n", features_ND, features_ND[nearest_NK[:, k]])
    apart[list(alone)] = np.inf
    nearest = np.sort(apart.min(1))
    limit = min(LARGEST, PART * float(nearest[count // 2]))
    taken = np.zeros(count, bool)
    for row in rows[(apart <= limit).any(1)]:
        if not taken[row]:
            taken[row] = True
            others = [n for n in nearest_NK[row][apart[row] <= limit] if not taken[n]]
            taken[others], stands[others] = True, row
    return stands

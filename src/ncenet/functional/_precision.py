"""The precision that the maths is done in, whatever the caller trains in."""

from __future__ import annotations

import torch
from torch import Tensor

from ncenet.errors import NonFiniteScore

ROWS = 8192
"""Rows that are looked at a time."""
SPREAD = 1000
"""Rows whose medians tell the middle (ours)."""


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in float64 when that is what it is in.

    >>> at_least_float32(torch.tensor([1.0], dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def no_autocast(tensor: Tensor) -> torch.autocast:
    """A block in which matrix products keep their precision even when the caller is under autocast.

    A squared distance is a small difference of large products: eight bits of mantissa leave nothing of it.
    """
    return torch.autocast(tensor.device.type, enabled=False)


def middle(points_ND: Tensor) -> Tensor:
    """Where most of the points are, (D,): the median of each feature, of at most 1,000 rows evenly spread.

    Distances do not change when it is taken off all points, but a common offset would use up the digits of
    float32. The mean is no such place: a single point far from all others draws it away from them.

    >>> middle(torch.tensor([[1.0], [2.0], [4000000.0]]))
    tensor([2.])
    """
    some = at_least_float32(points_ND[:: max(1, -(-len(points_ND) // SPREAD))])
    if not len(some):
        return some.new_zeros(some.shape[1:])
    # The greatest of the lower half: torch's own median is not deterministic on a GPU, and sorting is slow.
    half = some.T.contiguous().topk((len(some) + 1) // 2, largest=False, sorted=False)
    return half.values.amax(1)


def check_squares(vectors: Tensor, name: str) -> None:
    """Refuse vectors (N, D) whose squared length is not finite in float32.

    Args:
        vectors: what to look at, a few thousand at a time.
        name: what they are, for the message.

    Raises:
        NonFiniteScore: there are some; says how many, and the first row.
    """
    bad = [~rows.float().square().sum(1).isfinite() for rows in vectors.split(ROWS)]
    rows = torch.cat(bad).nonzero().flatten().tolist() if bad else []
    if rows:
        raise NonFiniteScore(len(rows), f"row {rows[0]} of the {name}")

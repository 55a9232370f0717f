"""Information of a subset of the pool: how much of it the most informative images hold (Eq. 10 to 12).

Chain them: ``subset_information(normalized_information(information(probs)))``. A model whose information
is concentrated on few images gives a curve that rises early, and needs fewer labels.

Deviation: the logarithm is taken of the smallest normal number when a likelihood is 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ncenet.counts import count_of
from ncenet.functional._precision import at_least_float32


def information(probs: Tensor) -> Tensor:
    """Information of each image (Eq. 10), in nats: -log max_c p_c.

    Args:
        probs: (..., C) in [0, 1]; rows need not sum to one.

    Returns:
        (...) at least 0. A likelihood of 0 counts as the smallest normal number of its precision, so that no
        image weighs more than 87.4 nats in float32 (708.4 in float64) instead of infinitely much.

    >>> information(torch.tensor([[1.0, 0.5], [0.25, 0.125]]))
    tensor([-0.0000, 1.3863])
    """
    likeliest = at_least_float32(probs).amax(-1)
    return -likeliest.clamp_min(torch.finfo(likeliest.dtype).smallest_normal).log()


def normalized_information(information_N: Tensor) -> Tensor:
    """Share of each image in the information of the set (Eq. 11): I(x_i) / sum_i I(x_i).

    Args:
        information_N: (N,), at least 0, of the whole set.

    Returns:
        (N,) in [0, 1], sums to one.

    Raises:
        ValueError: the sum is 0 (every image is certain) or not finite: there is nothing to share.

    >>> normalized_information(torch.tensor([1.0, 3.0]))
    tensor([0.2500, 0.7500])
    """
    total = information_N.sum()
    if not (total.isfinite() and total > 0):
        raise ValueError(
            f"the information of {count_of(len(information_N), 'image')} sums to {float(total)}: must be > 0"
        )
    return information_N / total


def subset_information(normalized_N: Tensor) -> Tensor:
    """Information of the best subset of each size (Eq. 12): the sum over the M most informative images.

    Args:
        normalized_N: (N,), shares that :func:`normalized_information` gave.

    Returns:
        (N,), the sum over the M largest shares at index M - 1; rises, ever more slowly, to 1.

    >>> subset_information(torch.tensor([0.25, 0.5, 0.25]))
    tensor([0.5000, 0.7500, 1.0000])
    """
    return normalized_N.sort(descending=True).values.cumsum(0)

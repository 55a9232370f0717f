"""Soft k-means: prototypes that start where labels put them, and follow the images without one.

Each image without a label pulls at the prototype of a class by its likelihood times its share,

    w(x, c) = max_c' p(x, c') * softmax_c(s log p(x, c)),

so that one which every class rejects pulls at nobody. All of them together pull at a class at most ``weight``
times as strongly as its labels do, which hold their own prototype where it was.

Source: ours; the likelihoods are those of Eq. 6 and 7, the sharpness s that of the head's cross-entropy term.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

ROUNDS = 5
"""Rounds (ours): with fifteen classes begin to swallow each other."""


def soft_means(
    own_CD: Tensor,
    counts_C: Tensor,
    points_ND: Tensor,
    log_likelihood: Callable[[Tensor], Tensor],
    *,
    sharpness: float,
    weight: float,
    rounds: int = ROUNDS,
) -> Tensor:
    """Prototypes (C, D) that the points have moved.

    Args:
        own_CD: where labels put them.
        counts_C: labels of each class; a class without one stays where it is.
        points_ND: images without a label.
        log_likelihood: maps prototypes (C, D) to the log-likelihoods (N, C), at most 0, of the points.
        sharpness: s.
        weight: the points pull at a class at most so many times as strongly as its labels.
        rounds: of moving, each from likelihoods under the prototypes before.

    >>> points = torch.tensor([[1.0], [1.2], [9.0]])
    >>> def log_likelihood(prototypes): return -(points - prototypes.T).square() / 2
    >>> own, counts = torch.tensor([[0.8], [8.0]]), torch.tensor([1, 1])
    >>> soft_means(own, counts, points, log_likelihood, sharpness=4.0, weight=2.0)
    tensor([[0.9987],
            [8.4641]])
    """
    counts = counts_C.to(own_CD.dtype)[:, None]
    known = counts[:, 0] > 0
    moved = own_CD
    for _ in range(rounds):
        log_p = log_likelihood(moved)
        pull = log_p.amax(1, keepdim=True).exp() * (sharpness * log_p).softmax(1)
        scale = (weight * counts[:, 0] / pull.sum(0).clamp_min(1e-12)).clamp(max=1)
        pull = pull * scale
        means = (counts * own_CD + pull.T @ points_ND) / (counts[:, 0] + pull.sum(0)).clamp_min(1e-12)[
            :, None
        ]
        moved = torch.where(known[:, None], means, own_CD)
    return moved

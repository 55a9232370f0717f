"""The loss of NCE-Net (Eq. 5), stable at any distance and under autocast."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ncenet.functional._precision import at_least_float32

CLAMP = 1e-6
"""Least -log p in the term of the other classes: bounds that term at 13.8 and its slope at 1e6 (ours)."""


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - exp(-x)) for x > 0, without cancellation at either end.

    >>> log1mexp(torch.tensor([1e-6, 100.0])).round(decimals=4)
    tensor([-13.8155,  -0.0000])
    """
    small = x <= math.log(2)
    below = torch.log(-torch.expm1(-x))
    # Near 0 this branch is not chosen, but its slope is infinite, and 0 times that would come back as nan.
    above = torch.log1p(-torch.exp(-x.clamp_min(math.log(2))))
    return torch.where(small, below, above)


def nce_loss(log_likelihood: Tensor, targets: Tensor, *, reduction: Literal["sum", "mean"] = "sum") -> Tensor:
    """Eq. 5: binary cross entropy over the classes, one number per image.

    The leading minus of Eq. 5 covers both terms. With x = -log p, the term of the true class is x itself,
    so its gradient never vanishes; the term of every other class is -log(1 - e^-x).

    Args:
        log_likelihood: (..., C), log p, at most 0.
        targets: (...) class indices in [0, C).
        reduction: over classes: Eq. 5's sum, or the mean that the public reference implementation takes.

    Returns:
        (...) in float32 (float64 stays), at least 0.

    >>> nce_loss(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([0]))
    tensor([1.3863])
    """
    x = -at_least_float32(log_likelihood)
    target = targets.unsqueeze(-1)
    others = -log1mexp(x.clamp_min(CLAMP))
    # Eq. 5: y log p for the true class, (1 - y) log(1 - p) for the others.
    terms = others.scatter(-1, target, x.gather(-1, target))
    return terms.sum(-1) if reduction == "sum" else terms.mean(-1)


def nce_rank_loss(
    log_likelihood: Tensor, target: int, *, reduction: Literal["sum", "mean"] = "sum"
) -> Tensor:
    """Eq. 5 if every image were of one class, to rank by: in a quarter of the time, without gradient.

    1 - p is taken from p itself, which rounds it to 1e-7. So the loss of a likelihood within 1e-6 of one is
    right to a tenth, and that of others far better.

    Args:
        log_likelihood: (..., C), log p, at most 0.
        target: class index in [0, C).
        reduction: as in :func:`nce_loss`.

    Returns:
        (...) in float32 (float64 stays), at least 0.

    >>> nce_rank_loss(torch.tensor([[0.5, 0.5]]).log(), 0)
    tensor([1.3863])
    """
    with torch.no_grad():
        log_p = at_least_float32(log_likelihood)
        terms = -(1 - log_p.exp()).clamp_min(CLAMP).log()
        terms[..., target] = -log_p[..., target]
        return terms.sum(-1) if reduction == "sum" else terms.mean(-1)

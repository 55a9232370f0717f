"""Eq. 5, term by term."""

import math
from collections.abc import Sequence

CLAMP = 1e-6


def nce_loss(log_likelihoods: Sequence[float], target: int) -> float:
    """Of one image, summed over the classes."""
    loss = 0.0
    for c, log_p in enumerate(log_likelihoods):
        if c == target:
            loss -= log_p
        else:
            loss -= math.log(-math.expm1(-max(-log_p, CLAMP)))  # log(1 - p)
    return loss

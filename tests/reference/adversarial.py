"""VAAL's and SRAAL's formulas, number by number."""

import math
from collections.abc import Sequence


def negative_elbo(
    reconstruction: Sequence[float],
    inputs: Sequence[float],
    mean: Sequence[float],
    log_variance: Sequence[float],
    beta: float,
) -> float:
    """Of one image: -log N(x; reconstruction, 1) up to a constant, plus beta KL(N(mean, var) || N(0, 1))."""
    loss = 0.0
    for x_hat, x in zip(reconstruction, inputs, strict=True):
        loss += (x_hat - x) ** 2 / 2
    for mu, log_var in zip(mean, log_variance, strict=True):
        loss += beta * (mu**2 + math.exp(log_var) - log_var - 1) / 2
    return loss


def state_loss(logit: float, state: float) -> float:
    d = 1 / (1 + math.exp(-logit))
    return -state * math.log(d) - (1 - state) * math.log(1 - d)


def variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def state_uncertainty(probs: Sequence[float]) -> float:
    """The vector with the same maximum and an even rest is built, and its variance taken like the other."""
    largest = max(probs)
    rest = (1 - largest) / (len(probs) - 1)
    even = [largest] + [rest] * (len(probs) - 1)
    if variance(probs) == 0:
        return 1 - largest
    return 1 - largest * variance(even) / variance(probs)

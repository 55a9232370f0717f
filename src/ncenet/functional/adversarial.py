"""What VAAL and SRAAL minimise, and the uncertainty that SRAAL teaches its discriminator.

Sinha, Ebrahimi and Darrell, "Variational Adversarial Active Learning", ICCV 2019; Zhang et al.,
"State-Relabeling Adversarial Active Learning", CVPR 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ncenet.functional._precision import at_least_float32


def negative_elbo(
    reconstruction: Tensor, inputs: Tensor, mean: Tensor, log_variance: Tensor, *, beta: float = 1.0
) -> Tensor:
    """Loss of a beta-VAE with Gaussian outputs of variance 1: reconstruction plus beta times KL.

    Both terms are summed over their dimensions: nats an image. Summing KL over batch and dimensions while
    *averaging* the reconstruction, as the public VAAL code does, weighs KL far too heavily, and the latent
    collapses to the prior.

    Args:
        reconstruction: (B, ...).
        inputs: as ``reconstruction``.
        mean: (B, Z), mean of the posterior of the latent.
        log_variance: (B, Z), logarithm of its variances.
        beta: weight of the KL term.

    Returns:
        (B,) in float32 (float64 stays), at least 0.

    >>> zero = torch.zeros(1, 2)
    >>> negative_elbo(torch.tensor([[1.0, 2.0]]), zero, torch.tensor([[1.0, 0.0]]), zero)
    tensor([3.])
    """
    reconstruction, inputs = at_least_float32(reconstruction), at_least_float32(inputs)
    mean, log_variance = at_least_float32(mean), at_least_float32(log_variance)
    error = 0.5 * (reconstruction - inputs).square().flatten(1).sum(1)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    return error + beta * divergence


def state_loss(logits: Tensor, states: Tensor) -> Tensor:
    """How far the discriminator is from the states: binary cross entropy with soft targets.

    Args:
        logits: (B,), log odds of the discriminator.
        states: (B,) in [0, 1]: 0 of a labelled image; of the pool 1 (VAAL) or the uncertainty (SRAAL).

    Returns:
        (B,) in float32 (float64 stays), at least the entropy of the state.

    >>> state_loss(torch.tensor([0.0, 2.0]), torch.tensor([0.25, 1.0]))
    tensor([0.6931, 0.1269])
    """
    logits = at_least_float32(logits)
    return binary_cross_entropy_with_logits(logits, states.to(logits), reduction="none")


def state_uncertainty(probs: Tensor) -> Tensor:
    """SRAAL's uncertainty of a prediction: U = 1 - max p * minVar / Var(p).

    Var(p) is the variance of the C probabilities around their mean 1/C; minVar is that of the vector with the
    same maximum m and the rest shared out evenly, the least there can be: (m - 1/C)^2 / (C - 1). Both are
    population variances; the estimator cancels as long as it is one.

    Args:
        probs: (..., C) in [0, 1], C >= 2, rows that sum to one: normalise those of an NCE head first.

    Returns:
        (...) in [0, 1): 0 when one class has it all, 1 - 1/C when all are equally likely, and possibly more
        where a few classes share it.

    Raises:
        ValueError: there is only one class.

    >>> state_uncertainty(torch.tensor([[0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]))
    tensor([0.3304, 0.5000, 0.8750])
    """
    C = probs.shape[-1]
    if C < 2:
        raise ValueError(f"a variance compares classes: probs has shape {tuple(probs.shape)}, C must be >= 2")
    probs = at_least_float32(probs)
    largest = probs.amax(-1)
    variance = probs.var(-1, correction=0)
    least = (largest - 1 / C).square() / (C - 1)
    # All equal: 0 / 0, and the limit along the even rest is 1. Rounding above 1 is clamped.
    ratio = torch.where(variance == 0, 1.0, least / variance).clamp_max(1)
    return 1 - largest * ratio

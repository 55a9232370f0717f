"""From a feature to the likelihood of each class, by the nearest prototype (Eq. 4, 6, 7).

Everything stays in log space: far away from all prototypes ``exp`` underflows to 0 and would hand back no
gradient, while the log-likelihood falls on, smoothly. For reporting there is :func:`likelihoods`.

Paper symbols: f_x feature, m_{c,n} prototype, R_c rejection radius, delta the kernel.
Deviation: Eq. 6 is said to place an image in class c when its distance is *larger* than R_c. It is the
smaller distance that has the larger likelihood; at distance R_c it is exp(-1/2) = .607.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from ncenet.functional._precision import at_least_float32, no_autocast
from ncenet.recipe_head import FeatureMap

LEAST_LENGTH = 1e-6
"""What is shorter is divided by this (ours). Where a class lies on the mean of all vectors its prototype has
no length, and a gradient of one over 1e-12 led the next step to infinity."""
LEAST_LOG = -80.0
"""Log-likelihood of the nearest class of what is far from all (ours): float32 ends at -87."""


def apply_feature_map(vectors: Tensor, feature_map: FeatureMap) -> Tensor:
    """phi, applied to features and to prototypes before they meet.

    Args:
        vectors: (..., D).
        feature_map: ``"none"``; ``"scaled"`` divides by sqrt(D), which makes a squared distance the mean over
            dimensions; ``"l2"`` normalises to length 1; ``"sigmoid-l2"`` takes the sigmoid first, as the
            public reference implementation does.

    Returns:
        (..., D) in float32 (float64 stays).

    >>> import torch
    >>> apply_feature_map(torch.tensor([3.0, 4.0]), "l2")
    tensor([0.6000, 0.8000])
    """
    vectors = at_least_float32(vectors)
    match feature_map:
        case "none":
            return vectors
        case "scaled":
            return vectors / math.sqrt(vectors.shape[-1])
        case "l2":
            return normalize(vectors, dim=-1, eps=LEAST_LENGTH)
        case "sigmoid-l2":
            return normalize(vectors.sigmoid(), dim=-1)
    raise ValueError(f"no feature map {feature_map!r}")


def nearest_squared_distance(features: Tensor, prototypes: Tensor) -> Tensor:
    """Squared Euclidean distance to the nearest prototype of each class.

    The maximum over n of a falling kernel (Eq. 4) is the minimum over n of the distance.

    Args:
        features: (..., D).
        prototypes: (C, K, D).

    Returns:
        (..., C) in float32 (float64 stays), at least 0. Being a difference of squared norms it
        rounds to about 1e-7 of them.

    >>> import torch
    >>> nearest_squared_distance(torch.tensor([[0.0, 0.0]]), torch.tensor([[[3.0, 4.0], [0.0, 1.0]]]))
    tensor([[1.]])
    """
    C, K, D = prototypes.shape
    features, flat = at_least_float32(features), at_least_float32(prototypes).reshape(C * K, D)
    # |f - m|^2 = |f|^2 - 2 f.m + |m|^2: one matrix product instead of a (..., C, K, D) tensor.
    with no_autocast(features):
        cross = features @ flat.T
    squared = features.square().sum(-1, keepdim=True) - 2 * cross + flat.square().sum(-1)
    return squared.clamp_min(0).reshape(*squared.shape[:-1], C, K).amin(-1)


def gaussian_log_likelihood(squared_distance: Tensor, radius: Tensor) -> Tensor:
    """Eq. 6 in log space: log p = -d^2 / (2 R^2), at most 0.

    Args:
        squared_distance: (..., C).
        radius: (C,), positive.

    Returns:
        (..., C) in float32 (float64 stays).

    >>> import torch
    >>> gaussian_log_likelihood(torch.tensor([4.0]), torch.tensor([2.0])).exp()
    tensor([0.6065])
    """
    return -at_least_float32(squared_distance) / (2 * at_least_float32(radius).square())


def cosine_log_likelihood(features: Tensor, prototypes: Tensor, radius: Tensor) -> Tensor:
    """Eq. 7 in log space: log sigmoid(R_c max_n cos(f, m_{c,n})), below 0.

    Args:
        features: (..., D).
        prototypes: (C, K, D).
        radius: (C,), positive. Below 1 the likelihood never leaves [.27, .73]; about 10 is a good start.

    Returns:
        (..., C) in float32 (float64 stays).

    >>> import torch
    >>> prototypes = torch.tensor([[[3.0, 0.0]]])
    >>> cosine_log_likelihood(torch.tensor([0.0, 2.0]), prototypes, torch.tensor([10.0])).exp()
    tensor([0.5000])
    """
    C, K, D = prototypes.shape
    flat = normalize(at_least_float32(prototypes).reshape(C * K, D), dim=-1)
    features = at_least_float32(features)
    # The length is divided out after the product, where there are C K numbers and not D.
    length = features.norm(dim=-1, keepdim=True).clamp_min(LEAST_LENGTH)
    with no_autocast(features):
        cosine = (features @ flat.T) / length
    return logsigmoid(cosine.reshape(*cosine.shape[:-1], C, K).amax(-1) * at_least_float32(radius))


def likelihoods(log_p: Tensor) -> Tensor:
    """Likelihoods by their logarithms, so that every row tells its classes apart.

    Many radii from all prototypes, every likelihood of an image would round to 0 and no class stand out. Such
    a row is lifted until its largest is e^-80 (ours): ratios stay, and e^-80 is nothing to a score.

    Args:
        log_p: (..., C), finite.

    Returns:
        (..., C) in [0, 1] for log p at most 0.

    >>> likelihoods(torch.tensor([[-1.0, 0.0], [-5000.0, -5001.0]])).log()
    tensor([[ -1.,   0.],
            [-80., -81.]])
    """
    highest = log_p.amax(-1, keepdim=True)
    return torch.where(highest < LEAST_LOG, (log_p - highest) + LEAST_LOG, log_p).exp()

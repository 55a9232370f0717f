"""From a feature to the likelihood of each class, by the nearest prototype (Eq. 4, 6, 7).

Everything stays in log space: far away from all prototypes ``exp`` underflows to 0 and would hand back no
gradient, while the log-likelihood falls on, smoothly. ``exp`` is for reporting.

Paper symbols: f_x feature, m_{c,n} prototype, R_c rejection radius, delta the kernel.
Deviation: Eq. 6 is said to place an image in class c when its distance is *larger* than R_c. It is the
smaller distance that has the larger likelihood; at distance R_c it is exp(-1/2) = .607.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from ncenet.recipe import FeatureMap


def apply_feature_map(vectors: Tensor, feature_map: FeatureMap) -> Tensor:
    """phi, applied to features and to prototypes before they meet.

    Args:
        vectors: (..., D).
        feature_map: ``"none"``; ``"scaled"`` divides by sqrt(D), which makes a squared distance the mean over
            dimensions; ``"l2"`` normalises to length 1; ``"sigmoid-l2"`` takes the sigmoid first, as the
            public reference implementation does.

    Returns:
        (..., D) in float32 (float64 stays).

    >>> apply_feature_map(torch.tensor([3.0, 4.0]), "l2")
    tensor([0.6000, 0.8000])
    """
    vectors = vectors if vectors.dtype == torch.float64 else vectors.float()
    match feature_map:
        case "none":
            return vectors
        case "scaled":
            return vectors / vectors.shape[-1] ** 0.5
        case "l2":
            return normalize(vectors, dim=-1)
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
        (..., C), at least 0.

    >>> nearest_squared_distance(torch.tensor([[0.0, 0.0]]), torch.tensor([[[3.0, 4.0], [0.0, 1.0]]]))
    tensor([[1.]])
    """
    C, K, D = prototypes.shape
    flat = prototypes.reshape(C * K, D)
    # |f - m|^2 = |f|^2 - 2 f.m + |m|^2: one matrix product instead of a (..., C, K, D) tensor.
    cross = features @ flat.T
    squared = features.square().sum(-1, keepdim=True) - 2 * cross + flat.square().sum(-1)
    return squared.clamp_min(0).unflatten(-1, (C, K)).amin(-1)


def gaussian_log_likelihood(squared_distance: Tensor, radius: Tensor) -> Tensor:
    """Eq. 6 in log space: log p = -d^2 / (2 R^2), at most 0.

    Args:
        squared_distance: (..., C).
        radius: (C,), positive.

    >>> gaussian_log_likelihood(torch.tensor([4.0]), torch.tensor([2.0])).exp()
    tensor([0.6065])
    """
    return -squared_distance / (2 * radius.square())


def cosine_log_likelihood(features: Tensor, prototypes: Tensor, radius: Tensor) -> Tensor:
    """Eq. 7 in log space: log sigmoid(R_c max_n cos(f, m_{c,n})), below 0.

    Args:
        features: (..., D).
        prototypes: (C, K, D).
        radius: (C,), positive. Below 1 the likelihood never leaves [.27, .73]; about 10 is a good start.

    Returns:
        (..., C).
    """
    C, K, D = prototypes.shape
    flat = normalize(prototypes.reshape(C * K, D), dim=-1)
    cosine = (normalize(features, dim=-1) @ flat.T).unflatten(-1, (C, K)).amax(-1)
    return logsigmoid(cosine * radius)

"""What a prototype classifier adds to the kernels and to Eq. 5, number by number."""

import math
from collections.abc import Sequence

from tests.reference import kernels
from tests.reference.losses import nce_loss

Vector = Sequence[float]


def likelihoods(
    feature: Vector, prototypes: Sequence[Sequence[Vector]], radii: Vector, kernel: str, feature_map: str
) -> list[float]:
    """Of every class: both sides go through the feature map before they meet."""
    of_class = {"gaussian": kernels.gaussian_likelihood, "cosine": kernels.cosine_likelihood}[kernel]
    mapped = kernels.feature_map(feature, feature_map)
    return [
        of_class(mapped, [kernels.feature_map(m, feature_map) for m in of_one], radius)
        for of_one, radius in zip(prototypes, radii, strict=True)
    ]


def loss(log_likelihoods: Vector, target: int, cross_entropy: float) -> float:
    """(1 - w) Eq. 5 + w cross entropy, where the probability of a class goes with the fourth power of p."""
    powers = [math.exp(log_p) ** 4 for log_p in log_likelihoods]
    discriminative = -math.log(powers[target] / math.fsum(powers))
    return (1 - cross_entropy) * nce_loss(log_likelihoods, target) + cross_entropy * discriminative

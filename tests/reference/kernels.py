"""Eq. 4, 6 and 7, number by number."""

import math
from collections.abc import Sequence

Vector = Sequence[float]


def squared_distance(a: Vector, b: Vector) -> float:
    return math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def cosine(a: Vector, b: Vector) -> float:
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.hypot(*a) * math.hypot(*b))


def feature_map(vector: Vector, name: str) -> list[float]:
    match name:
        case "none":
            return list(vector)
        case "scaled":
            return [x / math.sqrt(len(vector)) for x in vector]
        case "l2":
            return [x / math.hypot(*vector) for x in vector]
        case "sigmoid-l2":
            return feature_map([1 / (1 + math.exp(-x)) for x in vector], "l2")
    raise ValueError(name)


def gaussian_likelihood(feature: Vector, prototypes: Sequence[Vector], radius: float) -> float:
    """Of one class: Eq. 4 takes the largest kernel (Eq. 6) over its prototypes."""
    return max(math.exp(-squared_distance(feature, m) / (2 * radius**2)) for m in prototypes)


def cosine_likelihood(feature: Vector, prototypes: Sequence[Vector], radius: float) -> float:
    """Of one class: the logistic function of the scaled cosine (Eq. 7)."""
    return max(1 / (1 + math.exp(-cosine(feature, m) * radius)) for m in prototypes)

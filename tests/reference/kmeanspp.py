"""k-means++ seeding of rank-one matrices: the matrices, and the probability of every outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference.kernels import Vector, squared_distance


def matrices(left: Sequence[Vector], right: Sequence[Vector]) -> list[list[float]]:
    """left_i right_i^T as a flat list of C x D numbers, for each i."""
    return [[a * f for a in row for f in column] for row, column in zip(left, right, strict=True)]


def probabilities(points: Sequence[Vector], k: int) -> dict[tuple[int, ...], float]:
    """Probability of each sequence of k seeds (Arthur and Vassilvitskii 2007), by enumeration."""
    outcomes = {(i,): 1 / len(points) for i in range(len(points))}
    for _ in range(k - 1):
        longer = {}
        for seeds, probability in outcomes.items():
            nearest = [min(squared_distance(point, points[seed]) for seed in seeds) for point in points]
            for i, distance in enumerate(nearest):
                if distance > 0:
                    longer[(*seeds, i)] = probability * distance / math.fsum(nearest)
        outcomes = longer
    return outcomes

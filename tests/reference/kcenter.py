"""Greedy k-centre, one distance at a time."""

import math
from collections.abc import Sequence

from tests.reference.kernels import Vector, squared_distance


def k_centers(pool: Sequence[Vector], k: int, centers: Sequence[Vector]) -> tuple[list[int], list[float]]:
    """Picked indices and their squared distances to the centres before them."""
    centers, indices, distances = list(centers), [], []
    mean = [math.fsum(column) / len(pool) for column in zip(*pool, strict=True)]
    for _ in range(k):
        farthest, index = -1.0, -1
        for i, point in enumerate(pool):
            nearest = min(squared_distance(point, center) for center in centers or [mean])
            if i not in indices and nearest > farthest:
                farthest, index = nearest, i
        indices.append(index)
        distances.append(farthest if centers else max(squared_distance(pool[index], other) for other in pool))
        centers.append(pool[index])
    return indices, distances

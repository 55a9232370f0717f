"""Greedy herding, one pair of points at a time."""

import math
from collections.abc import Sequence

from tests.reference.kernels import Vector, squared_distance


def herding(
    pool: Sequence[Vector],
    k: int,
    radius: float,
    weights: Sequence[float],
    centers: Sequence[Vector],
) -> tuple[list[int], list[float]]:
    """Picked indices and the gain of each; the first of those whose gains agree to five digits."""

    def kernel(a: Vector, b: Vector) -> float:
        return math.exp(-squared_distance(a, b) / (2 * radius**2))

    cover = [max((kernel(point, center) for center in centers), default=0.0) for point in pool]
    indices: list[int] = []
    gains: list[float] = []
    for _ in range(k):
        gain = {
            i: sum(
                u * max(0.0, kernel(other, point) - c)
                for other, u, c in zip(pool, weights, cover, strict=True)
            )
            for i, point in enumerate(pool)
            if i not in indices
        }
        best = max(gain.values())
        index = min(i for i in gain if gain[i] >= best * (1 - 1e-5))
        indices.append(index)
        gains.append(gain[index])
        cover = [max(c, kernel(other, pool[index])) for other, c in zip(pool, cover, strict=True)]
    return indices, gains

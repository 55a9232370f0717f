"""TypiClust, one distance at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference.kernels import Vector, squared_distance


def typicality(points: Sequence[Vector], neighbors: int) -> list[float]:
    found = []
    for i, point in enumerate(points):
        others = [math.sqrt(squared_distance(point, other)) for j, other in enumerate(points) if j != i]
        nearest = sorted(others)[:neighbors]
        found.append(len(nearest) / math.fsum(nearest) if nearest else 0.0)
    return found


def typical_images(
    points: Sequence[Vector], clusters: Sequence[int], labeled: Sequence[int], query_size: int, neighbors: int
) -> list[int]:
    """Chosen rows, given the clusters."""
    numbers = set(clusters)
    members = {c: [row for row, cluster in enumerate(clusters) if cluster == c] for c in numbers}
    typical = {}
    for rows in members.values():
        typical |= dict(zip(rows, typicality([points[row] for row in rows], neighbors), strict=True))
    taken, chosen = set(labeled), []
    for _ in range(query_size):
        free = [c for c in numbers if set(members[c]) - taken]
        free = [c for c in free if len(members[c]) >= 5] or free
        fewest = min(len(taken & set(members[c])) for c in free)
        free = [c for c in free if len(taken & set(members[c])) == fewest]
        largest = max(len(members[c]) for c in free)
        cluster = min(c for c in free if len(members[c]) == largest)
        best = max(sorted(set(members[cluster]) - taken), key=typical.__getitem__)
        chosen.append(best)
        taken.add(best)
    return chosen

"""BAIT with a binary likelihood, one inverse for each candidate."""

from collections.abc import Sequence

import numpy as np


def fisher_batch(
    pool: Sequence[Sequence[float]], labeled: Sequence[Sequence[float]], k: int, ridge: float
) -> list[int]:
    points, known = np.array(pool), np.array(labeled).reshape(-1, len(pool[0]))
    every = np.concatenate([points, known])
    wanted = sum(np.outer(e, e) for e in every) / len(every)
    base = ridge * np.eye(points.shape[1]) + sum(np.outer(e, e) for e in known) / max(len(known), 1)

    def unknown(rows: Sequence[int]) -> float:
        return float(
            np.trace(np.linalg.inv(base + sum(np.outer(points[r], points[r]) for r in rows)) @ wanted)
        )

    taken: list[int] = []
    for _ in range(min(2 * k, len(points))):
        left = [row for row in range(len(points)) if row not in taken]
        taken.append(min(left, key=lambda row: unknown([*taken, row])))
    while len(taken) > k:
        taken.remove(min(taken, key=lambda row: unknown([other for other in taken if other != row])))
    return taken

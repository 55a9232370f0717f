"""Binned calibration error and tempered rows, one image at a time."""

import math
from collections.abc import Sequence


def calibration_error(probs: Sequence[Sequence[float]], targets: Sequence[int], bins: int) -> float:
    held: dict[int, list[tuple[float, bool]]] = {}
    for row, target in zip(probs, targets, strict=True):
        confidence = max(row)
        place = min(int(confidence * bins), bins - 1)
        held.setdefault(place, []).append((confidence, row.index(confidence) == target))
    total = 0.0
    for images in held.values():
        confidence = sum(c for c, _ in images) / len(images)
        accuracy = sum(right for _, right in images) / len(images)
        total += len(images) / len(targets) * abs(confidence - accuracy)
    return total


def tempered(row: Sequence[float], temperature: float) -> list[float]:
    """p_c^(1/T), made to sum to one."""
    powers = [p ** (1 / temperature) for p in row]
    return [power / sum(powers) for power in powers]


def surprise(probs: Sequence[Sequence[float]], targets: Sequence[int], temperature: float) -> float:
    """Mean of -log p of the targets."""
    told = [tempered(row, temperature)[target] for row, target in zip(probs, targets, strict=True)]
    return -sum(math.log(max(p, 1e-12)) for p in told) / len(told)

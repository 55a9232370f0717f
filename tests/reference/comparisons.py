"""Loop-written versions of what `ncenet.compare` computes; slow, and plain."""

import random
from itertools import pairwise
from statistics import fmean


def bootstrap(table, replicates, seed):
    """Ends of the middle 95 % of means over drawn rows and drawn columns, one replicate at a time."""
    draw = random.Random(seed)
    means = []
    for _ in range(replicates):
        rows = [draw.randrange(len(table)) for _ in table]
        columns = [draw.randrange(len(table[0])) for _ in table[0]]
        means.append(fmean(table[r][c] for r in rows for c in columns))
    means.sort()
    return means[round(0.025 * replicates)], means[round(0.975 * replicates) - 1]


def holm(p_values):
    """Step down: each p, from the smallest on, times the number of those not yet passed."""
    left = list(range(len(p_values)))
    corrected = [None] * len(p_values)
    floor = 0.0
    while left:
        smallest = left[0]
        for n in left:
            if p_values[n] < p_values[smallest]:
                smallest = n
        floor = max(floor, min(1.0, p_values[smallest] * len(left)))
        corrected[smallest] = floor
        left.remove(smallest)
    return corrected


def area(labeled, accuracy, steps):
    """Mean height of a curve that is straight between its points, by a fine midpoint rule."""
    total = 0.0
    for n in range(steps):
        x = labeled[0] + (labeled[-1] - labeled[0]) * (n + 0.5) / steps
        for (x1, y1), (x2, y2) in pairwise(zip(labeled, accuracy, strict=True)):
            if x1 <= x <= x2:
                total += y1 + (y2 - y1) * (x - x1) / (x2 - x1)
                break
    return total / steps


def labels_to_reach(labeled, accuracy, target):
    """The first label count, of all whole ones, at which the straight line between points is there."""
    for labels in range(labeled[0], labeled[-1] + 1):
        for (x1, y1), (x2, y2) in pairwise(zip(labeled, accuracy, strict=True)):
            if x1 <= labels <= x2 and y1 + (y2 - y1) * (labels - x1) / (x2 - x1) >= target - 1e-12:
                return labels
    return None

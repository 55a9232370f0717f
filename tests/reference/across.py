"""Slow versions of what compare/across does with arrays."""

from itertools import permutations, product
from math import sqrt
from statistics import fmean, variance

from scipy import stats


def estimate(sets, step=0.0):
    """``sets`` holds a list of numbers for each set; mean and both intervals."""
    sets = [values for values in sets if values]
    means = [fmean(values) for values in sets]
    mean = fmean(means)
    errors = [(variance(values) + step**2 / 6) / len(values) for values in sets]
    total = sum(errors)
    freedom = total**2 / sum(e**2 / (len(v) - 1) for e, v in zip(errors, sets, strict=True))
    half = stats.t.ppf(0.975, freedom) * sqrt(total) / len(sets)
    over = None
    if len(sets) > 1:
        hidden = fmean(step**2 / 6 / len(values) for values in sets)
        over = stats.t.ppf(0.975, len(sets) - 1) * sqrt((variance(means) + hidden) / len(sets))
    return mean, half, over


def win_share(ours, theirs):
    """Curves of one set, by seed: share of (cycle, seed) without the first cycle."""
    points = []
    for a, b in zip(ours, theirs, strict=True):
        for x, y in list(zip(a, b, strict=True))[1:]:
            points.append(1.0 if x > y else 0.5 if x == y else 0.0)
    return fmean(points)


def mean_ranks(blocks):
    """``blocks`` holds a list of scores for each block; higher is better, ties share the mean place."""
    places = [[0.0] * len(blocks[0]) for _ in blocks]
    for n, block in enumerate(blocks):
        for a, score in enumerate(block):
            above = sum(other > score for other in block)
            same = sum(other == score for other in block)
            places[n][a] = above + (same + 1) / 2
    return [fmean(column) for column in zip(*places, strict=True)]


def chance_of_ranks(blocks):
    """Share of all orders of the ranks within blocks that are as uneven in the sum as these."""

    def uneven(orders):
        return sum(sum(places) ** 2 for places in zip(*orders, strict=True))

    every = [uneven(orders) for orders in product(*(list(permutations(block)) for block in blocks))]
    return fmean(each >= uneven(blocks) for each in every)

"""The score functions of one image, as the formulas are written; bald of its M passes."""

import math
from collections.abc import Sequence

Probs = Sequence[float]


def _plogp(p: float) -> float:
    return p * math.log(p) if p > 0 else 0.0


def rejection(probs: Probs) -> float:
    return math.fsum(1 - p for p in probs)


def confusion(probs: Probs) -> float:
    return math.fsum(1 + p - max(probs) for p in probs)


def entropy(probs: Probs) -> float:
    return -math.fsum(_plogp(p) for p in probs)


def binary_entropy(probs: Probs) -> float:
    return -math.fsum(_plogp(p) + _plogp(1 - p) for p in probs) / len(probs)


def margin(probs: Probs) -> float:
    second, largest = sorted(probs)[-2:]
    return -(largest - second)


def least_confidence(probs: Probs) -> float:
    return 1 - max(probs)


def bald(passes: Sequence[Probs]) -> float:
    mean = [math.fsum(column) / len(passes) for column in zip(*passes, strict=True)]
    return entropy(mean) - math.fsum(entropy(probs) for probs in passes) / len(passes)


def vote_entropy(passes: Sequence[Probs]) -> float:
    shares = [0.0] * len(passes[0])
    for probs in passes:
        winners = [c for c, p in enumerate(probs) if p == max(probs)]
        for c in winners:
            shares[c] += 1 / len(winners) / len(passes)
    return entropy(shares)


def consensus_entropy(passes: Sequence[Probs]) -> float:
    return entropy([math.fsum(column) / len(passes) for column in zip(*passes, strict=True)])

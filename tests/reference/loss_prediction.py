"""LL4AL's loss, pair by pair."""

from collections.abc import Sequence


def pair_loss(predicted: Sequence[float], losses: Sequence[float], margin: float) -> float:
    """Mean over the pairs (i, 2B-1-i) of an even batch; an odd one drops its last image."""
    count = len(losses) - len(losses) % 2
    terms = []
    for i in range(count // 2):
        j = count - 1 - i
        sign = 1 if losses[i] > losses[j] else -1
        terms.append(max(0.0, -sign * (predicted[i] - predicted[j]) + margin))
    return sum(terms) / len(terms)

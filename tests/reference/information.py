"""Eq. 10 to 12 over a set of images."""

import math
from collections.abc import Sequence


def information(probs: Sequence[float]) -> float:
    return -math.log(max(probs))


def subset_information(set_of_probs: Sequence[Sequence[float]], size: int) -> float:
    """Information of the ``size`` most informative images of the set."""
    each = [information(probs) for probs in set_of_probs]
    shares = [i / math.fsum(each) for i in each]
    return math.fsum(sorted(shares, reverse=True)[:size])

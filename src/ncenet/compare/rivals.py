"""Against the best rival of the same run, picked afterwards: the hardest that an arm can be held against.

Whoever picks the best of several by the numbers that are then compared picks luck along with merit, so
these differences lean against the arm. They are no verdict on their own; they say what a claim to be ahead
of everything else has to survive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ncenet.compare.heads import heads, reads_the_test
from ncenet.compare.records import Results
from ncenet.compare.statistics import Difference, difference


@dataclass(frozen=True)
class Rival:
    """The arm against which an arm fares worst, and how."""

    name: str
    difference: Difference


def best_softmax_rival(results: Results, arm: str) -> Rival | None:
    """The softmax arm that is hardest to beat; None without one that shares a finished seed."""
    names = {name: head.name for name, head in heads(results.comparison).items()}
    return _hardest(results, arm, lambda other: names[other] == "softmax")


def best_rival(results: Results, arm: str) -> Rival | None:
    """The arm of any head that is hardest to beat; None without one that shares a finished seed."""
    return _hardest(results, arm, lambda other: True)


def _hardest(results: Results, arm: str, eligible: Callable[[str], bool]) -> Rival | None:
    """By the mean of the paired differences, so that arms with more seeds are met on equal terms."""
    rivals = [
        Rival(other.name, found)
        for other in results.comparison.arms
        if other.name != arm and eligible(other.name)
        if not reads_the_test(results.comparison, other.name)
        if (found := difference(results, arm, other.name)) is not None
    ]
    return min(rivals, key=lambda rival: rival.difference.spread.mean, default=None)

"""Head and selection, apart: the 2x2 of {softmax, NCE} x {random, selected}, all else equal.

With the mean over cycles y of the four arms of one seed:

- head alone: y(NCE, random) - y(softmax, random),
- selection alone: y(softmax, selected) - y(softmax, random),
- both: y(NCE, selected) - y(softmax, random),
- interaction: both - head alone - selection alone, what they bring together beyond their sum.

Each is a number for each seed, and gets Student's interval over the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ncenet.compare.heads import heads, random_arm, reads_the_test, strategy_of, training_of
from ncenet.compare.records import Results
from ncenet.compare.statistics import Difference, mean_over_cycles, paired_difference

CLOSEST = "entropy"
"""Softmax strategy that stands for a strategy which only the NCE head has, as in the paper's tables."""


@dataclass(frozen=True)
class Square:
    """Names of the four arms."""

    softmax_random: str
    softmax_selected: str
    nce_random: str
    nce_selected: str


@dataclass(frozen=True)
class Effects:
    """What head and selection bring, alone and together; differences of the mean over cycles.

    Attributes:
        head: of the head alone.
        selection: of the selection alone, with softmax.
        both: of both.
        interaction: what is left of ``both`` when the two others are taken off.
    """

    head: Difference
    selection: Difference
    both: Difference
    interaction: Difference


def squares(results: Results) -> list[Square]:
    """Every 2x2 that the arms of a comparison hold, one for each NCE arm that selects; none of an oracle.

    Its softmax arm is the one with the same strategy, else with entropy, else the first that selects. All
    four train alike, and differ in head and selection alone.
    """
    comparison = results.comparison
    of_heads = heads(comparison).items()
    names = {arm: head.name for arm, head in of_heads if not reads_the_test(comparison, arm)}
    strategies = {arm: strategy_of(comparison, arm) for arm in names}
    trainings = {arm: training_of(comparison, arm) for arm in names}
    found = []
    for arm in names:
        softmax = [
            other
            for other in names
            if names[other] == "softmax"
            and strategies[other] != "random"
            and trainings[other] == trainings[arm]
        ]
        if names[arm] != "nce" or strategies[arm] == "random" or not softmax:
            continue
        ranks = {strategies[arm]: 0, CLOSEST: 1} if strategies[arm] != CLOSEST else {CLOSEST: 0}
        partner = min(softmax, key=lambda other: ranks.get(strategies[other], 2))
        plain, own = random_arm(comparison, partner), random_arm(comparison, arm)
        if plain is not None and own is not None and trainings[plain] == trainings[own] == trainings[arm]:
            found.append(Square(plain, partner, own, arm))
    return found


def effects(results: Results, square: Square) -> Effects | None:
    """Effects over the seeds that all four arms have finished; None if there are none."""
    names = (square.softmax_random, square.softmax_selected, square.nce_random, square.nce_selected)
    curves = [results.curves(name) for name in names]
    seeds = [seed for seed in curves[0] if all(seed in of_arm for of_arm in curves)]
    if not seeds:
        return None
    plain, selected, head, both = ([mean_over_cycles(of_arm[seed]) for seed in seeds] for of_arm in curves)
    of_selection_with_nce = [d - b for d, b in zip(both, head, strict=True)]
    of_selection_with_softmax = [c - a for c, a in zip(selected, plain, strict=True)]
    step = results.step / len(results.labeled)
    return Effects(
        head=paired_difference(head, plain, step=step),
        selection=paired_difference(selected, plain, step=step),
        both=paired_difference(both, plain, step=step),
        interaction=paired_difference(of_selection_with_nce, of_selection_with_softmax, step=sqrt(2) * step),
    )

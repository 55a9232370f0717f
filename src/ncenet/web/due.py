"""When the next fit is due: how many labels no fit has seen, and how many start one."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ncenet.learners.box_counts import spent
from ncenet.ledger.ledger import Ledger
from ncenet.recipe import Recipe

OFTEN = 5
"""With features the model follows after so many labels (ours) ..."""
RARELY = 0.05
"""... or after so large a part of those that there are, up to the size of a query (ours)."""

GUESS = 20
"""From so many answers on, those that measure included, a first guess is made on features (ours) ..."""
LEAST = 4
"""... if so many of them train (ours)."""

RESERVE = 2
"""A query holds so many times the images of a batch, for those who are faster than the training (ours) ..."""
GROUPED = 128
"""... and on features so many at least, for groups are made of them (ours, `benchmarks/person.py`) ..."""
PER_CLASS = 4
"""... and so many for each class, the fewest that make a group (ours)."""


class Fresh(NamedTuple):
    """What came since the last fit.

    Attributes:
        labels: labels that no fit has seen; of a budget in boxes, their boxes.
        due: how many of them start a fit.
        cycle: the number of fits so far.
    """

    labels: int
    due: int
    cycle: int


def to_ask(fresh: Fresh, recipe: Recipe, *, classes: int) -> int:
    """How many images the next query is to hold.

    Args:
        fresh: what came since the last fit.
        recipe: the run's.
        classes: how many there are by now; annotators may have named them all.
    """
    if not fresh.cycle and not fresh.labels:
        return RESERVE * recipe.loop.initial
    size = RESERVE * recipe.loop.query_size
    if not recipe.on_vectors or recipe.task == "detection":
        return size
    return max(size, GROUPED, PER_CLASS * classes)


def guess_is_due(fresh: Fresh, recipe: Recipe, *, answers: int, classes: int, before: int) -> bool:
    """Whether a first guess is to be made: on features, before the first fit, and again after some labels.

    Args:
        fresh: what came since the beginning.
        recipe: the run's.
        answers: how many images have an answer, those that measure included.
        classes: how many classes the labels are of that would train.
        before: with how many labels the last guess was made; 0 for none.
    """
    if fresh.cycle or not recipe.on_vectors or recipe.task == "detection":
        return False
    least = before + OFTEN if before else LEAST
    return answers >= GUESS and least <= fresh.labels < fresh.due and classes > 1


def fresh_labels(ledger: Ledger, recipe: Recipe, apart: Collection[str]) -> Fresh:
    """What came since the last fit.

    Args:
        ledger: the answers.
        recipe: the run's.
        apart: held-out images, which no fit learns from.
    """
    cycles = ledger.cycles()
    upto = cycles[-1].upto if cycles else 0
    events = ledger.events(after=upto)
    undone = {event.undoes for event in events}
    fresh = {
        e.id: e.label for e in events if e.kind == "answer" and e.seq not in undone and e.id not in apart
    }
    # A second annotator who agrees tells the next fit nothing.
    seen = dict(ledger.labeled(upto, among=fresh))
    fresh = {id: label for id, label in fresh.items() if label != seen.get(id)}
    count = len(fresh)
    if recipe.loop.budget_unit == "box":
        count = spent(label for label in fresh.values() if label is not None)
    if not cycles:
        due = recipe.loop.initial
    elif not recipe.on_vectors:
        due = recipe.loop.query_size
    else:  # a fit on features takes a second
        due = min(recipe.loop.query_size, max(OFTEN, int(RARELY * len(ledger.labeled(upto)))))
    return Fresh(count, due, len(cycles))

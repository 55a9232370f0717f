"""Whether choosing is worth it: what a head learns from chosen images, beside one that learns random ones.

Being wrong about images that were chosen says nothing: they are hard by construction. So two heads learn as
many labels, one those that were chosen first, the other those of random images: held-out ones, and whatever
else was drawn by chance. These are dealt into parts; each is named by heads that did not learn it, and what
both say of the same images is compared.
"""

from __future__ import annotations

import torch

from ncenet.errors import DamagedRecord
from ncenet.learners.classifier import Classifier
from ncenet.learners.folds import FOLDS, dealt, fitted_like
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import Kind, by_strategy
from ncenet.loop.loop import MORE, Loop
from ncenet.run.askers import who_asked
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import last_choosing, write_choosing
from ncenet.run.records import Choosing
from ncenet.types import Label, LabeledSet, Pool

LEAST = 25
"""From fewer random images nothing is said (ours)."""
RANDOM = frozenset({Kind.INITIAL, Kind.HELD_OUT, Kind.MEANWHILE})


def compare_choosing(loop: Loop, cycle: int) -> Choosing | None:
    """Write what choosing is worth, anew when a fifth more random images have a label.

    Args:
        loop: holds the model of the cycle.
        cycle: which one.

    Returns:
        None where nothing new is said: the head doesn't learn alone on stored features, or there are too few
        labels.
    """
    learner = loop.model(cycle)
    if not isinstance(learner, Classifier) or not learner.fits_head:
        return None
    chosen, random = chosen_and_random(loop.ledger)
    every, names = [*chosen, *random], loop.class_names
    there = set(every if loop.available is None else loop.available(every))
    sets = []
    for of in (chosen, random):
        known = {id: label for id, label in of.items() if id in there and label in names}
        sets.append(LabeledSet(list(known), list(known.values()), names))
    try:
        before = last_choosing(RunFolder(loop.folder.path).cycles())
    except DamagedRecord:  # told of elsewhere; this one is read in its place
        before = None
    if len(sets[1]) < (LEAST if before is None else MORE * before.images):
        return None
    found = _compared(learner, cycle, sets[0], sets[1], loop.pool)
    if found is not None:
        write_choosing(loop.folder.cycle(cycle), found)
    return found


def chosen_and_random(ledger: Ledger) -> tuple[dict[str, Label], dict[str, Label]]:
    """Labels of images that were chosen, in the order of the first answers, and of random ones."""
    labels, apart = dict(ledger.labeled()), ledger.apart.ids()
    chosen: dict[str, Label] = {}
    random: dict[str, Label] = {}
    for id, asked in who_asked(ledger).items():
        if id in labels and id not in apart:
            by_chance = asked.kind in RANDOM or asked == by_strategy("random")
            (random if by_chance else chosen)[id] = labels[id]
    return chosen, random


def _compared(
    learner: Classifier, cycle: int, chosen: LabeledSet, random: LabeledSet, pool: Pool
) -> Choosing | None:
    fold = torch.tensor(dealt([pool.content_hash(id) for id in random.ids], learner))
    size = min(len(chosen), len(random) - int(fold.bincount(minlength=FOLDS).max()))
    if size < LEAST * (FOLDS - 1) // FOLDS or len(set(chosen.labels[:size])) < 2:
        return None
    features, targets = learner.features(random.ids, pool), torch.tensor(random.targets())
    first, told = learner.features(chosen.ids[:size], pool), torch.tensor(chosen.targets()[:size])

    def says(rows: torch.Tensor, labels: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
        head = fitted_like(learner, rows, labels, len(random.class_names))
        with torch.no_grad():
            return torch.as_tensor(head(of)).argmax(1)

    ours = says(first, told, features) == targets
    theirs = torch.zeros_like(ours)
    for part in fold.unique():
        learned = torch.nonzero(fold != part)[:, 0][:size]
        if len(targets[learned].unique()) < 2:
            return None
        apart = fold == part
        theirs[apart] = says(features[learned], targets[learned], features[apart]) == targets[apart]
    both = int((ours & theirs).sum())
    return Choosing(cycle, size, len(targets), int(ours.sum()), int(theirs.sum()), both)

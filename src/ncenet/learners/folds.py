"""What a head says of each labelled image that it did not learn: an estimate that needs no held-out images.

The labelled images are dealt into a few parts, and each part is predicted by a head that learned the others.
On stored features that takes a second. The vectors' principal components stay as they are: they know no
label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ncenet.functional.calibration import find_temperature, logarithms
from ncenet.learners.classifier import Classifier
from ncenet.learners.committee import Committee
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import Head, build_head
from ncenet.types import LabeledSet, Pool

FOLDS = 5
"""Parts that are left out in turn (ours): each head learns four fifths of the labels."""
LEAST = 20
"""Of fewer labelled images nothing is said (ours)."""


class InTurn(NamedTuple):
    """What heads say of labelled images that they did not learn.

    Attributes:
        probs: (L, C) likelihoods.
        targets: (L,) what the images are.
        known: (L,) whether the class was among what the head learned.
    """

    probs: torch.Tensor
    targets: torch.Tensor
    known: torch.Tensor

    @property
    def guesses(self) -> list[int]:
        """The likeliest class of each."""
        return [int(best) for best in self.probs.argmax(-1)]

    @property
    def temperature(self) -> float:
        """What makes honest shares of the likelihoods, by images whose class was known."""
        return find_temperature(logarithms(self.probs[self.known]), self.targets[self.known])


def left_out(learner: object, labeled: LabeledSet, pool: Pool) -> InTurn | None:
    """What is said of each labelled image by a head that learned others; deterministic.

    Args:
        learner: holds a model that learned these labels.
        labeled: L images.
        pool: where they are.

    Returns:
        None where the heads don't learn alone on stored features, where that would take long, and where
        there are too few labels.
    """
    members = _members(learner)
    if not members or not all(member.fits_head for member in members) or len(labeled) < LEAST:
        return None
    features = [each.features(labeled.ids, pool) for each in members]
    targets = torch.tensor(labeled.targets())
    fold = torch.tensor(dealt([pool.content_hash(id) for id in labeled.ids], members[0]))
    said, known = torch.zeros(len(targets), len(labeled.class_names)), torch.zeros_like(targets).bool()
    for part in fold.unique():
        apart = fold == part
        for member, vectors in zip(members, features, strict=True):
            head = fitted_like(member, vectors[~apart], targets[~apart], said.shape[1])
            with torch.no_grad():
                said[apart] += head.probs(head(vectors[apart])).float()
        known[apart] = torch.isin(targets[apart], targets[~apart])
    return InTurn(said / len(members), targets, known)


def temperature_of(learner: object, labeled: LabeledSet, pool: Pool) -> float | None:
    """What makes honest shares of a head's likelihoods, by labelled images that others than it predict.

    Args:
        learner: holds a model that learned these labels.
        labeled: L images.
        pool: where they are.

    Returns:
        T of :func:`ncenet.functional.calibration.tempered`; None where :func:`left_out` says nothing, and of
        a head that :func:`wants_temperature` doesn't.
    """
    said = left_out(learner, labeled, pool) if wants_temperature(learner) else None
    return None if said is None else said.temperature


def wants_temperature(learner: object) -> bool:
    """Whether likelihoods are no shares yet.

    Softmax's are, and a temperature from few labels makes them worse (benchmarks/results/calibration.md).
    """
    return not any(member.model.head.name == "softmax" for member in _members(learner))


def dealt(hashes: Sequence[str], learner: Classifier) -> list[int]:
    """The part of each image: all as large as can be, and images with the same bytes together.

    Args:
        hashes: of the content of L images.
        learner: whose random streams deal.
    """
    different = list(dict.fromkeys(hashes))
    order = learner.streams.numpy("subset", learner.cycle, FOLDS).permutation(len(different))
    part = {different[row]: place % FOLDS for place, row in enumerate(order.tolist())}
    return [part[one] for one in hashes]


def fitted_like(learner: Classifier, vectors_LD: torch.Tensor, targets_L: torch.Tensor, classes: int) -> Head:
    """A head that has learned some labels as a learner's own learns its labels.

    Args:
        learner: its head learns alone on stored features.
        vectors_LD: what meets the head.
        targets_L: class indices in [0, C).
        classes: C.
    """
    with learner.streams.scope("weights", learner.cycle):
        head = build_head(learner.model.head, vectors_LD.shape[1], classes, stored=True)
    rows = learner.drawn(len(targets_L), learner.cycle)
    fit_head(head, vectors_LD[rows], targets_L[rows])
    return head


def _members(learner: object) -> tuple[Classifier, ...]:
    """Those who vote, or the one who is alone; none of a learner of another kind."""
    if isinstance(learner, Committee):
        return learner.members
    return (learner,) if isinstance(learner, Classifier) else ()

"""What a head says of each labelled image that it did not learn: an estimate that needs no held-out images.

The labelled images are dealt into a few parts, and each part is predicted by a head that learned the others.
On stored features that takes a second. The vectors' principal components stay as they are: they know no
label.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ncenet.functional.calibration import find_temperature
from ncenet.learners.classifier import Classifier
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.types import LabeledSet, Pool

FOLDS = 5
"""Parts that are left out in turn (ours): each head learns four fifths of the labels."""
LEAST = 20
"""Of fewer labelled images nothing is said (ours)."""
TINY = 1e-12
"""A likelihood of 0 is taken for this, which has a logarithm."""


def left_out(learner: object, labeled: LabeledSet, pool: Pool) -> list[int] | None:
    """The likeliest class of each labelled image, by a head that learned others; deterministic.

    Args:
        learner: holds a model that learned these labels.
        labeled: L images.
        pool: where they are.

    Returns:
        L class indices; None where the head doesn't learn alone on stored features, where that would take
        long, and where there are too few labels.
    """
    said = _said(learner, labeled, pool)
    return None if said is None else [int(best) for best in said[0].argmax(-1)]


def temperature_of(learner: object, labeled: LabeledSet, pool: Pool) -> float | None:
    """What makes honest shares of a head's likelihoods, by labelled images that others than it predict.

    Images are left out of a class that nobody else has in the parts that were learned.

    Args:
        learner: holds a model that learned these labels.
        labeled: L images.
        pool: where they are.

    Returns:
        T of :func:`ncenet.functional.calibration.tempered`; None where :func:`left_out` says nothing, and of
        softmax, which a temperature from few labels makes worse (benchmarks/results/calibration.md).
    """
    if isinstance(learner, Classifier) and learner.model.head.name == "softmax":
        return None
    said = _said(learner, labeled, pool)
    if said is None:
        return None
    probs, targets, known = said
    return find_temperature(probs[known].clamp_min(TINY).log(), targets[known])


def _said(
    learner: object, labeled: LabeledSet, pool: Pool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Likelihoods (L, C), targets (L,), and whose class was among what was learned (L,)."""
    if not isinstance(learner, Classifier) or not learner.fits_head or len(labeled) < LEAST:
        return None
    features, targets = learner.features(labeled.ids, pool), torch.tensor(labeled.targets())
    fold = torch.tensor(dealt([pool.content_hash(id) for id in labeled.ids], learner))
    said, known = torch.zeros(len(targets), len(labeled.class_names)), torch.zeros_like(targets).bool()
    for part in fold.unique():
        apart = fold == part
        with learner.streams.scope("weights", learner.cycle):
            head = build_head(learner.model.head, features.shape[1], len(labeled.class_names), stored=True)
        fit_head(head, features[~apart], targets[~apart])
        with torch.no_grad():
            said[apart] = head.probs(head(features[apart])).float()
        known[apart] = torch.isin(targets[apart], targets[~apart])
    return said, targets, known


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

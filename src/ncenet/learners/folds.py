"""What a head says of each labelled image that it did not learn: an estimate that needs no held-out images.

The labelled images are dealt into a few parts, and each part is predicted by a head that learned the others.
On stored features that takes a second. The vectors' principal components stay as they are: they know no
label.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ncenet.learners.classifier import Classifier
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.types import LabeledSet, Pool

FOLDS = 5
"""Parts that are left out in turn (ours): each head learns four fifths of the labels."""
LEAST = 20
"""Of fewer labelled images nothing is said (ours)."""


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
    if not isinstance(learner, Classifier) or not learner.fits_head or len(labeled) < LEAST:
        return None
    features, targets = learner.features(labeled.ids, pool), torch.tensor(labeled.targets())
    fold = torch.tensor(dealt([pool.content_hash(id) for id in labeled.ids], learner))
    said = torch.zeros_like(targets)
    for part in fold.unique():
        apart = fold == part
        with learner.streams.scope("weights", learner.cycle):
            head = build_head(learner.model.head, features.shape[1], len(labeled.class_names), stored=True)
        fit_head(head, features[~apart], targets[~apart])
        with torch.no_grad():
            said[apart] = head(features[apart]).argmax(-1)
    found: list[int] = said.tolist()
    return found


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

"""Information of subsets of the pool, by the networks of the first cycle (Sec. Subset Information Analysis).

"By sorting the information of x_i in X_U in the decreasing order using 10000 randomly selected unlabeled
images" (Fig. 3); both heads see the same images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ncenet.compare.analysis.models import TrialModels
from ncenet.compare.analysis.records import Information, InformationCurve
from ncenet.errors import DataError
from ncenet.functional.information import information, normalized_information, subset_information

DRAWN = 201
"""Points of a curve that are kept (ours)."""


def measure_information(trials: Sequence[TrialModels], images: int) -> Information:
    """Information by each trial's first network.

    Args:
        trials: of one seed, so that they share their initial set.
        images: how many unlabelled images at most.

    Raises:
        DataError: the data or a model is gone or has changed, or a network is certain of every image.
    """
    curves = []
    for trial in trials:
        first = trial.cycles[0]
        ids = trial.unlabeled(first)
        if images < len(ids):
            chosen = trial.streams.numpy("subset", 0).choice(len(ids), images, replace=False)
            ids = tuple(ids[i] for i in sorted(chosen))
        if not ids:
            raise DataError(f"{trial.folder}: cycle {first} has left no image unlabelled")
        curves.append(information_curve(trial, len(trial.labeled(first)), trial.probs(first, ids)))
    return Information(seed=trials[0].recipe.loop.seed, curves=tuple(curves))


def information_curve(trial: TrialModels, labeled: int, probs_NC: Tensor) -> InformationCurve:
    """The curve of one network.

    Args:
        trial: where it comes from.
        labeled: how many labels it has learned.
        probs_NC: what it says of N unlabelled images.

    Raises:
        DataError: it is certain of every image, or its likelihoods are not numbers.
    """
    N = len(probs_NC)
    try:
        # In the precision of the likelihoods: in float64 one that has become 0 would weigh 708 nats, and the
        # smallest that has not 103.
        shares_N = normalized_information(information(probs_NC).double())
    except ValueError as error:
        raise DataError(f"{trial.folder}: {error}") from error
    subset_N = subset_information(shares_N)
    relative_N = shares_N.sort(descending=True).values * N
    ranks = torch.linspace(1, N, min(N, DRAWN)).round().long()
    return InformationCurve(
        arm=trial.arm,
        head=trial.recipe.model.head.name,
        images=N,
        labeled=labeled,
        ranks=tuple(ranks.tolist()),
        relative=tuple(round(value, 4) for value in relative_N[ranks - 1].tolist()),
        subset=tuple(round(value, 4) for value in subset_N[ranks - 1].tolist()),
        top_tenth=float(subset_N[max(1, N // 10) - 1]),
    )

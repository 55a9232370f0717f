"""t-SNE over the cycles in one frame (Fig. 4): what the networks of several cycles make of the same images.

Every network has feature axes of its own, so an embedding cannot be carried over to another network by its
features. It is carried over by the images: the last cycle is embedded first, and every other panel starts
with each image at its place in the panel beside it, the last one of the second trial at those of the first.
What is left of a turn or a reflection is taken out at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ncenet.compare.analysis.models import TrialModels
from ncenet.compare.analysis.records import Embedding, Panel
from ncenet.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

FEWEST = 10
"""Images that a panel needs; below, there are no neighbourhoods to keep (ours)."""
CYCLES = 3
"""Columns of the figure."""
PERPLEXITY = 30.0
"""The usual one; fewer where there are fewer than 91 images."""
FREE, ALIGNED = (12.0, 200, 400), (4.0, 100, 300)
"""Early exaggeration, its steps, and the steps without: of a panel that starts afresh, and of one that starts
from another (ours). The first is a little shorter than usual. The second lets images go where they must and
no farther, as the places in the other panel are taken at their full scale instead of the usual tiny one."""


def embed(
    trials: Sequence[TrialModels], points: int, *, progress: Callable[[int, int], None] | None = None
) -> Embedding:
    """Embed the features of the same images by the networks of a few cycles of each trial.

    Args:
        trials: of one seed; the first one's last panel gives the frame.
        points: images in a panel, half of them at most labelled or queried in some panel.
        progress: told how many panels are done, and of how many.

    Raises:
        DataError: the data or a model is gone or has changed, or there are too few images or none that
            differ.
    """
    cycles = cycles_shown(trials)
    ids = _images(trials, cycles, points)
    if len(ids) < FEWEST:
        raise DataError(f"t-SNE needs {FEWEST} images, there are {len(ids)}")
    seed = trials[0].streams.seed("figures", 0) % 2**32
    panels: dict[tuple[int, int], Panel] = {}
    frame: Array | None = None
    unit = 1.0
    for t, trial in enumerate(trials):
        beside = frame  # the last panel of the trial above
        for cycle in reversed(cycles):
            features_ND = trial.directions(cycle, ids)
            if not features_ND.std(0).any():
                raise DataError(f"{trial.folder}: cycle {cycle} gives all images the same features")
            placed_N2 = tsne(features_ND.double().numpy(), beside, seed=seed)
            if frame is None:
                frame, unit = placed_N2, float(np.sqrt((placed_N2**2).mean()))
            beside = placed_N2
            panels[t, cycle] = _panel(trial, cycle, ids, features_ND, placed_N2 / unit)
            if progress is not None:
                progress(len(panels), len(trials) * len(cycles))
    ordered = tuple(panels[t, cycle] for t in range(len(trials)) for cycle in cycles)
    return Embedding(seed=trials[0].recipe.loop.seed, pool=len(trials[0].sound), panels=ordered)


def cycles_shown(trials: Sequence[TrialModels]) -> tuple[int, ...]:
    """The first, the middle and the last cycle with a query that all trials have finished.

    Without any query it is the first cycle alone.
    """
    common = sorted(set.intersection(*(set(trial.cycles) for trial in trials)))
    asked = [cycle for cycle in common if all(trial.queried(cycle) for trial in trials)] or common[:1]
    places = {round(k * (len(asked) - 1) / (CYCLES - 1)) for k in range(CYCLES)}
    return tuple(asked[place] for place in sorted(places))


def tsne(features_ND: Array, start_N2: Array | None, *, seed: int) -> Array:
    """Two coordinates (N, 2) of features, about the origin, in the units of t-SNE.

    Args:
        features_ND: of at least :data:`FEWEST` images.
        start_N2: where each begins, and what the result is turned to; the principal components when None.
        seed: in [0, 2**32).
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.initialization import pca

    perplexity = min(PERPLEXITY, (len(features_ND) - 1) / 3)
    affinities = PerplexityBasedNN(features_ND, perplexity, method="exact", n_jobs=1, random_state=seed)
    begin_N2 = pca(features_ND, random_state=seed) if start_N2 is None else start_N2
    placed = TSNEEmbedding(begin_N2, affinities, negative_gradient_method="bh", n_jobs=1, random_state=seed)
    exaggeration, early, steps = FREE if start_N2 is None else ALIGNED
    placed = placed.optimize(early, exaggeration=exaggeration).optimize(steps)
    placed_N2: Array = np.array(placed, dtype=np.float64)
    placed_N2 -= placed_N2.mean(0)
    return placed_N2 if start_N2 is None else placed_N2 @ nearest_rotation(placed_N2, start_N2)


def nearest_rotation(points_N2: Array, target_N2: Array) -> Array:
    """The rotation or reflection (2, 2) that brings points nearest to others (orthogonal Procrustes)."""
    left, _, right = np.linalg.svd(points_N2.T @ target_N2)
    rotation: Array = left @ right
    return rotation


def farther_from_labeled(features_ND: Tensor, status: str) -> float | None:
    """How likely a queried image is farther from its nearest labelled one than an image of the pool.

    It is the area under the ROC curve of the distance, ties counted half (ours).

    Args:
        features_ND: of length one.
        status: a letter for each, see :class:`~ncenet.compare.analysis.records.Panel`.

    Returns:
        In [0, 1]; .5 when query and pool are alike; None when images of some kind are missing.

    >>> import torch
    >>> farther_from_labeled(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), "lpq")
    1.0
    """
    import torch
    from scipy.stats import mannwhitneyu

    groups = [torch.tensor([letter == kind for letter in status]) for kind in "lpq"]
    labeled_LD, pool_PD, queried_QD = (features_ND[group] for group in groups)
    if min(map(len, (labeled_LD, pool_PD, queried_QD))) == 0:
        return None
    queried_Q, pool_P = (torch.cdist(f, labeled_LD).amin(1).numpy() for f in (queried_QD, pool_PD))
    wins = float(mannwhitneyu(queried_Q, pool_P, method="asymptotic").statistic)
    return wins / (len(queried_Q) * len(pool_P))


def _panel(
    trial: TrialModels, cycle: int, ids: Sequence[str], features_ND: Tensor, placed_N2: Array
) -> Panel:
    labeled, queried = set(trial.labeled(cycle).ids), set(trial.queried(cycle))
    status = "".join("l" if id in labeled else "q" if id in queried else "p" for id in ids)
    x, y = placed_N2.round(3).T.tolist()
    return Panel(
        arm=trial.arm,
        cycle=cycle,
        labeled=len(labeled),
        x=tuple(x),
        y=tuple(y),
        status=status,
        farther=farther_from_labeled(features_ND, status),
    )


def _images(trials: Sequence[TrialModels], cycles: Sequence[int], points: int) -> tuple[str, ...]:
    """Ids of the images in every panel: of those that a panel marks half at most, the rest at random."""
    last = cycles[-1]
    special = {id for t in trials for id in (*t.labeled(last).ids, *t.queried(last))}
    rng = trials[0].streams.numpy("figures", 1)
    marked = [id for id in trials[0].sound if id in special]
    others = [id for id in trials[0].sound if id not in special]
    many = min(len(marked), max(points // 2, points - len(others)))
    chosen = {marked[i] for i in rng.permutation(len(marked))[:many]}
    chosen |= {others[i] for i in rng.permutation(len(others))[: points - many]}
    return tuple(id for id in trials[0].sound if id in chosen)

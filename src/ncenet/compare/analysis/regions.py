"""Decision regions in a plane (Fig. 1 and 2): two heads on the same two-dimensional features.

The plane is the one through the means of three classes, in the feature space of a trained network. Both
heads learn the labelled images of these classes, seen in that plane, from the beginning; the network stays as
it is. So the picture is of the heads and of nothing else, drawn with images of the comparison.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ncenet.compare.analysis.models import TrialModels
from ncenet.compare.analysis.records import Regions
from ncenet.errors import DataError
from ncenet.functional.scores import confusion, entropy, rejection
from ncenet.nn.heads import Head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.types import LabeledSet

CLASSES = 3
"""As in the paper's figures; two where there are no more."""
SIDE = 128
"""Points in a row of the grid, and rows (ours)."""
STEPS, RATE, MOMENTUM, WEIGHT_DECAY = 500, 0.1, 0.9, 5e-4
"""Of the heads: plain descent on all images at once; momentum and decay are the paper's, the rest is ours."""
POOL_SHOWN = 300
"""Unlabelled images in the picture (ours)."""
MARGIN = 0.35
"""Of the plane beyond the images, as a part of their extent (ours)."""


def draw_regions(trial: TrialModels) -> Regions:
    """Train two heads on a plane through the features of the trial's last network.

    Args:
        trial: where images and features come from.

    Raises:
        DataError: the data or the model is gone or has changed, or fewer than two classes have images.
    """
    cycle = trial.cycles[-1]
    labeled = trial.labeled(cycle)
    names = most_labeled(labeled)
    if len(names) < 2:
        raise DataError(f"{trial.folder}: two classes with two labelled images each are needed")
    chosen = [
        (id, names.index(label))
        for id, label in zip(labeled.ids, labeled.labels, strict=True)
        if label in names
    ]
    targets = torch.tensor([target for _, target in chosen])
    features_LD = trial.directions(cycle, [id for id, _ in chosen]).double()
    unlabeled = trial.unlabeled(cycle)
    order = trial.streams.numpy("figures", 2).permutation(len(unlabeled))[:POOL_SHOWN]
    center_D, basis_D2 = plane_through_means(features_LD, targets)
    points_L2 = ((features_LD - center_D) @ basis_D2).float()
    pool_P2 = points_L2[:0]
    if len(order):
        pool_PD = trial.directions(cycle, [unlabeled[i] for i in order]).double()
        pool_P2 = ((pool_PD - center_D) @ basis_D2).float()

    with trial.streams.scope("figures", 3):
        softmax = SoftmaxClassifier(2, len(names))
        nce = PrototypeClassifier(2, len(names), feature_map="none", init="class-mean", projection=False)
    for head in (softmax, nce):
        train_head(head, points_L2, targets)
    left, right, bottom, top = window = window_around(torch.cat([points_L2, pool_P2]))
    grid_G2 = torch.cartesian_prod(torch.linspace(bottom, top, SIDE), torch.linspace(left, right, SIDE))
    with torch.no_grad():
        softmax_GC, nce_GC = (head.probs(head(grid_G2.flip(1))) for head in (softmax, nce))
    C = len(names)
    return Regions(
        arm=trial.arm,
        seed=trial.recipe.loop.seed,
        cycle=cycle,
        class_names=names,
        x=_rounded(points_L2[:, 0]),
        y=_rounded(points_L2[:, 1]),
        targets=tuple(targets.tolist()),
        pool_x=_rounded(pool_P2[:, 0]),
        pool_y=_rounded(pool_P2[:, 1]),
        window=window,
        side=SIDE,
        softmax_class=tuple(softmax_GC.argmax(1).tolist()),
        nce_class=tuple(nce_GC.argmax(1).tolist()),
        entropy=_percent(entropy(softmax_GC) / torch.tensor(C).log()),
        rejection=_percent((rejection(nce_GC) - (C - 1)).clamp_min(0)),
        confusion=_percent((confusion(nce_GC) - 1) / (C - 1)),
        radius=_rounded(nce.radius.detach()),
        prototypes=tuple((round(x, 3), round(y, 3)) for x, y in nce.prototypes.detach()[:, 0].tolist()),
    )


def most_labeled(labeled: LabeledSet) -> tuple[str, ...]:
    """Names of the classes with the most labelled images, two at least, the most first; ties by order."""
    counts = {name: labeled.labels.count(name) for name in labeled.class_names}
    ranked = sorted(counts, key=lambda name: -counts[name])
    return tuple(name for name in ranked[:CLASSES] if counts[name] >= 2)


def plane_through_means(features_LD: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The plane through the means of three classes; of two, their line and the widest direction beside it.

    Args:
        features_LD: D at least 2.
        targets: (L,) in [0, C), C being 2 or 3, each of them there.

    Returns:
        A point (D,) of the plane, the mean of the means, and a basis (D, 2): orthogonal, of such length that
        means lie at a distance of 1 (root of the mean square) from it.
    """
    means_CD = torch.stack([features_LD[targets == c].mean(0) for c in range(int(targets.max()) + 1)])
    center_D = means_CD.mean(0)
    offsets_CD = means_CD - center_D
    directions = torch.linalg.svd(offsets_CD, full_matrices=False).Vh[: min(2, len(means_CD) - 1)]
    if len(directions) < 2:
        within = features_LD - means_CD[targets]
        within = within - within @ directions.T @ directions
        directions = torch.cat([directions, torch.linalg.svd(within, full_matrices=False).Vh[:1]])
    scale = (offsets_CD @ directions.T).square().sum(1).mean().sqrt()
    return center_D, directions.T / scale


def train_head(head: Head, points_L2: Tensor, targets: Tensor) -> None:
    """Train a head on all points at once until it has settled."""
    head.initialize(points_L2, targets)
    optimizer = torch.optim.SGD(head.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        head.loss(head(points_L2), targets).mean().backward()
        optimizer.step()


def window_around(points_N2: Tensor) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a square around the points, with a margin."""
    low, high = points_N2.amin(0), points_N2.amax(0)
    half = float((high - low).max()) / 2 * (1 + 2 * MARGIN)
    x, y = ((low + high) / 2).tolist()
    return round(x - half, 3), round(x + half, 3), round(y - half, 3), round(y + half, 3)


def _percent(values: Tensor) -> tuple[int, ...]:
    return tuple((100 * values).round().int().tolist())


def _rounded(values: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in values.tolist())

"""Average precision of a detector, as the PASCAL VOC challenge defines it.

Of a class: all detections of all images, likeliest first; one is right when it overlaps an object of the
class by more than one half (intersection over union) and that object was not found before. Objects that are
difficult count neither as found nor as missed. Sources: Everingham et al., The PASCAL Visual Object Classes
(VOC) Challenge, IJCV 2010 (11 points); the development kit of VOC 2010 (area). Deviation: boxes are edges,
not inclusive pixel numbers, so no 1 is added to their sides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ncenet.boxes import Boxes, Detections
from ncenet.functional.boxes import iou

Method: TypeAlias = Literal["11-point", "area"]
"""Mean of the precision at recall 0, .1, ... 1 (VOC 2007), or the area under the curve (VOC 2010 on)."""
FOUND = 0.5
"""A detection finds an object that it overlaps by more than this."""
REPLICATES = 400
"""Draws of images for an interval (ours): ten lie beyond either end."""


@dataclass(frozen=True)
class MeanAveragePrecision:
    """How well a detector finds objects; numbers in [0, 1].

    Attributes:
        mean: over the classes that have an object which is not difficult; nan when none has.
        per_class: by class name; classes without such an object are left out.
        objects: how many there are of each class, difficult ones left out.
    """

    mean: float
    per_class: Mapping[str, float]
    objects: Mapping[str, int]


class Judged(NamedTuple):
    """All detections of a class that count, likeliest first.

    Attributes:
        right: (n,) bool.
        images: (n,) the row of the image of each.
        objects: (N,) how many there are to find in each image.
    """

    right: Tensor
    images: Tensor
    objects: Tensor


def judge(boxes: Tensor, objects: Tensor, difficult: Tensor) -> tuple[Tensor, Tensor]:
    """Which detections of one class in one image are right.

    Args:
        boxes: (n, 4), likeliest first.
        objects: (M, 4).
        difficult: (M,) bool.

    Returns:
        ``right`` (n,) and ``counts`` (n,), bool: a detection of a difficult object is neither right nor
        counted. Each detection is held against the object that it overlaps most; a second one on the same
        object is wrong.
    """
    right, counts = torch.zeros(len(boxes), dtype=torch.bool), torch.ones(len(boxes), dtype=torch.bool)
    if not len(objects) or not len(boxes):
        return right, counts
    overlap, nearest = iou(boxes, objects).max(1)
    found: set[int] = set()
    for row, (share, which) in enumerate(zip(overlap.tolist(), nearest.tolist(), strict=True)):
        if share <= FOUND:
            continue
        if difficult[which]:
            counts[row] = False
        elif which not in found:
            found.add(which)
            right[row] = True
    return right, counts


def judge_all(
    predicted: Sequence[Detections], true: Sequence[Boxes], class_names: Sequence[str]
) -> dict[str, Judged]:
    """Which detections are right, once for all numbers that are taken from it.

    Args:
        predicted: what was found in each image.
        true: what is there, parallel to ``predicted``.
        class_names: the C classes.

    Returns:
        By class; classes are left out that have nothing to find.

    Raises:
        ValueError: the two differ in length.
    """
    if len(predicted) != len(true):
        raise ValueError(f"detections in {len(predicted)} images, objects in {len(true)}")
    classes = {}
    for name in class_names:
        scores, rights, images, objects = [], [], [], []
        for row, (found, there) in enumerate(zip(predicted, true, strict=True)):
            boxes, likelihoods = _of_class(name, found)
            mine = [k for k, label in enumerate(there.labels) if label == name]
            difficult = torch.tensor([there.difficult[k] for k in mine], dtype=torch.bool)
            wanted = torch.tensor([there.boxes[k] for k in mine]).reshape(-1, 4)
            objects.append(int((~difficult).sum()))
            right, counts = judge(boxes, wanted, difficult)
            scores.append(likelihoods[counts])
            rights.append(right[counts])
            images.append(torch.full((int(counts.sum()),), row))
        if sum(objects) > 0:
            order = torch.cat(scores).argsort(descending=True, stable=True)
            classes[name] = Judged(torch.cat(rights)[order], torch.cat(images)[order], torch.tensor(objects))
    return classes


def average_precision(right: Tensor, objects: int, *, method: Method, times: Tensor | None = None) -> float:
    """Average precision of one class.

    Args:
        right: (n,) bool, all detections that count, likeliest first.
        objects: how many there are to find, at least 1.
        method: how the curve becomes a number.
        times: (n,) how often each detection stands in the list, whole numbers from 0. Default: once.

    Returns:
        In [0, 1].

    >>> average_precision(torch.tensor([True, False, True]), 2, method="area")
    0.8333...
    """
    times = torch.ones(len(right)) if times is None else times
    right, times = right[times > 0], times[times > 0].double()
    found = (right * times).cumsum(0)
    recall = found / objects
    precision = found / times.cumsum(0)
    # What precision a recall of at least r can be had at: the largest from there on.
    best = precision.flip(0).cummax(0).values.flip(0) if len(right) else precision
    if method == "11-point":
        points = [best[recall >= r - 1e-9] for r in torch.linspace(0, 1, 11, dtype=torch.float64).tolist()]
        return sum(float(p[0]) for p in points if len(p)) / 11
    steps = recall.diff(prepend=torch.zeros(1, dtype=torch.float64))
    return float((best * steps).sum())


def mean_average_precision(
    judged: Mapping[str, Judged], *, method: Method = "11-point"
) -> MeanAveragePrecision:
    """Average precision of each class and their mean.

    Args:
        judged: all detections by class, see :func:`judge_all`.
        method: 11 points, the paper's headline for VOC 2007, or area.

    >>> found = [Detections("a", ((0, 0, 9, 9),), ("cat",), (0.9,))]
    >>> true = [Boxes(((0, 0, 9, 9), (20, 20, 40, 40)), ("cat", "cat"))]
    >>> mean_average_precision(judge_all(found, true, ["cat"]), method="area").mean
    0.5
    """
    objects = {name: int(each.objects.sum()) for name, each in judged.items()}
    per_class = {
        name: average_precision(each.right, objects[name], method=method) for name, each in judged.items()
    }
    mean = sum(per_class.values()) / len(per_class) if per_class else math.nan
    return MeanAveragePrecision(mean, per_class, objects)


def mean_average_precision_interval(
    judged: Mapping[str, Judged],
    *,
    method: Method = "11-point",
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> tuple[float, float] | None:
    """Where the mean would lie on other images: the middle 95 % over images drawn anew with replacement.

    The percentile interval of the bootstrap. It knows how images differ and not how another training would;
    with few images it is too narrow, since they show less than there is. A draw without any object says
    nothing and is left out.

    Args:
        judged: all detections by class, see :func:`judge_all`.
        method: as that of the mean.
        rng: draws.
        replicates: how many draws.

    Returns:
        The two ends, in [0, 1]; None when there is nothing to find.
    """
    if not judged:
        return None
    images = len(next(iter(judged.values())).objects)
    means = []
    for _ in range(replicates):
        drawn = rng.integers(images, size=images)
        times = torch.from_numpy(np.bincount(drawn, minlength=images))
        parts = [
            average_precision(each.right, total, method=method, times=times[each.images])
            for each in judged.values()
            if (total := int((each.objects * times).sum()))
        ]
        means += [sum(parts) / len(parts)] if parts else []
    if not means:
        return None
    low, high = np.percentile(means, [2.5, 97.5]).tolist()
    return low, high


def _of_class(name: str, found: Detections) -> tuple[Tensor, Tensor]:
    """Boxes (n, 4) and scores (n,) of one class in one image, likeliest first."""
    rows = [row for row, label in enumerate(found.labels) if label == name]
    scores = torch.tensor([found.scores[row] for row in rows])
    order = scores.argsort(descending=True, stable=True)
    return torch.tensor([found.boxes[row] for row in rows]).reshape(-1, 4)[order], scores[order]

"""From what anchors say to a list of objects: non-maximum suppression."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ncenet.functional._precision import at_least_float32

OVERLAP = 0.45
"""Of two boxes of a class that overlap more, the less likely is dropped (SSD, Sec. 3)."""
LEAST = 0.01
"""Likelihood below which a box is no object (SSD, Sec. 3)."""
CANDIDATES = 400
"""Boxes of a class that are looked at (SSD's public implementation)."""
MOST = 200
"""Objects of an image (SSD, Sec. 3)."""


class KeptObjects(NamedTuple):
    """The objects found in one image, likeliest first.

    Attributes:
        boxes: (n, 4).
        scores: (n,), likelihoods.
        classes: (n,) class indices.
        anchors: (n,) which anchor said so.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    anchors: Tensor


def find_objects(scores: Tensor, boxes: Tensor) -> KeptObjects:
    """Per-class non-maximum suppression on one image.

    Args:
        scores: (A, C), likelihood of each class but the background.
        boxes: (A, 4).

    Returns:
        At most 200 objects; an anchor may speak for several classes.
    """
    from torchvision.ops import batched_nms

    scores, boxes = at_least_float32(scores), at_least_float32(boxes)
    likeliest, anchors = scores.topk(min(CANDIDATES, len(scores)), dim=0)
    classes = torch.arange(scores.shape[1], device=scores.device).expand_as(anchors)
    likely = likeliest >= LEAST
    values, rows, labels = likeliest[likely], anchors[likely], classes[likely]
    kept = batched_nms(boxes[rows], values, labels, OVERLAP)[:MOST]
    return KeptObjects(boxes[rows[kept]], values[kept], labels[kept], rows[kept])


def survivors(scores: Tensor, boxes: Tensor) -> Tensor:
    """Anchors that speak for an object after suppression, for a whole chunk.

    Args:
        scores: (N, A, C), likelihood of each class but the background.
        boxes: (N, A, 4).

    Returns:
        (N, A) bool, at least one an image: when no anchor reaches the least likelihood, the likeliest stays.
    """
    kept = torch.zeros(scores.shape[:2], dtype=torch.bool, device=scores.device)
    for row, (of_image, where) in enumerate(zip(scores, boxes, strict=True)):
        found = find_objects(of_image, where).anchors
        kept[row, found if len(found) else of_image.amax(-1).argmax()] = True
    return kept

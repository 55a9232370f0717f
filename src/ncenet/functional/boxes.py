"""Boxes and anchors: overlap, the code by which a network moves an anchor, and who learns what.

Boxes are (x1, y1, x2, y2) in any one unit: pixels, or parts of the image. Letters: A anchors, M objects.

Source: Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016. Deviation (ours): anchors over a difficult
object are ignored, so that it is neither learned nor punished.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ncenet.functional._precision import at_least_float32

CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
"""What the code of centre and size is divided by (SSD's public implementation)."""
LARGEST_GROWTH = 4.0
"""Limit of the decoded log of a size: exp(4) = 55 times the anchor, where a wild output is cut off (ours)."""
MATCHED = 0.5
"""Least overlap of an anchor with the object that it learns (SSD, Sec. 2.2)."""
IGNORED = -1
"""Class of an anchor that is neither positive nor negative."""


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of every pair.

    Args:
        boxes: (M, 4).
        others: (A, 4).

    Returns:
        (M, A) in [0, 1]; 0 where both boxes have no area.

    >>> iou(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]]))
    tensor([[0.3333, 0.0000]])
    """
    boxes, others = at_least_float32(boxes)[:, None], at_least_float32(others)[None]
    low, high = torch.maximum(boxes, others), torch.minimum(boxes, others)
    sides = (high[..., 2:] - low[..., :2]).clamp_min(0)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(boxes) + _area(others) - shared
    return torch.where(union > 0, shared / union, 0.0)


def encode_boxes(boxes: Tensor, anchors: Tensor) -> Tensor:
    """What a network has to say for an anchor to become a box: shift of the centre, log of the growth.

    Args:
        boxes: (..., 4), with area.
        anchors: (..., 4), with area.

    Returns:
        (..., 4): (dx, dy) in anchor sizes over .1, (log w, log h) of the ratio over .2.
    """
    center, size = _center_and_size(boxes)
    anchor_center, anchor_size = _center_and_size(anchors)
    shift = (center - anchor_center) / anchor_size / CENTER_VARIANCE
    growth = (size / anchor_size).log() / SIZE_VARIANCE
    return torch.cat([shift, growth], -1)


def decode_boxes(code: Tensor, anchors: Tensor) -> Tensor:
    """The boxes that a network means; inverse of :func:`encode_boxes` up to a growth of exp(4).

    Args:
        code: (..., 4).
        anchors: (..., 4), with area.

    Returns:
        (..., 4) in float32 (float64 stays), with area.

    >>> anchor = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    >>> decode_boxes(torch.tensor([[5.0, 0.0, 0.0, 0.0]]), anchor)
    tensor([[1., 0., 3., 2.]])
    """
    code = at_least_float32(code)
    anchor_center, anchor_size = _center_and_size(anchors)
    center = anchor_center + code[..., :2] * CENTER_VARIANCE * anchor_size
    size = anchor_size * (code[..., 2:] * SIZE_VARIANCE).clamp_max(LARGEST_GROWTH).exp()
    return torch.cat([center - size / 2, center + size / 2], -1)


def match(anchors: Tensor, boxes: Tensor) -> Tensor:
    """Which object each anchor learns (SSD, Sec. 2.2).

    First every object gets one anchor of its own, the pair with the largest overlap of all first; then every
    other anchor gets the object that it overlaps most, from .5 on.

    Args:
        anchors: (A, 4).
        boxes: (M, 4), M >= 0.

    Returns:
        (A,) positions in ``boxes``, -1 for none. An object that overlaps no anchor gets none.

    >>> anchors = torch.tensor([[0.0, 0.0, 2.0, 2.0], [4.0, 0.0, 6.0, 2.0]])
    >>> match(anchors, torch.tensor([[3.0, 0.0, 5.0, 2.0]]))
    tensor([-1,  0])
    """
    if not len(boxes):
        return torch.full((len(anchors),), -1, device=anchors.device)
    overlap = iou(boxes, anchors)
    best, owner = overlap.max(0)
    matches = torch.where(best >= MATCHED, owner, -1)
    for _ in range(min(boxes.shape[0], anchors.shape[0])):
        pair = int(overlap.argmax())
        row, column = divmod(pair, len(anchors))
        if overlap[row, column] <= 0:
            break
        matches[column] = row
        overlap[row], overlap[:, column] = 0, 0
    return matches


def anchor_targets(
    anchors: Tensor, boxes: Tensor, classes: Tensor, difficult: Tensor, *, background: int
) -> tuple[Tensor, Tensor]:
    """What each anchor of one image has to say.

    Args:
        anchors: (A, 4).
        boxes: (M, 4) with area, M >= 0.
        classes: (M,) class indices.
        difficult: (M,) bool.
        background: class of anchors without an object.

    Returns:
        Classes (A,): that of the object, ``background``, or -1 where only a difficult object is; and the
        codes (A, 4) of the boxes, 0 where there is no object.
    """
    easy, hard = boxes[~difficult], boxes[difficult]
    matches = match(anchors, easy)
    positive = matches >= 0
    wanted = torch.full((len(anchors),), background, device=anchors.device)
    codes = torch.zeros_like(anchors)
    if len(hard):
        wanted[iou(hard, anchors).amax(0) >= MATCHED] = IGNORED
    if len(easy):
        wanted[positive] = classes[~difficult][matches[positive]]
        codes[positive] = encode_boxes(easy[matches[positive]], anchors[positive])
    return wanted, codes


def _area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    return sides[..., 0] * sides[..., 1]


def _center_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low

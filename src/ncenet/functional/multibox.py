"""The loss of a detector: classes on objects and on the hardest background, boxes on objects.

Source: Liu et al., SSD, ECCV 2016, Sec. 2.2, with the classification loss of either head. Deviation (ours):
an image without objects still learns three anchors of its background.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from ncenet.functional._precision import at_least_float32

NEGATIVES_PER_POSITIVE = 3
"""Hard-negative mining takes at most so many background anchors for each anchor on an object (Sec. 2.2)."""


class MultiboxLoss(NamedTuple):
    """The loss of a batch.

    Attributes:
        loss: scalar, the sum over the images by the number of positives of the batch (at least 1).
        losses: (B,), the sum of each image by its own number of positives (at least 1).
    """

    loss: Tensor
    losses: Tensor


def learned_anchors(losses: Tensor, wanted: Tensor, *, background: int) -> Tensor:
    """The anchors whose class is learned: those on objects, and the hardest background of each image.

    Hardest are the background anchors with the largest loss, which are most taken for something else.

    Args:
        losses: (B, A), the head's loss of each anchor if its class is the background.
        wanted: (B, A): ``background``, an object's class, or -1 where neither counts.
        background: its class index.

    Returns:
        (B, A) bool. Three of the background for each anchor on an object of the image, three if there is
        none, fewer if there are fewer.

    >>> losses, wanted = torch.tensor([[1.0, 5.0, 2.0, 4.0, 3.0, 9.0]]), torch.tensor([[2, 0, 2, 2, 2, -1]])
    >>> learned_anchors(losses, wanted, background=2)
    tensor([[False,  True,  True,  True,  True, False]])
    """
    positive, negative = _positive(wanted, background), wanted == background
    ranked = torch.where(negative, losses, -torch.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(losses.shape[1], device=losses.device)
    among_first = places < NEGATIVES_PER_POSITIVE * positive.sum(1, keepdim=True).clamp_min(1)
    return positive | (torch.zeros_like(negative).scatter(1, ranked, among_first) & negative)


def multibox_loss(
    class_losses: Tensor,
    codes: Tensor,
    learned: Tensor,
    wanted: Tensor,
    wanted_codes: Tensor,
    *,
    background: int,
) -> MultiboxLoss:
    """SSD's loss.

    Args:
        class_losses: (n,), the head's loss of each learned anchor for its wanted class, summed over classes.
        codes: (B, A, 4), what the network says of the boxes.
        learned: (B, A) bool, n of them; see :func:`learned_anchors`.
        wanted: (B, A): ``background``, an object's class, or -1 where neither counts.
        wanted_codes: (B, A, 4).
        background: its class index.
    """
    positive = _positive(wanted, background)
    of_boxes = smooth_l1_loss(
        at_least_float32(codes[positive]), wanted_codes[positive], reduction="none"
    ).sum(-1)
    sums = torch.zeros(len(wanted), dtype=of_boxes.dtype, device=of_boxes.device)
    sums = sums.index_add(0, learned.nonzero()[:, 0], class_losses.to(sums.dtype))
    sums = sums.index_add(0, positive.nonzero()[:, 0], of_boxes)
    positives = positive.sum(1)
    return MultiboxLoss(sums.sum() / positives.sum().clamp_min(1), sums / positives.clamp_min(1))


def _positive(wanted: Tensor, background: int) -> Tensor:
    return (wanted >= 0) & (wanted != background)

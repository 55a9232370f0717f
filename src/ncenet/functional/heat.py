"""Where in an image the scores of its anchors are high."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ncenet.functional._precision import at_least_float32


def heat_map(scores: Tensor, anchors: Tensor, *, width: int, height: int, blur: int = 1) -> Tensor:
    """At each pixel, the mean score of the anchors that cover it, each weighted by one over its area.

    So a small anchor says as much on its few pixels as a large one on its many, and what the map adds up to
    under equal scores is flat: only differences between anchors show (ours).

    Args:
        scores: (A,).
        anchors: (A, 4) as x1, y1, x2, y2 in pixels; they may reach beyond the image.
        width: of the image, in pixels.
        height: of the image, in pixels.
        blur: odd number of pixels over which anchors are smeared, so that the grid in which they lie is not
            taken for something in the image.

    Returns:
        (height, width) in float32. A pixel that no anchor covers gets the mean of all scores.

    >>> heat_map(torch.tensor([1.0, 3.0]), torch.tensor([[0, 0, 2, 1], [1, 0, 3, 1.0]]), width=3, height=1)
    tensor([[1., 2., 3.]])
    """
    scores, anchors = at_least_float32(scores), at_least_float32(anchors)
    limits = torch.tensor([width, height, width, height])
    x1, y1, x2, y2 = torch.minimum(anchors.clamp_min(0), limits).round().long().unbind(1)
    weights = 1 / ((anchors[:, 2] - anchors[:, 0]) * (anchors[:, 3] - anchors[:, 1])).clamp_min(1)
    # Summed area tables: a rectangle is four corners, and two running sums fill it. In float64, because what
    # is added at one corner has to cancel out at another.
    corners = torch.zeros(2, height + 1, width + 1, dtype=torch.float64)
    weighted = torch.stack([scores * weights, weights]).double()
    for y, x, sign in ((y1, x1, 1), (y1, x2, -1), (y2, x1, -1), (y2, x2, 1)):
        corners.view(2, -1).index_add_(1, y * (width + 1) + x, sign * weighted)
    sums = corners.cumsum(1).cumsum(2)[:, :height, :width]
    for _ in range(2):  # twice: once would leave edges of its own
        sums = avg_pool2d(sums, blur, stride=1, padding=blur // 2)
    total, weight = sums
    covered = weight > 1e-9 * weights.max()
    return torch.where(covered, total / weight, scores.double().mean()).float()

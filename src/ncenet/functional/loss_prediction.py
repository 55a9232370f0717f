"""Learning to rank images by their loss, which is what LL4AL needs (Yoo and Kweon, CVPR 2019)."""

from __future__ import annotations

from torch import Tensor

from ncenet.functional._precision import at_least_float32

MARGIN = 1.0
"""Least lead of the image with the larger loss (Sec. 3.3 of LL4AL)."""


def pair_loss(predicted: Tensor, losses: Tensor, *, margin: float = MARGIN) -> Tensor:
    """Hinge loss on the order of pairs: the image with the larger loss shall be predicted the larger one.

    Of a batch l_0 .. l_{2B-1} the pairs are (l_i, l_{2B-1-i}), and each costs
    max(0, -sign(l_i - l_j) (predicted_i - predicted_j) + margin), with sign -1 where both are equal (Eq. 2 of
    LL4AL). Only the order of the losses counts, so no scale has to be learned.

    Args:
        predicted: (B,).
        losses: (B,), one loss an image; no gradient flows into them. An odd batch leaves out its last image.
        margin: least lead of the larger one, in units of ``predicted``.

    Returns:
        Scalar, the mean over the pairs, in float32 (float64 stays), at least 0; 0 without any pair.

    Raises:
        ValueError: there is not one loss for each prediction.

    >>> import torch
    >>> pair_loss(torch.tensor([2.0, 0.0, 0.5, 0.0]), torch.tensor([3.0, 1.0, 2.0, 0.5]))
    tensor(0.2500)
    """
    if predicted.ndim != 1 or predicted.shape != losses.shape:
        raise ValueError(
            f"pair_loss needs one loss an image: predicted has shape {tuple(predicted.shape)}, losses "
            f"{tuple(losses.shape)}"
        )
    predicted = at_least_float32(predicted)
    even = len(predicted) // 2 * 2
    if even == 0:
        return predicted.sum() * 0  # part of the graph still, as several processes expect
    first, second = slice(0, even // 2), slice(even // 2, even)
    # Eq. 2: the second half, turned round, is the partner of the first.
    larger = (losses[first] > losses[second].flip(0)).to(predicted.dtype) * 2 - 1
    return (margin - larger * (predicted[first] - predicted[second].flip(0))).clamp_min(0).mean()

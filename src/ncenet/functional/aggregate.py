"""From the scores of an image's anchors to the score of the image.

The paper is silent on it; the mean over all anchors is the default (ours). Higher = more informative, like
the scores of the anchors.
"""

from __future__ import annotations

from torch import Tensor

from ncenet.functional._precision import at_least_float32
from ncenet.functional.suppression import survivors
from ncenet.recipe import Aggregate


def top_k_mean(scores: Tensor, k: int) -> Tensor:
    """Mean of the k largest scores.

    Args:
        scores: (..., A).
        k: at least 1; all scores are taken when there are fewer.

    Returns:
        (...).

    Raises:
        ValueError: ``k`` is below 1.

    >>> import torch
    >>> top_k_mean(torch.tensor([[1.0, 5.0, 3.0]]), 2)
    tensor([4.])
    """
    if k < 1:
        raise ValueError(f"k must be >= 1, got {k}")
    return at_least_float32(scores).topk(min(k, scores.shape[-1]), dim=-1).values.mean(-1)


def aggregate(
    scores: Tensor,
    how: Aggregate = "mean",
    *,
    k: int = 100,
    probs: Tensor | None = None,
    boxes: Tensor | None = None,
) -> Tensor:
    """One score an image.

    Args:
        scores: (N, A), of each anchor.
        how: ``"mean"`` over all anchors; ``"top-k"`` mean of the k largest; ``"max"``; ``"nms-sum"`` and
            ``"nms-mean"`` over the anchors that survive non-maximum suppression, at least one an image.
        k: for ``"top-k"``.
        probs: (N, A, C + 1), background last; for suppression.
        boxes: (N, A, 4); for suppression.

    Returns:
        (N,). A nan among the scores that count comes through.

    Raises:
        ValueError: suppression without probabilities and boxes, or ``k`` below 1.

    >>> import torch
    >>> aggregate(torch.tensor([[1.0, 5.0, 3.0]])), aggregate(torch.tensor([[1.0, 5.0, 3.0]]), "max")
    (tensor([3.]), tensor([5.]))
    """
    scores = at_least_float32(scores)
    match how:
        case "mean":
            return scores.mean(-1)
        case "top-k":
            return top_k_mean(scores, k)
        case "max":
            return scores.amax(-1)
        case "nms-sum" | "nms-mean":
            if probs is None or boxes is None:
                raise ValueError(f"{how} needs probabilities and boxes of the anchors")
            kept = survivors(probs[..., :-1], boxes)
            sums = scores.where(kept, 0).sum(-1)
            return sums if how == "nms-sum" else sums / kept.sum(-1)
    raise ValueError(f"no aggregation {how!r}")

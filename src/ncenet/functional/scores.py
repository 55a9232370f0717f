"""Score functions: from the likelihoods of an image's classes to one number, higher = more informative.

All are pure and see one row at a time, so any chunking of a pool, and the anchors of a detector, give the
same numbers: ``(..., C) -> (...)``. Logarithms are natural. Half precision is scored in float32.
Nothing is repaired: a nan goes in and comes out.

Paper symbols: p_c(f_x) is ``probs[..., c]``. Deviations: none.
"""

from __future__ import annotations

from torch import Tensor
from torch.special import entr

from ncenet.functional._precision import at_least_float32


def rejection(probs: Tensor) -> Tensor:
    """How far the image is from every class (Eq. 8): sum_c (1 - p_c).

    Args:
        probs: (..., C) in [0, 1]; rows need not sum to one. (When they do, all images score C - 1.)

    Returns:
        (...) in [0, C]; C when no class claims the image.

    >>> import torch
    >>> rejection(torch.tensor([[0.0, 0.0], [1.0, 0.25]]))
    tensor([2.0000, 0.7500])
    """
    return (1 - at_least_float32(probs)).sum(-1)


def confusion(probs: Tensor) -> Tensor:
    """How close the classes are to the likeliest one (Eq. 9): sum_c (1 + p_c - max_c p_c).

    The sum includes the likeliest class. It is 2C - C max_c p_c minus the rejection.

    Args:
        probs: (..., C) in [0, 1]; rows need not sum to one.

    Returns:
        (...) in [1, C]; C when all classes are equally likely.

    >>> import torch
    >>> confusion(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([2., 1.])
    """
    probs = at_least_float32(probs)
    return (1 + probs - probs.amax(-1, keepdim=True)).sum(-1)


def entropy(probs: Tensor) -> Tensor:
    """Shannon entropy of the classes, in nats: -sum_c p_c log p_c.

    Args:
        probs: (..., C) in [0, 1], rows that sum to one: normalise those of an NCE head first.

    Returns:
        (...) in [0, log C].

    >>> import torch
    >>> entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([0.6931, 0.0000])
    """
    terms: Tensor = entr(at_least_float32(probs))
    return terms.sum(-1)


def binary_entropy(probs: Tensor) -> Tensor:
    """Mean over the classes of the entropy of "this class or not", in nats ("BEntropy" in the paper).

    Args:
        probs: (..., C) in [0, 1]; rows need not sum to one.

    Returns:
        (...) in [0, log 2].

    >>> import torch
    >>> binary_entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([0.6931, 0.0000])
    """
    probs = at_least_float32(probs)
    terms: Tensor = entr(probs) + entr(1 - probs)
    return terms.mean(-1)


def margin(probs: Tensor) -> Tensor:
    """How narrowly the likeliest class wins: second largest likelihood minus the largest.

    Args:
        probs: (..., C) in [0, 1], C >= 2; rows need not sum to one.

    Returns:
        (...) in [-1, 0]; 0 when two classes share the lead.

    Raises:
        ValueError: there is only one class.

    >>> import torch
    >>> margin(torch.tensor([[0.5, 0.25, 0.25]]))
    tensor([-0.2500])
    """
    if probs.shape[-1] < 2:
        raise ValueError(f"margin compares two classes: probs has shape {tuple(probs.shape)}, C must be >= 2")
    largest, second = at_least_float32(probs).topk(2, dim=-1).values.unbind(-1)
    return second - largest


def least_confidence(probs: Tensor) -> Tensor:
    """How unlikely the likeliest class is: 1 - max_c p_c.

    Args:
        probs: (..., C) in [0, 1]; rows need not sum to one.

    Returns:
        (...) in [0, 1].

    >>> import torch
    >>> least_confidence(torch.tensor([[0.75, 0.25]]))
    tensor([0.2500])
    """
    return 1 - at_least_float32(probs).amax(-1)


def vote_entropy(samples: Tensor) -> Tensor:
    """How a committee's votes for the likeliest class are divided, in nats (Dagan and Engelson 1995).

    Args:
        samples: (M, ..., C), likelihoods that each of M members gives; rows need not sum to one. A member
            whose largest likelihood is shared by several classes divides its vote between them.

    Returns:
        (...) in [0, log C], and at most log M unless votes are divided; 0 when all vote for one class.

    >>> import torch
    >>> vote_entropy(torch.tensor([[[0.9, 0.1], [0.9, 0.1]], [[0.6, 0.4], [0.4, 0.6]]]))
    tensor([0.0000, 0.6931])
    """
    samples = at_least_float32(samples)
    votes = (samples == samples.amax(-1, keepdim=True)).to(samples.dtype)
    # Of a row with a nan nothing is the largest: 0 / 0, and the nan comes out.
    return entropy((votes / votes.sum(-1, keepdim=True)).mean(0))


def consensus_entropy(samples: Tensor) -> Tensor:
    """Entropy of what a committee says on average, in nats: whether members disagree, or all are unsure.

    Args:
        samples: (M, ..., C), probabilities that each of M members gives, rows that sum to one.

    Returns:
        (...) in [0, log C]; the mean entropy of the members and their :func:`bald` together.

    >>> import torch
    >>> consensus_entropy(torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]))
    tensor([0.6931, 0.6931])
    """
    return entropy(at_least_float32(samples).mean(0))


def bald(samples: Tensor) -> Tensor:
    """What the passes of a stochastic network disagree on: entropy of their mean less their mean entropy.

    The mutual information of label and weights (Houlsby et al. 2011; by dropout, Gal et al. 2017).

    Args:
        samples: (M, ..., C), probabilities of M >= 2 passes, rows that sum to one.

    Returns:
        (...) in [0, log C], in nats. Rounding below 0 is clamped.

    Raises:
        ValueError: there are fewer than two passes, which cannot disagree.

    >>> import torch
    >>> bald(torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]))
    tensor([0.6931, 0.0000])
    """
    if samples.ndim < 2 or samples.shape[0] < 2:
        raise ValueError(
            f"bald compares passes: samples (M, N, C) has shape {tuple(samples.shape)}, M must be >= 2"
        )
    samples = at_least_float32(samples)
    return (entropy(samples.mean(0)) - entropy(samples).mean(0)).clamp_min(0)

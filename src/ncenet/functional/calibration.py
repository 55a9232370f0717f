"""Calibration: whether images that are given 70 % are right seven times of ten, and what makes it so.

A temperature T flattens (T > 1) or sharpens (T < 1) all rows alike and changes no decision: p_c^(1/T), made
to sum to one. It is found on images that the model has not learned from.

Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017; the binned error
is Naeini, Cooper and Hauskrecht's, AAAI 2015.
"""

from __future__ import annotations

import math
import warnings
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from ncenet.functional._precision import at_least_float32

BINS = 15
"""Bins of equal width (Guo et al.)."""
TEMPERATURES = torch.logspace(-2, 2, 161)
"""Temperatures that are tried (ours): a twentieth of a decade apart, 1 among them."""
FOLDS = 5
"""Parts of the labelled set, each predicted by a classifier that learned the others (ours)."""
TINY = 1e-12
"""A likelihood below this part of the largest of its row, or a target's share, counts as it (ours)."""
RIDGE = 0.01
"""Pull of that classifier's weights towards 0, in labelled images: one over scikit-learn's C (ours)."""


class Bin(NamedTuple):
    """Images whose likeliest class has about the same probability.

    Attributes:
        images: how many.
        confidence: mean probability of their likeliest class.
        accuracy: the part of them that is right.
    """

    images: int
    confidence: float
    accuracy: float


def reliability(probs_NC: Tensor, targets_N: Tensor, bins: int = BINS) -> list[Bin]:
    """What a reliability diagram shows: accuracy by confidence, in bins of equal width; empty ones left out.

    Args:
        probs_NC: (N, C), rows that sum to one.
        targets_N: (N,) class indices.
        bins: how many.

    >>> reliability(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1]), bins=2)
    [Bin(images=2, confidence=0.75, accuracy=0.5)]
    """
    confidence, guess = at_least_float32(probs_NC).max(1)
    right = (guess == targets_N).float()
    place = (confidence * bins).long().clamp(0, bins - 1)
    found = []
    for each in place.unique().tolist():
        of_bin = place == each
        found.append(Bin(int(of_bin.sum()), float(confidence[of_bin].mean()), float(right[of_bin].mean())))
    return found


def calibration_error(probs_NC: Tensor, targets_N: Tensor, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over the bins, by their counts.

    Returns:
        In [0, 1]; 0 for no images.

    >>> round(calibration_error(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1]), bins=2), 4)
    0.25
    """
    found = reliability(probs_NC, targets_N, bins) if len(targets_N) else []
    return sum(each.images * abs(each.confidence - each.accuracy) for each in found) / max(len(targets_N), 1)


def tempered(log_probs: Tensor, temperature: float) -> Tensor:
    """Rows p_c^(1/T), made to sum to one.

    Args:
        log_probs: (..., C), log-likelihoods or logits.
        temperature: T, positive; inf makes all rows uniform.

    >>> tempered(torch.tensor([[0.8, 0.2]]).log(), 0.5)
    tensor([[0.9412, 0.0588]])
    """
    return (at_least_float32(log_probs) / temperature).softmax(-1)


def logarithms(probs: Tensor) -> Tensor:
    """Logarithms of likelihoods (..., C), finite also where they are 0.

    What is far below the largest of its row counts as :data:`TINY` of it. Below a number that is the same for
    all rows, a head whose radius is small would say of an image that all classes are alike.

    >>> logarithms(torch.tensor([[0.5, 0.0], [1e-30, 0.0]])).diff()
    tensor([[-27.6310],
            [-27.6310]])
    """
    logs = probs.log()
    least = math.log(torch.finfo(torch.float32).tiny)  # where all are 0
    return torch.maximum(logs, logs.amax(-1, keepdim=True).clamp_min(least) + math.log(TINY))


def as_shares(probs: Tensor, temperature: float) -> Tensor:
    """Likelihoods (..., C), each as :func:`logarithms` takes it, as shares that a temperature makes honest.

    >>> as_shares(torch.tensor([[0.08, 0.02]]), 0.5)
    tensor([[0.9412, 0.0588]])
    """
    return tempered(logarithms(probs), temperature)


def find_temperature(
    log_probs_NC: Tensor, targets_N: Tensor, *, by: Literal["error", "likelihood"] = "likelihood"
) -> float:
    """The temperature of 161 in [0.01, 100] that fits images on which the model has not learned.

    Args:
        log_probs_NC: (N, C) what the model says of them, not -inf for all classes of an image.
        targets_N: (N,) what they are.
        by: ``"likelihood"`` of the targets is made largest (Guo et al.), or the binned ``"error"`` smallest.

    Returns:
        T; 1 when there are no images. Of equally good ones that which is nearest to 1.

    >>> find_temperature(torch.tensor([[9.0, 0.0], [9.0, 0.0]]), torch.tensor([0, 1]))
    100.0
    """
    if not len(targets_N):
        return 1.0
    losses = []
    for temperature in TEMPERATURES.tolist():
        probs = tempered(log_probs_NC, temperature)
        if by == "error":
            losses.append(calibration_error(probs, targets_N))
        else:
            right = probs.gather(1, targets_N[:, None]).double()
            losses.append(float(-right.clamp_min(TINY).log().mean()))
    best = min(losses)
    near = [t for t, loss in zip(TEMPERATURES.tolist(), losses, strict=True) if loss <= best + 1e-9]
    return float(min(near, key=lambda t: (abs(torch.tensor(t).log().item()), t)))


def out_of_fold(
    features_LD: Tensor, targets_L: Tensor, *, rng: Generator, folds: int = FOLDS
) -> tuple[Tensor, Tensor]:
    """What a linear classifier says of each labelled image when it has learned the others.

    Logistic regression on each set of all parts but one, scored on that one. An image whose class is in no
    other part can't be predicted, and is left out.

    Args:
        features_LD: (L, D), finite.
        targets_L: (L,) class indices.
        rng: parts the labelled set.
        folds: how many parts.

    Returns:
        Log-probabilities (M, C) of M images at most L, C being one more than the largest index, and their
        targets (M,). M is 0 when there are not two classes to learn.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    L, C = len(targets_L), int(targets_L.max()) + 1 if len(targets_L) else 0
    # Ridge solutions lie in the span of the rows: L numbers say of L images what D do.
    rows = at_least_float32(features_LD).double()
    if rows.shape[1] > L and L:
        U, S, _ = torch.linalg.svd(rows, full_matrices=False)
        rows = U * S
    part = torch.randperm(L, generator=rng) % folds
    said, told = [torch.empty(0, C)], [targets_L[:0]]
    for fold in range(folds):
        learned = part != fold
        classes = targets_L[learned].unique()
        asked = (~learned & torch.isin(targets_L, classes)).nonzero().flatten()
        if len(classes) < 2 or not len(asked):
            continue
        model = LogisticRegression(C=1 / RIDGE, max_iter=2000, tol=1e-4)
        with threadpool_limits(1), warnings.catch_warnings():
            # Of a label or two a class it asks whether this is regression; scikit-learn has no option for it.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            model.fit(rows[learned].numpy(), targets_L[learned].numpy())
        log_probs = torch.full((len(asked), C), -torch.inf)
        logits = torch.from_numpy(model.decision_function(rows[asked].numpy()))
        if logits.dim() == 1:  # of two classes scikit-learn tells one number
            logits = torch.stack([torch.zeros_like(logits), logits], 1)
        log_probs[:, classes] = logits.log_softmax(1).float()
        said.append(log_probs)
        told.append(targets_L[asked])
    return torch.cat(said), torch.cat(told)

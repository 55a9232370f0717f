"""Shares: likelihoods made into numbers that mean how often a class is right.

The likelihoods of an NCE head need not sum to one, and say more about where the head stopped training than
about how often it is right. A share is q_c = p_c^s / sum_k p_k^s; its sharpness s is what makes the labels of
the held-out images likeliest (temperature scaling: Guo et al., On calibration of modern neural networks,
ICML 2017, on log p in the place of logits). One number is all that fifty images can carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST_IMAGES = 20
"""Fewer held-out images tell no sharpness (ours)."""
SHARPNESSES = np.geomspace(1 / 32, 32, 161)
"""Candidates (ours): sixteen to each doubling."""
TINY = 1e-12
"""A likelihood below this part of the largest of its row counts as it; a share of a target, too (ours)."""


def shares(likelihood_NC: npt.NDArray[np.floating], sharpness: float = 1.0) -> npt.NDArray[np.float64]:
    """Shares (N, C) in [0, 1]; rows sum to one.

    Args:
        likelihood_NC: at least 0.
        sharpness: 1 leaves the ratios as they are; above that the likeliest class gains.

    >>> shares(np.array([[0.3, 0.1]])).round(3).tolist(), shares(np.array([[0.3, 0.1]]), 2).round(3).tolist()
    ([[0.75, 0.25]], [[0.9, 0.1]])
    """
    likelihood = np.asarray(likelihood_NC, np.float64)
    # By the row: likelihoods of a head whose radius is small are all tiny, and still tell classes apart.
    largest = np.maximum(likelihood.max(-1, keepdims=True), np.finfo(np.float32).tiny)
    powers = np.maximum(likelihood / largest, TINY) ** sharpness
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def sharpness_of(
    likelihood_NC: npt.NDArray[np.floating], targets: Sequence[int], temperature: float | None = None
) -> float:
    """The sharpness that makes the labels of held-out images likeliest.

    Args:
        likelihood_NC: of the N held-out images, at least 0.
        targets: their N classes.
        temperature: that labels which were left out in turn tell, if they do.

    Returns:
        With fewer than :data:`LEAST_IMAGES` images one over the temperature, or 1 without.

    >>> likelihoods = np.tile([[0.55, 0.45], [0.45, 0.55]], (20, 1))
    >>> sharpness_of(likelihoods, [0, 1] * 20) > 10  # always right: as sure as can be
    True
    >>> sharpness_of(likelihoods, [0, 1, 1, 0] * 10) < 1  # right by chance
    True
    """
    if len(targets) < LEAST_IMAGES:
        return 1.0 if temperature is None else 1 / temperature
    rows = np.arange(len(targets))
    fits = [np.log(shares(likelihood_NC, s)[rows, list(targets)] + TINY).sum() for s in SHARPNESSES]
    return float(SHARPNESSES[int(np.argmax(fits))])

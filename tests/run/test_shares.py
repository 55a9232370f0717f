"""Shares of likelihoods: which class is the likeliest they never change, however small all of them are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.functional.calibration import as_shares
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.run.shares import SHARPNESSES, shares, sharpness_of

HEADS = {"learned": "shared", "wide": 2.0, "narrow": 0.05, "narrowest": 0.001}


def said_and_true(radius, N=200, C=7):
    """Likelihoods of a head whose prototypes lie where classes do, and the classes."""
    random = torch.Generator().manual_seed(0)
    head = PrototypeClassifier(8, C, radius=radius, projection=False)
    targets = torch.arange(N) % C
    with torch.no_grad():
        vectors = head.prototypes[targets, 0] + 1.2 * torch.randn(N, 8, generator=random)
        return head.probs(head(vectors)), targets


@pytest.mark.parametrize("radius", HEADS.values(), ids=HEADS)
def test_no_class_but_the_likeliest_has_the_largest_share(radius):
    probs, _ = said_and_true(radius)
    for sharpness in SHARPNESSES[[0, 80, -1]]:
        for made in (shares(probs.numpy(), sharpness), as_shares(probs, 1 / sharpness).numpy()):
            np.testing.assert_allclose(made.sum(1), 1, rtol=1e-5)
            of_likeliest = made[np.arange(len(made)), probs.argmax(1)]
            assert (of_likeliest >= made.max(1) - 1e-6).all()
            assert (of_likeliest > made.min(1)).all(), "it stands out, near all prototypes or far from all"


@pytest.mark.parametrize("radius", HEADS.values(), ids=HEADS)
def test_right_images_are_believed_as_often_as_they_are_right(radius):
    probs, targets = said_and_true(radius)
    right = (probs.argmax(1) == targets).float().mean().item()
    made = shares(probs.numpy(), sharpness_of(probs.numpy(), targets.tolist()))
    assert 0.5 < right < 0.95
    assert made.max(1).mean() == pytest.approx(right, abs=0.1)


def test_both_ways_to_make_shares_are_one():
    probs, _ = said_and_true("shared")
    np.testing.assert_allclose(shares(probs.numpy(), 2.0), as_shares(probs, 0.5).numpy(), rtol=1e-4)

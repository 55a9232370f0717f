"""Labels that look wrong: planted ones are found, and nothing is doubted by its own vote."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.run.doubts import RIDGE, doubts, left_out_shares, votes


def clusters(seed, count=200, classes=4):
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, count)
    features = np.eye(classes, 16)[targets] + 0.15 * random.normal(size=(count, 16))
    return features / np.linalg.norm(features, axis=1, keepdims=True), targets, random


@pytest.mark.parametrize("seed", range(3))
def test_planted_wrong_labels_come_first(seed):
    features, true, random = clusters(seed)
    given = true.copy()
    wrong = random.permutation(len(given))[:20]
    given[wrong] = (given[wrong] + 1) % 4
    found = doubts(left_out_shares(features, given, 4), votes(features, given, 4), given)
    assert len(set(found[:20]) & set(wrong.tolist())) >= 18


def test_what_is_left_out_is_what_a_fit_without_the_image_says():
    features, targets, _ = clusters(0, count=30)
    shares = left_out_shares(features, targets, 4)
    keep = np.arange(30) != 7
    kernel = features @ features.T + 1
    solved = np.linalg.solve(kernel[keep][:, keep] + RIDGE * np.eye(29), np.eye(4)[targets[keep]])
    said = kernel[7, keep] @ solved
    assert np.argmax(said) == np.argmax(shares[7])
    expected = np.exp(8 * said) / np.exp(8 * said).sum()
    assert shares[7] == pytest.approx(expected, abs=1e-6)


def test_nobody_votes_for_themselves():
    features = np.eye(3)
    assert votes(features, [0, 1, 1], 2)[0].tolist() == [0.0, 1.0]

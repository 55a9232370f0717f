"""Near copies: small angles are told from angles that are small everywhere."""

from __future__ import annotations

import numpy as np

from ncenet.run.copies import LARGEST, near_copies


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(features, k):
    cosines = features @ features.T
    np.fill_diagonal(cosines, -2)
    return np.argsort(-cosines, axis=1)[:, :k]


def scene(random, count, apart):
    """Images of one moment: a direction, and a little of others."""
    return unit(random.normal(size=64) + apart * random.normal(size=(count, 64)))


def test_bursts_are_found_among_others_and_kept_apart():
    random = np.random.default_rng(0)
    others = unit(random.normal(size=(60, 64)))
    features = np.concatenate([others, scene(random, 4, 0.05), scene(random, 3, 0.05)])
    stands = near_copies(features, nearest(features, 12))
    assert stands[:60].tolist() == list(range(60))
    assert stands[60:].tolist() == [60] * 4 + [64] * 3


def test_where_everything_lies_as_near_nothing_is_a_copy():
    random = np.random.default_rng(1)
    features = scene(random, 80, 0.1)
    near = nearest(features, 12)
    assert 1 - (features[0] @ features[near[0, 0]]) < LARGEST, "near enough elsewhere"
    assert near_copies(features, near).tolist() == list(range(80))


def test_a_long_drift_does_not_run_together():
    angles = np.linspace(0, np.pi / 2, 200)
    frames = np.stack([np.cos(angles), np.sin(angles)], 1)
    random = np.random.default_rng(2)
    far = unit(random.normal(size=(300, 64)))
    features = np.zeros((500, 66))
    features[:200, :2], features[200:, 2:] = frames, far
    stands = near_copies(features, nearest(features, 12))
    assert len(set(stands[:200].tolist())) > 5
    for row in range(200):
        assert 1 - features[row] @ features[stands[row]] <= LARGEST


def test_who_is_left_alone_stands_for_nobody():
    random = np.random.default_rng(3)
    features = np.concatenate([unit(random.normal(size=(30, 64))), scene(random, 3, 0.05)])
    near = nearest(features, 5)
    assert near_copies(features, near).tolist()[30:] == [30, 30, 30]
    hidden = near.copy()
    hidden[hidden == 30] = 0  # nobody's nearest
    assert near_copies(features, hidden, [30]).tolist()[30:] == [30, 31, 31]

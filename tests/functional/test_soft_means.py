from functools import partial

import pytest
import torch

from ncenet.functional.soft_means import soft_means as sharp_means
from tests.reference.soft_means import soft_means as slow

C, D, N = 4, 3, 12
soft_means = partial(sharp_means, sharpness=4.0)


def made(seed=0):
    rng = torch.Generator().manual_seed(seed)
    own, points = (2 * torch.randn(n, D, generator=rng, dtype=torch.float64) for n in (C, N))
    return own, torch.tensor([2, 0, 1, 5]), points


def likelihoods(points, absent=None):
    def log_likelihood(prototypes):
        said = -torch.cdist(points, prototypes).square() / 2
        return said if absent is None else said.index_fill(1, torch.tensor([absent]), -1e4)

    return log_likelihood


@pytest.mark.parametrize("weight", [0.5, 2.0, 100.0])
@pytest.mark.parametrize("rounds", [1, 5])
def test_it_equals_loops(weight, rounds):
    own, counts, points = made()
    of = likelihoods(points, absent=1)
    expected = slow(
        own.tolist(), counts.tolist(), points.tolist(),
        lambda moved: of(torch.tensor(moved, dtype=torch.float64)).tolist(), weight, rounds,
    )  # fmt: skip
    found = soft_means(own, counts, points, of, weight=weight, rounds=rounds)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    assert torch.equal(found[1], own[1]), "a class without a label has no prototype to be moved"


def test_what_every_class_rejects_pulls_at_nobody():
    own, counts, points = made()
    far = torch.full((50, D), 40.0, dtype=torch.float64)
    alone = soft_means(own, counts, points, likelihoods(points), weight=2.0)
    both = torch.cat([points, far])
    torch.testing.assert_close(soft_means(own, counts, both, likelihoods(both), weight=2.0), alone)


def test_points_pull_no_more_than_their_weight():
    own = torch.zeros(1, D, dtype=torch.float64)
    for count, weight in ((1, 2.0), (3, 0.5)):
        crowd = torch.full((1000, D), 0.1, dtype=torch.float64)
        found = soft_means(own, torch.tensor([count]), crowd, likelihoods(crowd), weight=weight)
        torch.testing.assert_close(found, 0.1 * weight / (1 + weight) * torch.ones(1, D, dtype=torch.float64))


def test_without_points_or_weight_nothing_moves():
    own, counts, points = made()
    torch.testing.assert_close(soft_means(own, counts, points, likelihoods(points), weight=0.0), own)
    none = points[:0]
    torch.testing.assert_close(soft_means(own, counts, none, likelihoods(none), weight=2.0), own)

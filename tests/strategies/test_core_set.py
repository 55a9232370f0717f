"""Core-set: the greedy order, by ids."""

import pytest
import torch

from ncenet.errors import UsageError
from ncenet.strategies.core_set import CoreSet
from tests.contracts.fakes import fake_view


def greedy(view, query_size):
    """The definition, by loops over ids."""
    points = dict(zip(view.ids, view.pool.features.double(), strict=True))
    centers = list(view.labeled.features.double())
    picks = []
    for _ in range(query_size):
        distance = {
            image: min(float((point - center).square().sum()) for center in centers)
            for image, point in points.items()
            if image not in [pick for pick, _ in picks]
        }
        best = max(distance, key=distance.__getitem__)
        picks.append((best, distance[best]))
        centers.append(points[best])
    return picks


@pytest.mark.parametrize("seed", range(4))
def test_picks_are_the_farthest_from_all_before(seed):
    view = fake_view(CoreSet.needs, size=30, seed=seed)
    query = CoreSet().query(view, 12, rng=torch.Generator())
    expected = greedy(view, 12)
    assert list(query.ids) == [image for image, _ in expected]
    assert query.scores == pytest.approx([distance for _, distance in expected], rel=1e-5, abs=1e-6)


def test_what_is_labelled_is_covered_already():
    view = fake_view(CoreSet.needs, size=3, labeled=1)
    view.pool.features[:] = torch.tensor([0.0, 5.0, 9.0])[:, None]
    view.labeled.features[:] = 10.0
    query = CoreSet().query(view, 3, rng=torch.Generator())
    assert list(query.ids) == [view.ids[row] for row in (0, 1, 2)]


def test_of_identical_images_all_come_once():
    view = fake_view(CoreSet.needs, size=8)
    view.pool.features[:] = 1.0
    assert sorted(CoreSet().query(view, 8, rng=torch.Generator()).ids) == sorted(view.ids)


def test_a_learner_without_features_is_refused():
    view = fake_view(frozenset({"probs"}))
    with pytest.raises(UsageError, match="core-set needs features, and this learner predicts none"):
        CoreSet().query(view, 3, rng=torch.Generator())

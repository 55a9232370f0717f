"""TypiClust: it knows pool and labelled set together, by ids."""

import pytest
import torch

from ncenet.errors import UsageError
from ncenet.functional import typicality
from ncenet.strategies.typiclust import TypiClust
from tests.contracts.fakes import fake_view


def query(view, query_size, seed=0):
    return TypiClust().query(view, query_size, rng=torch.Generator().manual_seed(seed))


def in_three_places(view):
    """Images of the pool into three places, two of which hold the labelled ones."""
    noise = torch.randn(21, 6, generator=torch.Generator().manual_seed(3))
    for row in range(21):
        view.pool.features[row] = 50.0 * (row % 3) + noise[row]
    view.labeled.features[0], view.labeled.features[1] = 0.0, 50.0
    return {image: row % 3 for row, image in enumerate(view.ids)}


def test_the_place_without_a_label_comes_first():
    view = fake_view(TypiClust.needs, size=21, labeled=2)
    place = in_three_places(view)
    (image,) = query(view, 1).ids
    assert place[image] == 2
    scores = typicality(view.pool.features[2::3])
    assert image == view.ids[2::3][int(scores.argmax())]
    assert query(view, 1).scores == pytest.approx((float(scores.max()),), rel=1e-4)


def test_labels_decide_and_their_order_does_not():
    view = fake_view(TypiClust.needs, labeled=6)
    first = query(view, 5)
    reversed_labels = view.but(labeled=view.labeled.reordered(list(range(5, -1, -1))))
    assert query(reversed_labels, 5) == first
    moved = view.but(labeled=view.labeled.reordered(list(range(6))))
    moved.labeled.features = moved.labeled.features + 100.0
    assert query(moved, 5) != first


def test_a_learner_without_features_is_refused():
    with pytest.raises(UsageError, match="typiclust needs features, and this learner predicts none"):
        query(fake_view(frozenset({"probs"})), 3)

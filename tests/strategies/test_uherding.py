"""Uncertainty Herding: what is weighed, how wide the kernel is, and when nothing can be told."""

import math

import pytest
import torch

from ncenet.errors import UsageError
from ncenet.functional.calibration import find_temperature, out_of_fold
from ncenet.rng import Lots
from ncenet.strategies.uherding import UHerding, nearest_pair, unit
from tests.contracts.fakes import fake_view
from tests.reference import calibration, herding


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("labeled", [0, 1, 6, 20])
def test_equals_the_published_rule_written_with_loops(labeled: int) -> None:
    view = fake_view(UHerding.needs, labeled=labeled)
    view.pool.probs[0] = 0.2  # no class claims it: any temperature leaves it uniform
    got = UHerding().query(view, 6, rng=rng())

    order = sorted(view.labeled_ids)
    rows = [view.labeled_ids.index(image) for image in order]
    known = unit(view.labeled.features[rows])
    apart = [math.dist(a, b) for a in known.tolist() for b in known.tolist() if math.dist(a, b) > 1e-4]
    width, temperature = (min(apart) if apart else 1.0), math.inf
    if labeled:
        said, told = out_of_fold(known, torch.tensor([view.labels[row] for row in rows]), rng=rng())
        if len(told):
            temperature = find_temperature(said, told, by="error")
    ids = sorted(view.ids, key=Lots.of(rng()))  # two images that cover one another gain the same
    where = [view.ids.index(image) for image in ids]
    doubts = []
    for row in view.pool.probs[where].tolist():
        first, second = sorted(calibration.tempered(row, temperature), reverse=True)[:2]
        doubts.append(1 - first + second)
    places = unit(view.pool.features[where]).tolist()
    indices, gains = herding.herding(places, 6, width / math.sqrt(2), doubts, known.tolist())
    assert list(got.ids) == [ids[index] for index in indices]
    assert got.scores == pytest.approx([gain / sum(doubts) for gain in gains], rel=1e-3, abs=1e-5)


def test_the_width_is_the_least_distance_between_images_that_differ() -> None:
    assert nearest_pair(torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])) == pytest.approx(5)
    assert nearest_pair(torch.ones(3, 2)) is None
    assert nearest_pair(torch.ones(0, 2)) is None


def test_length_of_features_does_not_matter() -> None:
    view = fake_view(UHerding.needs)
    before = UHerding().query(view, 5, rng=rng())
    for part in (view.pool, view.labeled):
        part.features *= 37.0
    assert UHerding().query(view, 5, rng=rng()).ids == before.ids


def test_labels_that_were_not_given_are_asked_for() -> None:
    class Unlabelled(type(fake_view(UHerding.needs))):
        labels = ()

    view = fake_view(UHerding.needs)
    bare = Unlabelled(view.pool, view.labeled, view.wanted)
    with pytest.raises(UsageError, match="by the labels of the labelled images: give them too"):
        UHerding().query(bare, 5, rng=rng())

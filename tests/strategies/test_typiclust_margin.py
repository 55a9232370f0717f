"""TCM: who asks when."""

import pytest
import torch

from ncenet.strategies import strategies
from ncenet.strategies.typiclust_margin import TypiClustMargin
from tests.contracts.fakes import fake_view


def query(strategy, view):
    return strategy.query(view, 5, rng=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("labeled", "switch", "asks"),
    [
        (0, 5, "typiclust"),
        (0, 0, "typiclust"),
        (6, 5, "typiclust"),
        (19, 5, "typiclust"),
        (20, 5, "margin"),
        (6, 1, "margin"),
        (6, 0, "margin"),
    ],
)
def test_margin_asks_once_each_class_has_enough(labeled, switch, asks):
    # The fake view labels its images 0, 1, 2, 3, 0, ...: four classes from four images on.
    view = fake_view(TypiClustMargin.needs, labeled=labeled)
    other = query(strategies.get("margin" if asks == "typiclust" else "typiclust")(), view)
    got = query(TypiClustMargin(switch=switch), view)
    assert got == query(strategies.get(asks)(), view) != other


def test_classes_that_nobody_has_seen_do_not_count():
    view = fake_view(TypiClustMargin.needs, labeled=2)  # two classes, one image of each
    assert query(TypiClustMargin(switch=1), view) == query(strategies.get("margin")(), view)
    assert query(TypiClustMargin(switch=2), view) == query(strategies.get("typiclust")(), view)

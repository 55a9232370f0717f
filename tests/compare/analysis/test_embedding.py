import importlib
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from ncenet.compare.analysis.embedding import (
    cycles_shown,
    embed,
    farther_from_labeled,
    nearest_rotation,
    tsne,
)
from ncenet.compare.analysis.models import TrialModels
from tests.compare.analysis.conftest import COMPARISON

importlib.import_module("openTSNE")  # what it imports draws a number while it is imported


class FakeTrial:
    """Cycles, of which the last ``silent`` made no query."""

    def __init__(self, cycles: int, silent: int = 1):
        self.cycles, self._asked = tuple(range(1, cycles + 1)), cycles - silent

    def queried(self, cycle):
        return ("a",) if cycle <= self._asked else ()


def clouds(seed: int):
    """The same 8 clouds of images, at places of their own for each network."""
    rng = np.random.default_rng(seed)
    return np.repeat(10 * rng.standard_normal((8, 8)), 30, axis=0) + rng.standard_normal((240, 8))


@pytest.mark.parametrize(
    ("trials", "shown"),
    [
        ([FakeTrial(10)], (1, 5, 9)),
        ([FakeTrial(10), FakeTrial(6)], (1, 3, 5)),
        ([FakeTrial(3)], (1, 2)),
        ([FakeTrial(1)], (1,)),
    ],
)
def test_cycles_are_spread_over_those_with_a_query(trials, shown):
    assert cycles_shown(trials) == shown


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turn_or_reflection_is_found_again(mirrored):
    points = np.random.default_rng(0).standard_normal((30, 2))
    turn = np.array([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
    if mirrored:
        turn[:, 0] *= -1
    np.testing.assert_allclose(nearest_rotation(points, points @ turn), turn, atol=1e-12)


def test_farther_equals_counting_pairs():
    generator = torch.Generator().manual_seed(0)
    features = normalize(torch.randn(60, 4, generator=generator), dim=1)
    status = "".join("lpq"[n] for n in torch.randint(3, (60,), generator=generator))
    distance = {
        n: min(math.dist(features[n], features[m]) for m in range(60) if status[m] == "l") for n in range(60)
    }
    pairs = [
        (distance[q] > distance[p]) + (distance[q] == distance[p]) / 2
        for q in range(60)
        for p in range(60)
        if (status[q], status[p]) == ("q", "p")
    ]
    assert farther_from_labeled(features, status) == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


@pytest.mark.parametrize("status", ["lp", "lq", "pq"])
def test_nothing_is_farther_where_a_kind_is_missing(status):
    assert farther_from_labeled(torch.eye(2), status) is None


def test_tsne_repeats_and_keeps_images_at_their_places(global_generators_untouched):
    features, other = clouds(0), clouds(1)
    first = tsne(features, None, seed=1)
    assert (first == tsne(features, None, seed=1)).all()
    np.testing.assert_allclose(first.mean(0), 0, atol=1e-9)
    beside, alone = tsne(other, first, seed=1), tsne(other, None, seed=1)
    alone = alone @ nearest_rotation(alone, first)
    moved = [np.linalg.norm(placed - first, axis=1).mean() for placed in (beside, alone)]
    assert moved[0] < moved[1] / 4


def test_panels_show_what_trials_knew(trained):
    trials = [
        TrialModels(arm, trained / COMPARISON.folder(arm, 3)) for arm in ("NCE rejection", "softmax entropy")
    ]
    steps = []
    embedding = embed(trials, 80, progress=lambda *done: steps.append(done))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (embedding.seed, embedding.pool) == (3, 1297)
    shown = [(panel.arm, panel.cycle, panel.labeled) for panel in embedding.panels]
    assert shown == [(t.arm, cycle, labels) for t in trials for cycle, labels in ((1, 30), (2, 40))]
    for panel in embedding.panels:
        assert len(panel.x) == len(panel.y) == len(panel.status) == 80
        assert panel.status.count("l") > 0
        assert panel.status.count("q") > 0
        assert panel.status.count("p") >= 40, "half of the images at most are marked"
        assert 0 <= panel.farther <= 1
    # 70 to 90 images are marked by one arm or the other, and 40 of them are shown.
    first, second = embedding.panels[:2]
    become = {(a, b) for a, b in zip(first.status, second.status, strict=True)}
    assert ("q", "l") in become, "what the first cycle asked for is labelled in the second"
    assert ("q", "p") not in become
    assert ("l", "p") not in become

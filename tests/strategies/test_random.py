"""Random: a draw without replacement from the caller's generator alone."""

import math

import pytest
import torch

from ncenet.rng import Streams
from ncenet.strategies.random import Random
from tests.contracts.fakes import fake_view

VIEW = fake_view(frozenset(), size=10)


def draw(seed, query_size=10, view=VIEW):
    return Random().query(view, query_size, rng=torch.Generator().manual_seed(seed))


def test_a_whole_draw_is_a_permutation():
    assert sorted(draw(0).ids) == sorted(VIEW.ids)


def test_another_seed_draws_another_order():
    assert len({draw(seed).ids for seed in range(20)}) == 20


def test_a_smaller_draw_is_the_start_of_a_larger_one():
    assert draw(3, 4).ids == draw(3, 9).ids[:4]


def test_scores_are_uniform_numbers_in_sorted_order_of_ids():
    query = draw(5)
    numbers = torch.rand(10, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    expected = dict(zip(sorted(VIEW.ids), numbers.tolist(), strict=True))
    assert dict(zip(query.ids, query.scores, strict=True)) == expected


def test_every_image_is_as_likely_as_any_other():
    trials = 2000
    drawn = [image for seed in range(trials) for image in draw(Streams(seed).seed("query", 1), 3).ids]
    expected = trials * 3 / 10
    four_deviations = 4 * math.sqrt(expected * (1 - 3 / 10))
    for image in VIEW.ids:
        assert drawn.count(image) == pytest.approx(expected, abs=four_deviations)

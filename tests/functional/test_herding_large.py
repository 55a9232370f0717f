"""Herding where the whole kernel is not kept: in parts that judges tell apart, and along pairs."""

import math
from dataclasses import replace

import pytest
import torch

from ncenet.functional.covering import HerdSizes
from ncenet.functional.herding import herd
from ncenet.functional.herding_pairs import Near, parts_of
from ncenet.functional.herding_parts import _Judges
from tests.functional.draws import normal, uniform
from tests.functional.work import Work

FEW_FIRST = HerdSizes(whole=500, first=40, block=300)
"""A pool of thousands is a large one, and most picks are made along pairs."""


def covered(pool: torch.Tensor, radius: float, weights: torch.Tensor, picks: torch.Tensor) -> float:
    """Weight of a pool that picks cover, as a part of all."""
    nearest = torch.cdist(pool.double(), pool[picks].double()).amin(1)
    kernel = torch.exp(-nearest.square() / (2 * radius**2))
    return float(kernel @ weights.double() / weights.double().sum())


@pytest.fixture
def groups() -> torch.Tensor:
    """Fifty groups, the first of them with half of the points."""
    group = (50 * uniform(4000, seed=3) ** 4).long()
    return 3 * normal(50, 8)[group] + 0.3 * normal(4000, 8, seed=1)


@pytest.mark.parametrize("radius", [0.5, 2.0])
def test_a_large_pool_is_covered_by_parts_nearly_as_well(groups: torch.Tensor, radius: float) -> None:
    weights, sizes = uniform(4000), HerdSizes(whole=1000, picks=20)
    whole = herd(groups, 60, radius, weights_N=weights).indices
    parts = herd(groups, 60, radius, weights_N=weights, sizes=sizes)
    here = covered(groups, radius, weights, parts.indices)
    assert here > 0.95 * covered(groups, radius, weights, whole)
    assert here > 1.1 * covered(groups, radius, weights, torch.arange(60)), "better than 60 of no choice"
    told = float(parts.gains.sum() / weights.sum())
    assert told == pytest.approx(here, rel=1e-4), "gains are those of the whole pool"
    again = herd(groups, 60, radius, weights_N=weights, sizes=sizes)
    assert torch.equal(parts.indices, again.indices)


def test_what_leads_in_a_part_is_judged(groups: torch.Tensor) -> None:
    weights = uniform(4000)
    lucky, judged = (
        covered(
            groups,
            0.5,
            weights,
            herd(groups, 60, 0.5, weights_N=weights, sizes=HerdSizes(whole=500, front=front)).indices,
        )
        for front in (1, 16)
    )
    assert judged > 1.02 * lucky


def test_of_a_pool_larger_still_a_part_judges(groups: torch.Tensor) -> None:
    by_all = herd(groups, 60, 2.0, sizes=HerdSizes(whole=500))
    by_some = herd(groups, 60, 2.0, sizes=HerdSizes(whole=500, judges=1500))
    here = covered(groups, 2.0, torch.ones(4000), by_some.indices)
    assert not torch.equal(by_some.indices, by_all.indices)
    assert here > 0.97 * covered(groups, 2.0, torch.ones(4000), by_all.indices)
    assert float(by_some.gains.sum()) / 4000 == pytest.approx(here, abs=math.sqrt(math.log(200) / 3000))


def test_a_part_knows_what_the_parts_before_it_picked() -> None:
    places = torch.eye(4).repeat(100, 1) * 9
    picked = herd(places + 0.01 * normal(400, 4), 4, 1.0, sizes=HerdSizes(whole=100, picks=1))
    assert sorted(places[picked.indices].argmax(1).tolist()) == [0, 1, 2, 3]


def test_no_matrix_is_larger_than_that_of_a_part() -> None:
    with Work() as work:
        herd(normal(1000, 4), 250, 0.5, sizes=HerdSizes(whole=300, many=1))
    front = HerdSizes().front
    assert [made for made in work.made if made[0] > front] == [(300, 300)] * 3, "one for each 100 picks"
    assert {made for made in work.made if made[0] <= front} == {(front, 1000)}, "those that lead, and judges"


def test_where_all_that_lead_are_picked_others_are_judged(groups: torch.Tensor) -> None:
    weights = uniform(4000)
    picked = herd(groups, 60, 0.5, weights_N=weights, sizes=HerdSizes(whole=500, front=1))
    assert len(set(picked.indices.tolist())) == 60
    assert float(picked.gains.sum() / weights.sum()) == pytest.approx(
        covered(groups, 0.5, weights, picked.indices), rel=1e-4
    ), "gains are of what nothing covered before"


def test_of_those_that_lead_the_largest_gain_is_picked_though_few_are_looked_at_again(
    groups: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = HerdSizes(whole=500)
    few = herd(groups, 60, 0.5, sizes=sizes).indices

    def all_again(judges: _Judges, rows_FJ: torch.Tensor, gains_F: torch.Tensor) -> int:
        gains_F.copy_(judges.gains(rows_FJ).masked_fill_(gains_F.isneginf(), -torch.inf))
        return int(gains_F.argmax())

    monkeypatch.setattr(_Judges, "leader", all_again)
    assert herd(groups, 60, 0.5, sizes=sizes).indices.tolist() == few.tolist()


@pytest.mark.parametrize("radius", [0.2, 0.5, 2.0])
@pytest.mark.parametrize("L", [0, 30])
def test_of_many_picks_those_after_the_first_are_exact(groups: torch.Tensor, radius: float, L: int) -> None:
    weights, centers = uniform(4000), groups[:L]
    weights[::7] = 0
    picked = herd(groups, 600, radius, weights_N=weights, centers_LD=centers, sizes=FEW_FIRST)
    first = torch.cat([centers, groups[picked.indices[:40]]])
    whole = herd(groups, 560, radius, weights_N=weights, centers_LD=first)
    torch.testing.assert_close(picked.gains[40:], whole.gains, rtol=1e-3, atol=1e-4)
    # The later ones gain nearly the same, and rounding decides among them.
    assert picked.indices[40:340].tolist() == whole.indices[:300].tolist()


def kept(points: torch.Tensor, first: torch.Tensor, sizes: HerdSizes) -> int:
    """Pairs that matter among some points once the first are picked."""
    return int(Near(points, 0.5, torch.ones(len(points)), first, sizes).pairs().nnz)


def test_few_pairs_are_kept(groups: torch.Tensor) -> None:
    first = groups[herd(groups, 40, 0.5, sizes=FEW_FIRST).indices]
    assert 4000 < kept(groups, first, FEW_FIRST) < 2 * 4000**2 / 40


@pytest.mark.parametrize("limit", [{"pairs": 30_000}, {"largest": 1500}])
def test_a_pool_of_too_many_pairs_or_points_is_split(groups: torch.Tensor, limit: dict[str, int]) -> None:
    weights, sizes = uniform(4000), replace(FEW_FIRST, **limit)
    whole = herd(groups, 600, 0.5, weights_N=weights, sizes=FEW_FIRST)
    parts = herd(groups, 600, 0.5, weights_N=weights, sizes=sizes)
    assert len(set(parts.indices.tolist())) == 600
    assert not torch.equal(parts.indices, whole.indices)
    first = groups[whole.indices[:40]]
    number = parts_of(4000, kept(groups, first, sizes) / 4000**2, sizes)
    part = groups[torch.randperm(4000, generator=torch.Generator().manual_seed(5))[: 4000 // number]]
    assert number > 2 and len(part) < sizes.largest and kept(part, first, sizes) < 2 * sizes.pairs
    here = covered(groups, 0.5, weights, parts.indices)
    assert here > 0.97 * covered(groups, 0.5, weights, whole.indices)
    assert float(parts.gains.sum() / weights.sum()) == pytest.approx(here, rel=0.1), "estimates"


def test_what_rounding_takes_off_a_gain_is_not_multiplied() -> None:
    sizes = HerdSizes(whole=20, many=30, first=2, largest=80)
    assert (herd(normal(400, 5), 240, 300.0, weights_N=uniform(400), sizes=sizes).gains >= 0).all()


def test_of_many_picks_the_rest_comes_in_order_once_all_is_covered(groups: torch.Tensor) -> None:
    pool = groups[:100].repeat(20, 1)
    picked = herd(pool, 1000, 0.05, sizes=FEW_FIRST)
    assert len(set(picked.indices.tolist())) == 1000
    assert len({row % 100 for row in picked.indices[:100].tolist()}) == 100
    assert (picked.gains[100:] == 0).all()
    assert picked.indices[100:].tolist() == sorted(picked.indices[100:].tolist())


@pytest.mark.parametrize("k", [399, 400])
def test_a_large_pool_can_be_picked_whole(k: int) -> None:
    pool = torch.cat([normal(350, 4), torch.zeros(50, 4)])  # coinciding ones gain nothing after the first
    picked = herd(pool, k, 0.5, sizes=HerdSizes(whole=30, picks=7))
    assert len(set(picked.indices.tolist())) == k
    assert (picked.gains >= 0).all() and (picked.gains[-10:] == 0).all()

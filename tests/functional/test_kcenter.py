import math

import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.functional import k_centers
from ncenet.functional.kcenter import CenterSizes
from tests.functional.work import Work
from tests.reference import kcenter as reference


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


TINY = CenterSizes(first=3, block=4, widest=16, chunk=5)
"""A small pool takes every path: stale bounds, chunks, blocks without a pick."""


@pytest.mark.parametrize("L", [0, 1, 2, 30])
@pytest.mark.parametrize("D", [1, 2, 12])
def test_equals_brute_force(L: int, D: int) -> None:
    pool, centers = normal(90, D), normal(L, D, seed=1)
    indices, distances = reference.k_centers(pool.tolist(), 40, centers.tolist())
    picked = k_centers(pool, 40, centers, sizes=TINY)
    assert picked.indices.tolist() == indices
    torch.testing.assert_close(picked.squared_distances, torch.tensor(distances), rtol=1e-5, atol=1e-6)


def test_equals_brute_force_in_blocks_of_ordinary_size() -> None:
    # Plain rule on the whole pool, in float64, for sizes at which the loop would take minutes.
    pool, centers = normal(3000, 32), normal(700, 32, seed=1)
    nearest = torch.cdist(pool.double(), centers.double()).square().amin(1)
    picked = k_centers(pool, 200, centers)
    for index, distance in zip(*map(torch.Tensor.tolist, picked), strict=True):
        assert int(nearest.argmax()) == index
        assert distance == pytest.approx(float(nearest[index]), rel=1e-5)
        nearest = torch.minimum(nearest, (pool - pool[index]).double().square().sum(1))


def test_most_of_the_pool_is_never_brought_up_to_date() -> None:
    pool, centers = normal(20_000, 16), normal(2000, 16, seed=1)
    with Work() as work:
        k_centers(pool, 50, centers)
    assert 0 < work.products < 20_000 * (2000 + 50) / 3, "distances computed, against those of the plain rule"


def test_equal_distances_go_to_the_smaller_index() -> None:
    # Symmetric about 0, so that centring is exact and all corners tie, in and outside of the blocks.
    corners = torch.tensor([[x, y] for x in (-4.0, 4.0) for y in (-4.0, 4.0)]).repeat(10, 1)
    assert k_centers(corners, 4, sizes=TINY).indices.tolist() == [0, 3, 1, 2]
    assert k_centers(corners, 3, torch.zeros(1, 2), sizes=TINY).indices.tolist() == [0, 1, 2]


def test_without_centres_the_first_pick_is_farthest_from_the_mean() -> None:
    pool = torch.tensor([[0.0], [1.0], [2.0], [9.0]])
    picked = k_centers(pool, 3, sizes=TINY)
    assert picked.indices.tolist() == [3, 0, 2]
    assert picked.squared_distances.tolist() == [81.0, 81.0, 4.0], "they never rise"


def test_duplicates_wait_until_nothing_else_is_left() -> None:
    distinct = normal(15, 200)
    picked = k_centers(distinct.repeat(4, 1), 60, normal(5, 200, seed=1), sizes=TINY)
    assert sorted(picked.indices[:15].remainder(15).tolist()) == list(range(15))
    assert (picked.squared_distances[:15] > 1).all()
    assert (picked.squared_distances[15:] == 0).all()
    assert sorted(picked.indices.tolist()) == list(range(60)), "no index twice"
    assert picked.indices[15:].tolist() == sorted(picked.indices[15:].tolist()), "ties by index"


def test_points_that_are_labelled_already_are_not_picked() -> None:
    pool = normal(50, 64)
    assert set(k_centers(pool, 10, pool[:40]).indices.tolist()) == set(range(40, 50))


def test_a_pool_of_one_point_repeated() -> None:
    picked = k_centers(torch.full((2000, 8), 3.7), 5)
    assert picked.indices.tolist() == [0, 1, 2, 3, 4]
    assert (picked.squared_distances <= 1e-9).all()


def test_a_common_offset_changes_no_pick() -> None:
    pool, centers = normal(400, 16), normal(20, 16, seed=1)
    near = k_centers(pool, 30, centers)
    far = k_centers(pool.double() + 1e6, 30, centers.double() + 1e6)
    assert torch.equal(near.indices, far.indices)
    torch.testing.assert_close(near.squared_distances, far.squared_distances, rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_computed_in_float32(dtype: torch.dtype) -> None:
    pool, centers = normal(600, 32).to(dtype), normal(20, 32, seed=1).to(dtype)
    expected = k_centers(pool.float(), 40, centers.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        picked = k_centers(pool, 40, centers)
    assert torch.equal(picked.indices, expected.indices)
    torch.testing.assert_close(picked.squared_distances, expected.squared_distances)


def test_arguments_are_not_changed_and_carry_no_graph() -> None:
    pool, centers = normal(30, 4).requires_grad_(), normal(3, 4, seed=1)
    before = pool.detach().clone(), centers.clone()
    picked = k_centers(pool, 5, centers)
    assert not picked.squared_distances.requires_grad
    assert torch.equal(pool, before[0])
    assert torch.equal(centers, before[1])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_features_that_are_not_finite_are_counted_and_the_first_is_named(bad: float) -> None:
    pool = normal(20, 4)
    pool[7, 1] = pool[9, 2] = bad
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 7 of the pool'"):
        k_centers(pool, 3)
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 7 of the centres'"):
        k_centers(pool[:5], 3, pool)


def test_no_picks() -> None:
    for pool in (normal(5, 2), normal(0, 2)):
        picked = k_centers(pool, 0, normal(3, 2))
        assert picked.indices.shape == picked.squared_distances.shape == (0,)


def test_what_cannot_be_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"cannot pick 6 points from a pool of shape \(5, 2\)"):
        k_centers(normal(5, 2), 6)
    with pytest.raises(ValueError, match="cannot pick -1 points"):
        k_centers(normal(5, 2), -1)
    with pytest.raises(ValueError, match=r"centres \(3, 4\) and pool \(5, 2\) differ in D"):
        k_centers(normal(5, 2), 1, normal(3, 4))


def test_a_point_far_from_all_others_leaves_them_their_distances():
    pool = torch.randn(40, 3, generator=torch.Generator().manual_seed(3))
    pool[0] = 1e6
    picks = k_centers(pool, 20)
    assert picks.indices[0] == 0, "the farthest from the mean"
    left, centers = pool[1:].double(), pool[picks.indices[:2]].double()
    for index, squared in zip(picks.indices[2:], picks.squared_distances[2:], strict=True):
        nearest = torch.cdist(left, centers).amin(1).square()
        assert squared == pytest.approx(float(nearest.max()), rel=1e-4)
        centers = torch.cat([centers, pool[index : index + 1].double()])

import math

import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.functional.covering import TIE, HerdSizes
from ncenet.functional.herding import herd, typical_distance
from tests.functional.draws import normal, uniform
from tests.functional.work import Work
from tests.reference import herding as reference

TINY = HerdSizes(block=7, rows=5)
"""A small pool has several blocks."""


@pytest.mark.parametrize("L", [0, 1, 20])
@pytest.mark.parametrize("D", [1, 2, 12])
@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
def test_equals_brute_force(L: int, D: int, radius: float) -> None:
    pool, centers, weights = normal(50, D), normal(L, D, seed=1), uniform(50)
    indices, gains = reference.herding(pool.tolist(), 25, radius, weights.tolist(), centers.tolist())
    picked = herd(pool, 25, radius, weights_N=weights, centers_LD=centers, sizes=TINY)
    torch.testing.assert_close(picked.gains, torch.tensor(gains), rtol=1e-3, atol=1e-5)
    # What is left to cover may be less than the rounding of float32: then any order is right.
    telling = sum(gain > 1e-3 for gain in gains)
    assert picked.indices[:telling].tolist() == indices[:telling]


def plain(
    pool: torch.Tensor, k: int, radius: float, weights: torch.Tensor, centers: torch.Tensor
) -> tuple[list[int], list[float]]:
    """The plain rule with the whole kernel in memory, in float64."""
    pool, weights = pool.double(), weights.double()

    def kernel(vectors: torch.Tensor) -> torch.Tensor:
        return torch.exp(-torch.cdist(vectors.double(), pool).square() / (2 * radius**2))

    rows = kernel(pool)
    cover = kernel(centers).amax(0) if len(centers) else torch.zeros(len(pool)).double()
    indices: list[int] = []
    gains: list[float] = []
    for _ in range(k):
        gain = torch.cat([(part - cover).clamp_min(0) @ weights for part in rows.split(500)])
        gain[indices] = -1
        index = int((gain >= gain.max() * (1 - TIE)).nonzero()[0])
        indices.append(index)
        gains.append(float(gain[index]))
        cover = torch.maximum(cover, rows[index])
    return indices, gains


@pytest.mark.parametrize("L", [0, 100])
def test_equals_the_plain_rule_in_blocks_of_ordinary_size(L: int) -> None:
    pool = torch.nn.functional.normalize(normal(2500, 64) * torch.arange(1, 65) ** -0.7, dim=1)
    weights, centers = uniform(2500), pool[:L]
    picked = herd(pool, 60, 0.5, weights_N=weights, centers_LD=centers)
    indices, gains = plain(pool, 60, 0.5, weights, centers)
    assert picked.indices.tolist() == indices
    torch.testing.assert_close(picked.gains, torch.tensor(gains), rtol=1e-4, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.3, 0.5, 0.8])
def test_equals_the_plain_rule_on_five_thousand(radius: float) -> None:
    pool = torch.nn.functional.normalize(
        (normal(5000, 16) @ normal(16, 256) + normal(5000, 256)).relu(), dim=1
    )
    weights = uniform(5000)
    picked = herd(pool, 100, radius, weights_N=weights, centers_LD=pool[4950:])
    indices, gains = plain(pool, 100, radius, weights, pool[4950:])
    assert picked.indices.tolist() == indices
    torch.testing.assert_close(picked.gains, torch.tensor(gains), rtol=1e-4, atol=0)


def test_the_kernel_is_computed_once_and_a_pick_changes_few() -> None:
    pool = torch.nn.functional.normalize(normal(3000, 16), dim=1)
    with Work() as work:
        herd(pool, 100, 0.4)
    assert work.products < 0.7 * 3000**2, "a block serves its rows and its columns"
    assert work.weighed < 3000**2 * (1 + 2 * math.log(100)), "against 100 times 3,000^2 by the plain rule"


def test_equal_gains_go_to_the_smaller_index() -> None:
    pair = torch.tensor([[0.0, 0.0], [9.0, 9.0]])
    assert herd(pair.repeat(30, 1), 4, 0.5, sizes=TINY).indices.tolist() == [0, 1, 2, 3]
    corners = torch.tensor([[x, y] for x in (-4.0, 4.0) for y in (-4.0, 4.0)])
    assert herd(corners, 4, 1.0, sizes=TINY).indices.tolist() == [0, 1, 2, 3]


def test_all_alike_is_over_at_once_and_in_order() -> None:
    picked = herd(torch.full((5000, 8), 3.7), 300, 0.5)
    assert picked.indices.tolist() == list(range(300))
    assert picked.gains[0] == 5000 and (picked.gains[1:] == 0).all()


def test_what_is_labelled_already_gains_nothing() -> None:
    pool = normal(60, 64)
    picked = herd(pool, 60, 1.0, centers_LD=pool[:50])
    assert set(picked.indices[:10].tolist()) == set(range(50, 60))
    assert picked.indices[10:].tolist() == list(range(50)), "ties by index"
    assert (picked.gains[10:] == 0).all()


def test_a_point_of_no_weight_is_picked_only_for_the_sake_of_others() -> None:
    line = torch.tensor([[0.0], [0.1], [0.2], [9.0]])
    weights = torch.tensor([1.0, 0.0, 1.0, 0.0])
    picked = herd(line, 4, 0.5, weights_N=weights)
    assert picked.indices[0] == 1, "between the two that count"
    assert picked.indices[-1] == 3


def test_a_vanishing_radius_gives_back_the_weights_alone() -> None:
    weights = uniform(300)
    picked = herd(normal(300, 4), 50, 1e-3, weights_N=weights)
    assert picked.indices.tolist() == weights.topk(50).indices.tolist()
    torch.testing.assert_close(picked.gains, weights.topk(50).values)


def test_gains_do_not_rise() -> None:
    gains = herd(normal(400, 3), 400, 0.7, weights_N=uniform(400)).gains.tolist()
    assert gains == sorted(gains, reverse=True)


def test_a_common_offset_changes_no_pick() -> None:
    pool, centers = normal(400, 16), normal(20, 16, seed=1)
    near = herd(pool, 30, 2.0, centers_LD=centers)
    far = herd(pool.double() + 1e6, 30, 2.0, centers_LD=centers.double() + 1e6)
    assert torch.equal(near.indices, far.indices)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_computed_in_float32(dtype: torch.dtype) -> None:
    pool, centers = normal(600, 32).to(dtype), normal(20, 32, seed=1).to(dtype)
    expected = herd(pool.float(), 40, 4.0, centers_LD=centers.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        picked = herd(pool, 40, 4.0, centers_LD=centers)
    assert torch.equal(picked.indices, expected.indices)
    torch.testing.assert_close(picked.gains, expected.gains)


def test_arguments_are_not_changed_and_carry_no_graph() -> None:
    pool, centers, weights = normal(30, 4).requires_grad_(), normal(3, 4, seed=1), uniform(30)
    before = pool.detach().clone(), centers.clone(), weights.clone()
    picked = herd(pool, 5, 1.0, weights_N=weights, centers_LD=centers)
    assert not picked.gains.requires_grad
    assert all(torch.equal(a, b) for a, b in zip((pool, centers, weights), before, strict=True))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_features_that_are_not_finite_are_counted_and_the_first_is_named(bad: float) -> None:
    pool = normal(20, 4)
    pool[7, 1] = pool[9, 2] = bad
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 7 of the pool'"):
        herd(pool[:, :], 3, 1.0)
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 7 of the centres'"):
        herd(pool[:5], 3, 1.0, centers_LD=pool)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1])
def test_weights_are_finite_and_not_negative(bad: float) -> None:
    weights = uniform(20)
    weights[3] = bad
    with pytest.raises(NonFiniteScore, match=r"1 score .* 'row 3 of the weights'"):
        herd(normal(20, 4), 3, 1.0, weights_N=weights)


def test_no_picks() -> None:
    for pool in (normal(5, 2), normal(0, 2)):
        picked = herd(pool, 0, 1.0, centers_LD=normal(3, 2))
        assert picked.indices.shape == picked.gains.shape == (0,)


def test_what_cannot_be_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"cannot pick 6 points from a pool of shape \(5, 2\)"):
        herd(normal(5, 2), 6, 1.0)
    with pytest.raises(ValueError, match=r"centres \(3, 4\) and pool \(5, 2\) differ in D"):
        herd(normal(5, 2), 1, 1.0, centers_LD=normal(3, 4))
    with pytest.raises(ValueError, match=r"weights \(4,\) for a pool of 5"):
        herd(normal(5, 2), 1, 1.0, weights_N=uniform(4))
    for radius in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="a radius is positive and finite"):
            herd(normal(5, 2), 1, radius)


IN_PARTS, BY_PAIRS = HerdSizes(whole=20, many=1), HerdSizes(whole=20, many=30, first=2)
WAYS = pytest.mark.parametrize("sizes", [HerdSizes(), IN_PARTS, BY_PAIRS], ids=["whole", "parts", "pairs"])


@WAYS
def test_what_float32_cannot_hold_is_refused_with_the_reason(sizes: HerdSizes) -> None:
    for radius in (1e-30, 1e-200):
        with pytest.raises(ValueError, match=r"a radius of 1e-.* is too small: distances in radii overflow"):
            herd(normal(60, 5), 4, radius, sizes=sizes)
    for weights in (torch.full((60,), 1e38), torch.full((60,), 1e300, dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"weights up to 1e\+.* overflow float32 when summed"):
            herd(normal(60, 5), 4, 1.0, weights_N=weights, sizes=sizes)


@WAYS
def test_the_few_points_with_a_weight_are_found_in_a_pool_of_any_size(sizes: HerdSizes) -> None:
    weights = torch.zeros(400)
    weights[[350, 30]] = torch.tensor([2.0, 1.0])
    picked = herd(100 * normal(400, 5), 4, 1.0, weights_N=weights, sizes=sizes)
    assert picked.indices.tolist() == [350, 30, 0, 1]
    torch.testing.assert_close(picked.gains, torch.tensor([2.0, 1.0, 0.0, 0.0]))
    for centers in (None, normal(3, 5)):
        none = herd(normal(400, 5), 3, 1.0, weights_N=torch.zeros(400), centers_LD=centers, sizes=sizes)
        assert (none.indices.tolist(), none.gains.tolist()) == ([0, 1, 2], [0, 0, 0])


@WAYS
def test_any_layout_and_type_of_numbers_is_picked_from(sizes: HerdSizes) -> None:
    whole = normal(5, 60).mul(4).round()
    expected = herd(whole.T.contiguous(), 9, 3.0, sizes=sizes).indices
    for pool in (whole.T, whole.T.half(), whole.T.long(), whole.T.double()):
        assert torch.equal(herd(pool, 9, 3.0, sizes=sizes).indices, expected), pool.dtype


def test_a_typical_distance_is_none_of_points_that_are_not_finite() -> None:
    assert typical_distance(normal(0, 3)) == typical_distance(torch.ones(5, 3)) == 1
    for bad in (math.nan, math.inf, 1e30):
        points = normal(20, 4)
        points[7, 1] = bad
        with pytest.raises(NonFiniteScore, match=r"1 score .* 'row 7 of the points'"):
            typical_distance(points)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_one_point_many_times_leaves_the_typical_distance_in_the_scale_of_the_others(scale: float) -> None:
    points = torch.cat([torch.zeros(90, 4), normal(10, 4)]) * scale
    apart = torch.pdist(points)
    assert typical_distance(points) == pytest.approx(float(apart[apart > 0].median()), rel=1e-5)


def test_a_point_far_from_all_others_leaves_them_their_distances():
    pool = torch.randn(40, 3, generator=torch.Generator().manual_seed(3))
    near, far = pool.clone(), pool.clone()
    near[0], far[0] = 1e3, 1e6  # neither covers anything but itself
    assert herd(far, 20, 0.5).indices.tolist() == herd(near, 20, 0.5).indices.tolist()
    assert typical_distance(far[1:]) == pytest.approx(typical_distance(far), rel=0.05)

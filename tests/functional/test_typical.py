import math

import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.functional import k_means, typical_images, typicality
from tests.reference import typical as reference

pytestmark = pytest.mark.usefixtures("global_generators_untouched")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("neighbors", [1, 5, 20, 1000])
def test_typicality_equals_the_loop(neighbors: int) -> None:
    points = normal(70, 3)
    expected = torch.tensor(reference.typicality(points.tolist(), neighbors))
    torch.testing.assert_close(typicality(points, neighbors, block=32), expected, rtol=1e-4, atol=1e-4)


def test_typicality_of_lone_points_and_of_duplicates_is_finite() -> None:
    assert typicality(normal(0, 3)).tolist() == []
    assert typicality(normal(1, 3)).tolist() == [0.0]
    assert typicality(torch.full((30, 3), 7.3)).tolist() == pytest.approx([1e5] * 30)


def test_typicality_does_not_depend_on_an_offset() -> None:
    points = normal(50, 4).double()
    torch.testing.assert_close(typicality(points + 1e6), typicality(points), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("labeled", [[], [3, 50, 51, 90]])
@pytest.mark.parametrize(("query_size", "max_clusters"), [(1, 500), (6, 500), (12, 500), (40, 7)])
def test_choice_equals_the_loop(labeled: list[int], query_size: int, max_clusters: int) -> None:
    points = normal(120, 5)
    points[-2:] += 30  # a cluster that is too small, once there are a few
    k = min(len(labeled) + query_size, max_clusters)
    clusters = k_means(points, k, rng=rng()).tolist()
    expected = reference.typical_images(points.tolist(), clusters, labeled, query_size, 20)
    chosen = typical_images(points, labeled, query_size, rng=rng(), max_clusters=max_clusters)
    assert chosen.rows.tolist() == expected
    assert not set(expected) & set(labeled)


def test_places_without_labels_come_first_and_their_middle() -> None:
    middles = 100 * normal(6, 4)
    points = (middles[:, None] + 0.1 * normal(6, 30, 4)).reshape(-1, 4)
    points[::30] = middles  # row 0 of each place stands in its middle
    labeled = [5, 95]  # in place 0 and in place 3
    chosen = typical_images(points, labeled, 4, rng=rng(1))
    assert {row // 30 for row in chosen.rows.tolist()} == {1, 2, 4, 5}
    for row, score in zip(*map(torch.Tensor.tolist, chosen), strict=True):
        place = row - row % 30
        found = typicality(points[place : place + 30])
        assert score == pytest.approx(float(found.max()), rel=1e-4), "the most typical of its place"


def test_outliers_wait_for_the_end() -> None:
    points = torch.cat([normal(60, 3), torch.tensor([[500.0, 0, 0], [0, -500.0, 0]])])
    chosen = typical_images(points, [], 60, rng=rng(), max_clusters=4)
    assert not {60, 61} & set(chosen.rows.tolist())
    assert {60, 61} <= set(typical_images(points, [], 62, rng=rng(), max_clusters=4).rows.tolist())


def test_no_more_than_there_are() -> None:
    chosen = typical_images(normal(10, 2), [0, 1, 2], 50, rng=rng())
    assert sorted(chosen.rows.tolist()) == list(range(3, 10))
    assert typical_images(normal(3, 2), [0, 1, 2], 5, rng=rng()).rows.tolist() == []
    assert typical_images(normal(0, 2), [], 5, rng=rng()).rows.tolist() == []


def test_half_precision_is_computed_in_float32() -> None:
    points = normal(100, 6).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        chosen = typical_images(points, [], 5, rng=rng())
    assert torch.equal(chosen.rows, typical_images(points.float(), [], 5, rng=rng()).rows)


def test_what_cannot_be_is_an_error() -> None:
    with pytest.raises(ValueError, match="query_size and max_clusters must be >= 1, got 0"):
        typical_images(normal(5, 2), [], 0, rng=rng())
    points = normal(9, 2)
    points[4, 1] = points[6, 0] = math.nan
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 4 of the features'"):
        typical_images(points, [], 2, rng=rng())


def test_a_point_far_from_all_others_leaves_them_their_distances():
    points = torch.randn(40, 3, generator=torch.Generator().manual_seed(3))
    alone = typicality(points, 5)
    points = torch.cat([points, torch.full((1, 3), 1e6)])
    torch.testing.assert_close(typicality(points, 5)[:40], alone)


@pytest.mark.parametrize("labeled", [[], [0, 31]])
def test_copies_wait_until_nothing_else_is_left(labeled):
    distinct = torch.randn(30, 4, generator=rng(1))
    points = distinct.repeat(4, 1)  # row r is a copy of r - 30
    chosen = typical_images(points, labeled, 120 - len(labeled), rng=rng()).rows
    known = {row % 30 for row in labeled}
    first = chosen[: 30 - len(known)] % 30
    assert set(first.tolist()) == set(range(30)) - known, "each image once, and none that has a label"
    assert sorted([*chosen.tolist(), *labeled]) == list(range(120)), "and then the copies"


def test_of_copies_any_may_come_first():
    rngs = [torch.Generator().manual_seed(seed) for seed in range(10)]
    assert len({int(typical_images(torch.ones(20, 2), [], 1, rng=rng).rows) for rng in rngs}) > 1

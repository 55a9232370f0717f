import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ncenet.functional import k_centers
from ncenet.functional.kcenter import CenterSizes
from tests.reference.kcenter import k_centers as brute_force

SMALL = st.integers(1, 6)
SIZES = st.builds(CenterSizes, first=SMALL, block=SMALL, chunk=SMALL, widest=st.integers(6, 12))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    N=st.integers(1, 30),
    L=st.integers(0, 8),
    D=SMALL,
    sizes=SIZES,
)
def test_picks_equal_brute_force_at_any_block_size(
    seed: int, N: int, L: int, D: int, sizes: CenterSizes
) -> None:
    assume(L > 0 or N != 2)  # two points are equally far from their mean: rounding alone would pick the first
    generator = torch.Generator().manual_seed(seed)
    pool, centers = torch.randn(N, D, generator=generator), torch.randn(L, D, generator=generator)
    indices, distances = brute_force(pool.tolist(), N, centers.tolist())
    # The last picks are of points so near to another that float32 cannot tell them apart.
    sure = next((i for i, distance in enumerate(distances) if distance < 1e-3), N)
    picked = k_centers(pool, N, centers, sizes=sizes)
    assert picked.indices[:sure].tolist() == indices[:sure]
    assert picked.squared_distances[:sure].tolist() == pytest.approx(distances[:sure], rel=1e-5, abs=1e-5)
    assert sorted(picked.indices.tolist()) == list(range(N))


@settings(deadline=None, max_examples=60)
@given(
    points=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=40),
    sizes=SIZES,
)
def test_ties_and_duplicates_go_to_the_smaller_index(
    points: list[tuple[int, int]], sizes: CenterSizes
) -> None:
    # With every point goes its mirror image: the mean is 0, and whole numbers are exact in float32.
    pool = torch.tensor(points + [(-x, -y) for x, y in points], dtype=torch.float32)
    indices, distances = brute_force(pool.tolist(), len(pool), [])
    picked = k_centers(pool, len(pool), sizes=sizes)
    assert picked.indices.tolist() == indices
    assert picked.squared_distances.tolist() == distances

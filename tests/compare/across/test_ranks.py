import numpy as np
import pytest
from scipy import stats

from ncenet.compare.across.ranks import Ranks, chance_of_ranks, nemenyi, ranks
from tests.reference import across as reference

# The usual table of the studentised range over sqrt(2), as in Demsar (2006), table 5 (a).
NEMENYI = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}


@pytest.mark.parametrize(("arms", "q"), NEMENYI.items())
def test_the_quantiles_are_those_of_the_tables(arms, q):
    assert nemenyi(arms) == pytest.approx(q, abs=1e-3)


def test_mean_ranks_with_ties_against_the_slow_version():
    scores = np.random.default_rng(0).integers(0, 4, (12, 5)) / 4
    assert ranks(scores).mean == pytest.approx(reference.mean_ranks(scores.tolist()))


@pytest.mark.parametrize("ties", [False, True])
def test_the_chance_of_ranks_is_that_of_a_count_of_all_orders(ties):
    rng = np.random.default_rng(2)
    blocks = [rng.permutation([1.5, 1.5, 3.0] if ties else [1.0, 2.0, 3.0]).tolist() for _ in range(4)]
    assert chance_of_ranks(np.array(blocks)) == pytest.approx(reference.chance_of_ranks(blocks))


def test_many_blocks_are_tried_at_random_and_agree_with_iman_and_davenport():
    scores = np.random.default_rng(3).integers(0, 6, (30, 4)) + 0.7 * np.arange(4)
    chi = stats.friedmanchisquare(*scores.T).statistic  # corrected for ties, as ours
    n, k = scores.shape
    f = (n - 1) * chi / (n * (k - 1) - chi)
    p = ranks(scores).p
    assert p == pytest.approx(stats.f.sf(f, k - 1, (k - 1) * (n - 1)), abs=0.005)
    assert ranks(scores).p == p, "the same orders are tried"


def test_a_perfect_order_is_as_likely_as_its_orders_are_few_and_no_order_is_certain():
    assert ranks(np.tile([2.0, 1.0], (3, 1))).p == 2 / 2**3, "three sets cannot tell two arms apart"
    assert ranks(np.tile([3.0, 2.0, 1.0], (5, 1))).p == pytest.approx(6 / 6**5)
    assert 0 < ranks(np.tile(np.arange(9.0), (20, 1))).p < 1e-4
    assert ranks(np.ones((5, 3))).p == 1


def test_arms_that_are_alike_on_three_sets_are_hardly_ever_said_not_to_be():
    found = [ranks(scores).p for scores in np.random.default_rng(0).random((400, 3, 3))]
    assert np.mean(np.array(found) < 0.05) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_equal_totals_are_ties_whatever_the_order_of_the_sum():
    """Means over cycles of one sum, added up in another order, differ in the last bit."""
    one, other = np.mean([0.5, 0.6, 0.7]), np.mean([0.7, 0.6, 0.5])
    noisy = np.array([[one, other], [0.67, np.nextafter(0.67, 1)]])
    assert ranks(noisy).mean.tolist() == [1.5, 1.5]
    image = 1 / 100_000 / 10 / 10  # one test image in one cycle of one of ten seeds
    assert ranks(np.array([[0.6, 0.6 + image]])).mean.tolist() == [2, 1]


def test_the_critical_difference_shrinks_with_blocks():
    one, four = (ranks(np.random.default_rng(0).random((n, 3))) for n in (5, 20))
    assert one.critical == pytest.approx(2.343 * (3 * 4 / (6 * 5)) ** 0.5, abs=1e-3)
    assert four.critical == pytest.approx(one.critical / 2)


def test_blocks_without_all_arms_are_left_out():
    scores = np.array([[0.9, 0.1], [np.nan, 0.5], [0.8, 0.3]])
    assert ranks(scores).blocks == 2
    assert ranks(scores[1:2]) is None and ranks(scores[:, :1]) is None


def test_groups_are_the_largest_within_the_critical_difference():
    found = Ranks(np.array([1.0, 3.2, 2.0, 4.0]), 10, 0.01, 1.3)
    assert found.alike() == [(0, 2), (2, 1), (1, 3)]
    assert Ranks(found.mean, 10, 0.01, 9.0).alike() == [(0, 2, 1, 3)]
    assert Ranks(found.mean, 10, 0.01, 0.1).alike() == []

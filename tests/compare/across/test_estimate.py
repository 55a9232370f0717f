import numpy as np
import pytest

from ncenet.compare.across.estimate import estimate
from ncenet.compare.statistics import paired_difference
from tests.reference import across as reference


@pytest.mark.parametrize("step", [0.0, 0.05])
def test_several_sets_against_the_slow_version(step):
    rng = np.random.default_rng(0)
    values = rng.normal(0.02, [[0.01], [0.03], [0.002]], (4, 3, 5))
    found = estimate(values, step=step)
    for n in range(4):
        mean, half, over = reference.estimate(values[n].tolist(), step)
        assert found.at(n) == pytest.approx((mean, mean - half, mean + half, mean - over, mean + over))


def test_missing_trials_are_left_out_set_by_set():
    values = np.array([[0.1, 0.3, np.nan], [0.2, 0.4, 0.3], [np.nan] * 3])
    mean, half, over = reference.estimate([[0.1, 0.3], [0.2, 0.4, 0.3], []])
    found = estimate(values)
    assert found.at(()) == pytest.approx((mean, mean - half, mean + half, mean - over, mean + over))
    assert (int(found.sets), int(found.seeds)) == (2, 5)


def test_one_set_has_the_interval_of_a_paired_comparison():
    ours, theirs = [0.82, 0.85, 0.83], [0.80, 0.81, 0.80]
    one = paired_difference(ours, theirs, step=0.01)
    found = estimate(np.subtract(ours, theirs)[None], step=0.01)
    assert (found.low, found.high) == pytest.approx((one.low, one.high))
    assert np.isnan(found.sets_low), "one set says nothing of others"


def test_one_seed_a_set_has_no_interval_over_seeds_but_one_over_sets():
    found = estimate(np.array([[0.1], [0.3]]))
    assert np.isnan(found.low) and found.mean == pytest.approx(0.2) and np.isfinite(found.sets_low)


def test_sets_whose_means_are_equal_to_the_digit_prove_nothing_of_others():
    equal = np.full((3, 4), 0.01)
    assert estimate(equal).at(())[3:] == pytest.approx((0.01, 0.01))
    found = estimate(equal, step=0.05)
    half = 4.302653 * 0.05 / np.sqrt(6 * 4) / np.sqrt(3)
    assert found.at(())[3:] == pytest.approx((0.01 - half, 0.01 + half))


def test_nothing_at_all_is_nan():
    assert np.isnan(estimate(np.full((2, 3), np.nan)).at(())).all()


def test_intervals_over_seeds_cover_as_often_as_they_say():
    rng = np.random.default_rng(1)
    values = rng.normal(0, [[0.5], [1.0], [3.0]], (4000, 3, 5))
    found = estimate(values)
    covered = np.mean((found.low <= 0) & (found.high >= 0))
    assert 0.94 <= covered <= 0.965, "three standard errors around 95 %, Welch's is an approximation"
    of_sets = estimate(values + rng.normal(0, 2, (4000, 3, 1)))
    over = np.mean((of_sets.sets_low <= 0) & (of_sets.sets_high >= 0))
    within = np.mean((of_sets.low <= 0) & (of_sets.high >= 0))
    assert 0.94 <= over <= 0.965 and within < 0.8, "only the second interval speaks for other sets"

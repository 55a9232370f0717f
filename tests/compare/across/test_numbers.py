import numpy as np
import pytest

from ncenet.compare.across.budget import areas_of_sets, seconds_per_query, shares_to_reach, thirds
from ncenet.compare.across.estimate import estimate
from ncenet.compare.across.table import numbers
from ncenet.compare.across.wins import win_shares
from tests.compare.fake_suite import suite, write_suite, written
from tests.reference import across as reference


@pytest.fixture
def of(tmp_path):
    return numbers(written(tmp_path))


def curves(of, arm, d):
    return of.accuracy[d][:, :, of.arms.index(arm)].tolist()


def test_the_table_holds_every_curve_at_its_place(of):
    assert (of.sets, of.arms, of.seeds) == (("one", "two"), ("random", "a", "b"), (0, 1))
    assert curves(of, "a", 1) == [[0.30, 0.39, 0.62], [0.30, 0.44, 0.60]]
    assert of.mean[0, 1, 0] == pytest.approx((0.50 + 0.62 + 0.72) / 3)


def test_a_trial_that_is_missing_is_nan_and_nothing_else_is(tmp_path):
    accuracy = {"one": {"random": [[0.1, 0.2, 0.3]] * 2, "a": [[0.2, 0.3, 0.4]]}}
    of = numbers(write_suite(tmp_path, suite(arms=suite().arms[:2]), accuracy))
    assert of.sets == ("one",), "the other has not begun"
    assert np.isnan(of.accuracy[0][1, :, 1]).all() and np.isnan(of.accuracy[0]).sum() == 3


def test_wins_are_those_of_a_count_and_add_up(of):
    shares = win_shares(of)
    for a, arm in enumerate(of.arms):
        for b, other in enumerate(of.arms):
            slow = [reference.win_share(curves(of, arm, d), curves(of, other, d)) for d in (0, 1)]
            assert shares.mean[a, b] == pytest.approx(np.mean(slow))
    assert shares.mean + shares.mean.T == pytest.approx(np.ones((3, 3)))
    assert shares.mean[1, 0] == pytest.approx(7 / 8), "a loses one of eight cells to random"
    assert (shares.low >= 0).all() and (shares.high <= 1).all()


def test_an_arm_that_wins_everywhere_is_not_certain_with_four_runs(of):
    shares = win_shares(of)
    assert shares.mean[2, 0] == pytest.approx(0.5) and shares.low[1, 0] < 7 / 8


def test_thirds_are_means_of_thirds_of_the_cycles(of):
    early, middle, late = thirds(of)
    assert early[0, 0].tolist() == [0.5, 0.5, 0.5] and middle[1, 0].tolist() == [0.40, 0.39, 0.50]
    assert late[1, 1].tolist() == [0.50, 0.60, 0.58]


def test_fewer_cycles_than_thirds_have_none(tmp_path):
    short = suite(sets=("one",)).model_copy(update={"base": suite().base.with_changes({"loop.cycles": 2})})
    accuracy = {"one": dict.fromkeys(("random", "a", "b"), [[0.1, 0.2]] * 2)}
    assert thirds(numbers(write_suite(tmp_path, short, accuracy))) is None


def test_areas_are_trapezoids(of):
    assert areas_of_sets(of)[0, 0, 1] == pytest.approx(((0.5 + 0.65) / 2 + (0.65 + 0.80) / 2) / 2)


def test_shares_of_the_budget_to_reach_what_random_reaches(of):
    shares, reached = shares_to_reach(of)
    # Random ends at (.70 + .72) / 2 on the first set; a passes that between 6 and 8 labels.
    assert shares[0, 0, 1] == pytest.approx((6 + 2 * (0.71 - 0.65) / 0.15) / 8)
    assert reached[0, :, 2].tolist() == [0, 0] and shares[0, :, 2].tolist() == [1, 1]
    assert estimate(np.moveaxis(shares, -1, 0)).mean[1] < 1


def test_seconds_are_those_of_a_query(of):
    assert np.unique(seconds_per_query(of)).tolist() == [0.75], "fake runs predict for .5 and choose for .25"


def test_nothing_tested_has_no_table(tmp_path):
    assert numbers(write_suite(tmp_path, suite(), {"one": {}})) is None

from dataclasses import replace
from math import sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.statistics import (
    Difference,
    Spread,
    difference_to_baseline,
    paired_difference,
    per_cycle,
    pooled_deviation,
    seeds_to_show,
    student_quantile,
)
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison

ACCURACY = st.floats(0, 1)


@given(st.lists(st.tuples(ACCURACY, ACCURACY), min_size=2, max_size=12))
def test_the_interval_is_that_of_a_paired_t_test(pairs):
    arm, baseline = zip(*pairs, strict=True)
    differences = [a - b for a, b in pairs]
    found = paired_difference(arm, baseline)
    assert found.spread.mean == pytest.approx(fmean(differences), abs=1e-12)
    if stdev(differences) > 1e-9:
        expected = stats.ttest_rel(arm, baseline).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 100])
@pytest.mark.parametrize("probability", [0.8, 0.975])
def test_quantiles_are_those_of_student(probability, freedom):
    assert student_quantile(probability, freedom) == pytest.approx(
        stats.t.ppf(probability, freedom), rel=1e-9
    )


def test_a_case_by_hand():
    # Differences .01, .02, .03: mean .02, deviation .01, t(.975, 2) = 4.3027, half width .02484.
    found = paired_difference([0.61, 0.62, 0.63], [0.60, 0.60, 0.60])
    assert found.spread.mean == pytest.approx(0.02)
    assert found.spread.deviation == pytest.approx(0.01)
    assert (found.low, found.high) == pytest.approx((-0.004841, 0.044841), abs=1e-6)
    assert found.verdict == "unclear"


def test_the_verdict_follows_the_interval_and_its_sign():
    better = paired_difference([0.80, 0.81, 0.80], [0.70, 0.70, 0.71])
    worse = paired_difference([0.70, 0.70, 0.71], [0.80, 0.81, 0.80])
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert better.spread.mean == -worse.spread.mean
    assert better.low == -worse.high


def test_pairing_matters():
    """Seeds differ widely, arms little but always: unpaired nothing shows, paired it does."""
    baseline = [0.50, 0.60, 0.70, 0.80]
    arm = [0.511, 0.609, 0.711, 0.809]
    assert paired_difference(arm, baseline).verdict == "better"
    assert paired_difference(arm, baseline[::-1]).verdict == "unclear"


def test_one_seed_has_no_interval_and_proves_nothing():
    found = paired_difference([0.9], [0.1])
    assert (found.low, found.high, found.verdict, found.more_seeds) == (None, None, "unclear", None)
    assert found.spread == Spread(pytest.approx(0.8), None, 1)


def test_equal_arms_are_alike_and_need_no_more_seeds():
    found = paired_difference([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert (found.verdict, found.more_seeds) == ("alike", None), "three seeds plan nothing"


def test_no_seeds_and_unequal_seeds_are_refused():
    with pytest.raises(ValueError, match="no seeds"):
        paired_difference([], [])
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([0.5, 0.6], [0.5])


@given(difference=st.floats(0.005, 0.1), deviation=st.floats(0.0, 0.1))
def test_seeds_to_show_is_the_least_number_that_fulfils_its_formula(difference, deviation):
    def enough(n):
        return (stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) * deviation / sqrt(n) <= difference

    n = seeds_to_show(difference, deviation)
    assert enough(n)
    assert n == 2 or not enough(n - 1)


def test_more_seeds_are_counted_from_those_there_are():
    found = paired_difference([0.58, 0.62] * 5, [0.595] * 10)
    assert found.target == pytest.approx(0.005)
    assert found.more_seeds == seeds_to_show(0.005, found.spread.deviation) - 10 > 100
    tiny = paired_difference([0.601, 0.599, 0.600], [0.60, 0.60, 0.60])
    assert tiny.target == 0.005, "nobody looks for less than half a point"


@pytest.mark.parametrize(
    ("seeds", "others", "told"), [(3, 0, False), (8, 0, False), (9, 0, True), (3, 5, False), (3, 6, True)]
)
def test_a_number_of_seeds_is_said_where_it_is_mostly_right(seeds, others, told):
    found = Difference(Spread(0.001, 0.02, seeds), -0.02, 0.022)
    deviation, freedom = pooled_deviation(found.spread, [Spread(0.0, 0.02, seeds)] * others)
    found = replace(found, pooled=deviation, freedom=freedom)
    assert (found.more_seeds is not None) == told


def test_only_seeds_that_both_arms_finished_are_paired(tmp_path):
    arms = [Arm(name="base"), Arm(name="new"), Arm(name="late")]
    base = Recipe().with_changes({"loop.initial": 2, "loop.query_size": 2, "loop.cycles": 2})
    comparison = Comparison(base=base, arms=arms, seeds=[0, 1, 2])
    write_comparison(
        tmp_path,
        comparison,
        {"base": [[0.5, 0.7], [0.4, 0.6], [0.1, 0.1]], "new": [[0.6, 0.8], [0.5, 0.7]]},
    )
    results = read_comparison(tmp_path)
    found = difference_to_baseline(results, "new")
    assert found.spread.seeds == 2
    assert found.spread.mean == pytest.approx(0.1), "seed 2 of the baseline has no partner"
    assert difference_to_baseline(results, "late") is None
    assert [s.mean for s in per_cycle(results.curves("new"))] == pytest.approx([0.55, 0.75])
    assert [s.deviation for s in per_cycle(results.curves("new"))] == pytest.approx([0.0707107] * 2, abs=1e-6)


def test_equal_differences_of_few_images_leave_an_interval():
    arm, baseline = [0.902, 0.904], [0.900, 0.902]
    assert paired_difference(arm, baseline).verdict == "better", "taken as exact numbers"
    found = paired_difference(arm, baseline, step=1 / 500)
    # t(.975, 1) = 12.7062 times sqrt((1/500)^2 / 6 / 2)
    assert found.high - found.spread.mean == pytest.approx(12.7062 * (1 / 500) / 12**0.5, rel=1e-4)
    assert found.verdict == "unclear"

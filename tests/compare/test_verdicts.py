"""Verdicts on arms that are the same, in small; benchmarks/verdicts.py has it in large."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.statistics import (
    Difference,
    Spread,
    difference_to_baseline,
    paired_difference,
    pooled_deviation,
    seeds_to_show,
)
from ncenet.recipe import Recipe
from ncenet.report.words import outlook_words, verdict
from tests.compare.fake_runs import write_comparison


@pytest.fixture(scope="module")
def same():
    """Three hundred comparisons of eight equal arms over five seeds: differences to the first."""
    runs = np.random.default_rng(0).normal(0.8, 0.01, (300, 8, 5))
    return runs[:, 1:] - runs[:, :1]


def test_arms_that_are_the_same_get_false_verdicts_as_often_as_they_may(same):
    found = [paired_difference(row.tolist(), [0.0] * 5) for row in same[:, 0]]
    false = np.mean([d.verdict in ("better", "worse") for d in found])
    covered = np.mean([d.low <= 0 <= d.high for d in found])
    assert 0.01 <= false <= 0.09 and 0.91 <= covered <= 0.99, "5 and 95 %, within three standard errors"


def test_the_number_of_seeds_is_right_within_two_with_the_help_of_the_other_arms(same):
    true, right = 0.01 * math.sqrt(2), {"pooled": 0, "own": 0}
    for rows in same:
        spreads = [Spread.of(row.tolist()) for row in rows]
        own, target = spreads[0], max(abs(spreads[0].mean), 0.005)
        needed = seeds_to_show(target, true)
        guesses = {"pooled": pooled_deviation(own, spreads[1:])[0], "own": own.deviation}
        for name, deviation in guesses.items():
            right[name] += needed / 2 <= max(5, seeds_to_show(target, deviation)) <= 2 * needed
    assert right["pooled"] / 300 >= 0.8 > right["own"] / 300


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.004, 0.005, "alike"),
        (-0.004, 0.0051, "unclear"),
        (-0.0051, 0.004, "unclear"),
        (0.001, 0.004, "better"),
        (-0.004, -0.001, "worse"),
        (None, None, "unclear"),
    ],
)
def test_alike_is_said_where_the_whole_interval_is_within_half_a_point(low, high, said):
    deviation = None if low is None else 0.003
    found = Difference(Spread(0.0, deviation, 5 if deviation else 1), low, high)
    assert found.verdict == said


def test_alike_is_a_finding_and_asks_for_no_more_seeds():
    found = Difference(Spread(0.001, 0.003, 12), -0.001, 0.003)
    assert outlook_words(found) == ""
    assert verdict("a", "b", found).startswith("a and b are alike, within half a point: +0.10 points")


def test_reports_plan_by_all_arms_and_judge_by_the_pair(tmp_path):
    base = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 2, "loop.cycles": 1})
    arms = [Arm(name=name) for name in ("random", "a", "b")]
    accuracy = {"random": [[0.5], [0.5], [0.5]], "a": [[0.50], [0.51], [0.52]], "b": [[0.45], [0.5], [0.55]]}
    write_comparison(tmp_path, Comparison(base=base, arms=arms, seeds=[0, 1, 2]), accuracy)
    results = read_comparison(tmp_path)
    found = difference_to_baseline(results, "a")
    assert found.spread.deviation == pytest.approx(0.01)
    assert found.pooled == pytest.approx(math.sqrt((0.01**2 + 0.5 * 0.05**2) / 1.5))
    plain = paired_difference([0.5, 0.51, 0.52], [0.5] * 3, step=0.001)
    assert (found.low, found.high) == (plain.low, plain.high)
    assert found.freedom == 3.0 and found.more_seeds is None, "too little to plan by"


def test_nothing_would_have_shown_that_the_interval_hides_by_rounding():
    """Twenty test images: ten seeds without any difference leave 1.5 points on either side."""
    found = paired_difference([0.8] * 10, [0.8] * 10, step=1 / 20)
    assert found.verdict == "unclear" and found.high > found.target
    assert found.more_seeds == seeds_to_show(0.005, 1 / 20 / math.sqrt(6)) - 10 > 0
    assert "more seeds would show a difference of 0.5 points" in outlook_words(found)


def test_nothing_would_have_shown_that_the_interval_hides_though_other_arms_vary_less():
    own = [-0.02, 0.05, 0.01, 0.03, -0.015, 0.03, -0.005, 0.01, 0.02, 0.01]
    found = replace(paired_difference(own, [0.0] * 10), pooled=0.005, freedom=50.0)
    assert found.verdict == "unclear" and seeds_to_show(found.target, found.pooled) <= 10
    assert found.more_seeds == seeds_to_show(found.target, found.spread.deviation) - 10 > 0


def test_what_would_have_shown_lies_beyond_the_interval():
    found = Difference(Spread(0.003, 0.006, 20), 0.003 - 0.0038, 0.003 + 0.0038, 0.004, 100.0)
    assert found.more_seeds == 0 and found.high - found.spread.mean < found.target
    assert outlook_words(found) == "a difference of 0.5 points would have shown"


def test_one_seed_plans_nothing():
    assert pooled_deviation(Spread(0.1, None, 1), [Spread(0.1, 0.02, 3)]) == (None, 0.0)

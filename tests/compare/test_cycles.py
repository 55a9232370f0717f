import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.cycles import duels, family_size
from ncenet.compare.statistics import holm, p_value
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison
from tests.reference import comparisons as reference

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 3})
COMPARISON = Comparison(
    base=BASE, arms=[Arm(name="base"), Arm(name="new"), Arm(name="other")], seeds=range(4)
)
BASELINE = [[0.5, 0.6, 0.7], [0.52, 0.61, 0.69], [0.48, 0.62, 0.71], [0.51, 0.6, 0.72]]
# New: nothing in the first cycle, some in the second, much and steady in the third. Other: noise, a loss.
NEW = [[a, b + 0.02 + 0.02 * n, c + 0.1 + 0.001 * n] for n, (a, b, c) in enumerate(BASELINE)]
NOISE = [0.01, -0.02, 0.03, -0.01]
OTHER = [[a, b + NOISE[n], c - 0.1 + 0.001 * n] for n, (a, b, c) in enumerate(BASELINE)]
PAIRS = {"new": "base", "other": "base"}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_the_textbook(values):
    assert holm(values) == pytest.approx(reference.holm(values))


@given(st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=10))
def test_p_is_that_of_a_t_test(values):
    p = p_value(values)
    if len({round(v, 6) for v in values}) > 1:
        assert p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6, abs=1e-12)
    assert 0 <= p <= 1


def test_p_at_its_ends():
    assert p_value([0.0, 0.0, 0.0]) == 1.0
    assert p_value([0.25, 0.25]) == 0.0, "of numbers with all their digits"
    assert p_value([0.1]) is None


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_differences_that_are_equal_by_rounding_prove_nothing(seeds):
    """Equal arms on 500 images: below .05 in a twentieth of the tests, below .0005 in few."""
    rng = np.random.default_rng(0)
    p = [
        p_value((rng.integers(450, 460, seeds) - rng.integers(450, 460, seeds)) / 500, step=1 / 500)
        for _ in range(4000)
    ]
    assert np.mean(np.less(p, 0.05)) < 0.065
    assert np.mean(np.less(p, 0.0005)) < 0.004


def test_cycles_are_won_tied_and_lost_after_one_correction(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"base": BASELINE, "new": NEW, "other": OTHER})
    found = duels(read_comparison(tmp_path), PAIRS)
    assert [duel.outcome for duel in found["new"]] == ["tie", "tie", "win"]
    assert [duel.outcome for duel in found["other"]] == ["tie", "tie", "loss"]
    assert family_size(found) == 4, "equal networks are no test"
    second = found["new"][1]
    assert second.labeled == 7
    assert second.p == pytest.approx(p_value([0.02, 0.04, 0.06, 0.08], step=1 / 1000))
    assert second.p < 0.05, "uncorrected it would be a win"
    assert second.corrected == pytest.approx(2 * second.p), "one of four p values is larger"
    third = found["new"][2]
    assert third.corrected == pytest.approx(4 * third.p), "the smallest of four"


def test_more_arms_make_the_correction_harsher(tmp_path):
    weak = [[a, b + 0.01 + 0.015 * n, c] for n, (a, b, c) in enumerate(BASELINE)]
    write_comparison(tmp_path, COMPARISON, {"base": BASELINE, "new": weak, "other": weak})
    results = read_comparison(tmp_path)
    (alone,) = duels(results, {"new": "base"}).values()
    both = duels(results, PAIRS)["new"]
    assert both[1].corrected == pytest.approx(2 * alone[1].corrected)


def test_one_seed_and_no_seed(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"base": BASELINE[:1], "new": NEW[:1]})
    found = duels(read_comparison(tmp_path), PAIRS)
    assert [(duel.p, duel.outcome) for duel in found["new"]] == [(None, "tie")] * 3
    assert found["other"] == []
    assert family_size(found) == 0

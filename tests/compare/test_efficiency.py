from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.efficiency import area_under_curve, areas, labels_to_reach, saving, target
from ncenet.compare.records import Curve
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison
from tests.reference import comparisons as reference

BASE = Recipe().with_changes(
    {"loop.initial": 100, "loop.query_size": 100, "loop.cycles": 3, "loop.strategy": "random"}
)
SMALL = BASE.with_changes({"loop.initial": 4, "loop.query_size": 4})
ARMS = [
    Arm(name="random"),
    Arm(name="confusion", changes={"loop.strategy": "confusion"}),
    Arm(name="poor", changes={"loop.strategy": "entropy"}),
]
COMPARISON = Comparison(base=SMALL, arms=ARMS, seeds=[0, 1])
LEVEL = st.integers(0, 50).map(lambda n: n / 50)
POINTS = st.lists(LEVEL, min_size=2, max_size=6)


def curve(labeled, accuracy):
    return Curve("a", 0, tuple(labeled), tuple(accuracy), (), (), (), ())


@given(POINTS)
def test_the_area_is_the_mean_height_of_the_curve(accuracy):
    labeled = [10, 25, 30, 60, 90, 100][: len(accuracy)]
    expected = reference.area(labeled, accuracy, 1000)
    assert area_under_curve(curve(labeled, accuracy)) == pytest.approx(expected, abs=5e-3)


def test_one_cycle_has_the_area_of_its_height():
    assert area_under_curve(curve([10], [0.4])) == 0.4


@given(POINTS, LEVEL)
def test_the_labels_that_a_level_takes_are_the_first_that_reach_it(accuracy, level):
    labeled = [10, 25, 30, 60, 90, 100][: len(accuracy)]
    found, expected = (
        labels_to_reach(labeled, accuracy, level),
        reference.labels_to_reach(labeled, accuracy, level),
    )
    if expected is None:
        assert found is None
    else:
        assert expected - 1 <= found <= expected + 1e-9


def test_a_curve_that_falls_back_has_reached_it_all_the_same():
    assert labels_to_reach([10, 20, 30], [0.5, 0.9, 0.6], 0.7) == pytest.approx(15)


def test_what_choosing_saves(tmp_path):
    write_comparison(
        tmp_path,
        COMPARISON,
        {
            "random": [[0.5, 0.6, 0.7], [0.5, 0.7, 0.8]],
            "confusion": [[0.5, 0.7, 0.8], [0.5, 0.8, 0.9]],
            "poor": [[0.5, 0.5, 0.6], [0.5, 0.6, 0.9]],
        },
    )
    results = read_comparison(tmp_path)
    goal = target(results)
    assert (goal.arm, goal.labels) == ("random", 12)
    assert goal.accuracy == pytest.approx(0.75)
    # The mean curve .5 .75 .85 is there with the second cycle: 8 of 12 labels.
    found = saving(results, "confusion", goal)
    assert (found.labels, found.share) == (pytest.approx(8), pytest.approx(1 / 3))
    assert (found.seeds_that_reach, found.seeds) == (2, 2)
    poor = saving(results, "poor", goal)
    assert (poor.labels, poor.share, poor.seeds_that_reach) == (pytest.approx(12), pytest.approx(0), 1)
    assert areas(results, "confusion").mean == pytest.approx((0.675 + 0.75) / 2)


def test_a_level_that_is_not_reached_is_said_so(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"random": [[0.5, 0.6, 0.7]], "poor": [[0.5, 0.5, 0.6]]})
    results = read_comparison(tmp_path)
    found = saving(results, "poor", target(results))
    assert (found.labels, found.share, found.seeds_that_reach, found.seeds) == (None, None, 0, 1)
    assert saving(results, "confusion", target(results)) is None, "no seed is finished"


def test_the_level_is_set_by_random_with_the_head_of_the_baseline(tmp_path):
    softmax = Arm(name="softmax random", changes={"model.head.name": "softmax"})
    whole = Comparison(base=SMALL, arms=[softmax, *ARMS], seeds=[0], baseline="confusion")
    write_comparison(tmp_path, whole, {"softmax random": [[0.4, 0.5, 0.5]], "random": [[0.4, 0.5, 0.6]]})
    assert target(read_comparison(tmp_path)).arm == "random"
    without = Comparison(base=SMALL, arms=[softmax, ARMS[1]], seeds=[0], baseline="confusion")
    write_comparison(tmp_path / "b", without, {"softmax random": [[0.4, 0.5, 0.5]]})
    assert target(read_comparison(tmp_path / "b")).arm == "softmax random", "the only random there is"
    nothing = Comparison(base=SMALL, arms=[ARMS[1]], seeds=[0])
    write_comparison(tmp_path / "c", nothing, {"confusion": [[0.4, 0.5, 0.5]]})
    assert target(read_comparison(tmp_path / "c")) is None


def test_a_target_that_is_met_but_for_the_last_bit_is_reached():
    above = nextafter(0.7, 1)  # as the mean over seeds of equal accuracies may be
    assert labels_to_reach([10, 20], [0.5, 0.7], above) == 20
    assert labels_to_reach([10, 20], [0.7, 0.8], above) == 10
    assert labels_to_reach([10, 20], [0.5, 0.7], 0.70001) is None

from math import comb, log

import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.queries import (
    chance_overlap,
    evenness,
    evenness_of_arm,
    jaccard,
    overlap,
    queried_until,
)
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison, write_csv

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 3})
COMPARISON = Comparison(base=BASE, arms=[Arm(name="a"), Arm(name="b")], seeds=[0, 1])
CURVES = {arm: [[0.5, 0.6, 0.7]] * 2 for arm in "ab"}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"x": 1, "y": 1, "z": 1}, 1.0),
        ({"x": 9}, 0.0),
        ({"x": 3, "y": 1}, -(0.75 * log(0.75) + 0.25 * log(0.25)) / log(3)),
        ({}, None),
        ({"x": 0}, None),
    ],
)
def test_evenness_by_hand(counts, expected):
    assert evenness(counts, ["x", "y", "z"]) == (None if expected is None else pytest.approx(expected))


def test_one_class_is_neither_even_nor_uneven():
    assert evenness({"x": 4}, ["x"]) is None


def test_the_evenness_of_an_arm_counts_what_it_queried_and_not_its_initial_set(tmp_path):
    write_comparison(tmp_path, COMPARISON, CURVES)
    results = read_comparison(tmp_path)
    # The initial set is half cats, half dogs; everything queried is a dog.
    assert evenness_of_arm(results, "a", ["cat", "dog"]).mean == 0.0
    assert evenness_of_arm(results, "a", ["cat", "dog"]).seeds == 2


def test_overlap_is_of_all_that_was_queried_until_then(tmp_path):
    write_comparison(tmp_path, COMPARISON, CURVES)
    query = tmp_path / "b/seed-0/cycles/002/query.csv"
    write_csv(query, ["rank", "id", "score"], [(0, "7.png", 1), (1, "x.png", 1), (2, "y.png", 1)])
    results = read_comparison(tmp_path)
    run = results.runs["b", 0]
    assert queried_until(run, 7) == {"4.png", "5.png", "6.png"}
    assert len(queried_until(run, 10)) == 6
    found = overlap(results, "a", "b")
    # Seed 0: 4 in common of 8 in either; seed 1: all 6.
    assert found.jaccard == pytest.approx((4 / 8 + 1) / 2)
    assert (found.chance, found.seeds) == (None, 2)
    assert overlap(results, "a", "b", labeled=7).jaccard == 1.0
    assert overlap(results, "a", "b", labeled=4) is None, "nothing was queried yet"


def test_arms_without_common_seeds_have_no_overlap(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": CURVES["a"]})
    assert overlap(read_comparison(tmp_path), "a", "b") is None


def test_the_overlap_of_chance_is_that_of_random_draws():
    assert jaccard(set(), set()) == 1.0
    # Hypergeometric by hand: N = 20, q = 8, E |A and B| = 3.2.
    n, q = 20, 8
    expected = sum(k * comb(q, k) * comb(n - q, q - k) for k in range(q + 1)) / comb(n, q)
    assert chance_overlap(n, q) == pytest.approx(expected / (2 * q - expected))

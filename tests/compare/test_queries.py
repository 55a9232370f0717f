import json
from math import comb, log

import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.queries import (
    chance_overlap,
    chance_overlap_in_subsets,
    evenness,
    evenness_of_arm,
    jaccard,
    overlap,
    queried_until,
)
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison, write_csv, write_json

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


def test_arms_that_score_the_same_subset_overlap_by_more():
    # One cycle: the same 50 of 1,000 images, of which both draw 20.
    assert chance_overlap_in_subsets(1000, (20,), 50, seed=0) == pytest.approx(
        chance_overlap(50, 20), abs=0.06
    )
    whole = chance_overlap_in_subsets(200, (20, 20), 200, seed=0)
    assert whole == pytest.approx(chance_overlap(200, 40), abs=0.04), "no subset, and two cycles of one pool"
    several = chance_overlap_in_subsets(1000, (20, 20, 20), 50, seed=0)
    assert chance_overlap(1000, 60) < several < chance_overlap(50, 20), "later pools are not the same"


def test_the_overlap_of_chance_knows_the_subset_of_the_recipe(tmp_path):
    base = BASE.with_changes({"loop.pool_subset": 6, "loop.cycles": 2})
    comparison = Comparison(base=base, arms=COMPARISON.arms, seeds=[0])
    write_comparison(tmp_path, comparison, {arm: [[0.5, 0.6]] for arm in "ab"})
    for file in tmp_path.glob("*/seed-0/cycles/001/query.json"):
        write_json(file, {**json.loads(file.read_text()), "pool": 1000})
    found = overlap(read_comparison(tmp_path), "a", "b")
    assert found.chance == chance_overlap_in_subsets(1000, (3,), 6, 0) > 10 * chance_overlap(1000, 3)

import csv

import numpy as np
import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.bootstrap import bootstrap, bootstrap_differences, image_differences
from ncenet.compare.statistics import paired_difference
from ncenet.errors import DamagedRecord, DataError
from ncenet.recipe import Recipe
from ncenet.report.sections import sections_of
from tests.compare.fake_runs import write_comparison
from tests.reference import comparisons as reference

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 2})
COMPARISON = Comparison(base=BASE, arms=[Arm(name="a"), Arm(name="b")], seeds=[0, 1, 2])
CURVES = {"a": [[0.5, 0.5]] * 3, "b": [[0.5, 0.5]] * 3}


def table(seeds, images, rng):
    """Differences with an effect of seeds and an effect of images."""
    return 0.1 + 0.05 * rng.normal(size=(seeds, 1)) + 0.3 * rng.normal(size=(1, images))


@pytest.mark.parametrize(("seeds", "images"), [(5, 30), (3, 100), (1, 50)])
def test_intervals_are_those_of_a_loop(seeds, images):
    differences = table(seeds, images, np.random.default_rng(seeds))
    found = bootstrap({"x": differences}, np.random.default_rng(0), replicates=4000)["x"]
    low, high = reference.bootstrap(differences.tolist(), 4000, seed=1)
    width = high - low
    assert (found.low, found.high) == (
        pytest.approx(low, abs=0.08 * width),
        pytest.approx(high, abs=0.08 * width),
    )
    assert (found.seeds, found.images) == (seeds, images)


def test_other_images_widen_the_interval_of_seeds():
    """Seeds that agree on every image leave Student nothing to doubt; other images would differ."""
    same = np.repeat(np.random.default_rng(0).normal(0.1, 0.5, size=(1, 200)), 4, axis=0)
    found = bootstrap({"x": same}, np.random.default_rng(1))["x"]
    assert found.high - found.low > 0.1
    by_seeds = paired_difference(same.mean(1).tolist(), [0.0] * 4)
    assert by_seeds.high - by_seeds.low < 1e-9


def test_tables_share_their_draws_of_images_and_not_those_of_seeds():
    rng = np.random.default_rng(3)
    images = rng.normal(size=(1, 40))
    found = bootstrap({"x": images, "y": images, "z": -images}, np.random.default_rng(0), replicates=200)
    assert found["x"] == found["y"], "one seed: the images alone are drawn, and the same"
    assert found["z"].low == pytest.approx(-found["x"].high)


def test_replicates_beyond_one_portion_count():
    differences = table(4, 20, np.random.default_rng(0))
    few, many = (
        bootstrap({"x": differences}, np.random.default_rng(0), replicates=n)["x"] for n in (200, 450)
    )
    assert (few.low, few.high) != (many.low, many.high)


def test_tables_of_unlike_numbers_of_images_are_drawn_apart():
    rng = np.random.default_rng(5)
    small, large = table(3, 20, rng), table(3, 30, rng)
    found = bootstrap({"x": small, "y": large}, np.random.default_rng(0), replicates=100)
    assert (found["x"].images, found["y"].images) == (20, 30)
    assert found["x"].low <= small.mean() <= found["x"].high and found["y"].low <= large.mean()


def write_tests(folder, comparison, right):
    """`test.csv` of each trial; `right[arm][seed][cycle]` holds the images that are predicted rightly."""
    for arm, seeds in right.items():
        for seed, cycles in enumerate(seeds):
            for number, images in enumerate(cycles, start=1):
                file = folder / comparison.folder(arm, seed) / f"cycles/{number:03d}/test.csv"
                with file.open("w", newline="") as lines:
                    rows = [(f"{n}.png", "cat", "cat" if ok else "dog") for n, ok in enumerate(images)]
                    csv.writer(lines).writerows([("id", "label", "predicted"), *rows])


def test_images_are_paired_and_averaged_over_cycles(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": CURVES["a"], "b": CURVES["b"][:2]})
    right = {
        "a": [[[1, 1, 0], [1, 0, 0]], [[0, 1, 1], [0, 1, 1]], [[1, 1, 1], [1, 1, 1]]],
        "b": [[[1, 0, 0], [1, 0, 0]], [[0, 0, 0], [1, 0, 1]]],
    }
    write_tests(tmp_path, COMPARISON, right)
    results = read_comparison(tmp_path)
    differences = image_differences(results, "a", "b")
    assert differences.tolist() == [[0, 0.5, 0], [-0.5, 1, 0.5]], "seed 2 of a has no partner"
    found = bootstrap_differences(results, {"a": "b"})["a"]
    assert (found.seeds, found.images) == (2, 3)
    assert found.low <= differences.mean() <= found.high


def test_the_same_records_give_the_same_interval(tmp_path):
    write_comparison(tmp_path, COMPARISON, CURVES)
    rng = np.random.default_rng(0)
    write_tests(tmp_path, COMPARISON, {arm: rng.integers(2, size=(3, 2, 30)) for arm in "ab"})
    one, two = (bootstrap_differences(read_comparison(tmp_path), {"a": "b"}) for _ in range(2))
    assert one == two


def test_without_predictions_there_is_no_interval(tmp_path):
    write_comparison(tmp_path, COMPARISON, CURVES)
    assert bootstrap_differences(read_comparison(tmp_path), {"a": "b"}) == {}
    other = tmp_path / "a/seed-0/cycles/001/test.csv"
    other.write_text("id,x1,y1\n0.png,1,2\n")
    with pytest.raises(DamagedRecord, match=r"001/test\.csv: damaged, its first line is not id"):
        _ = read_comparison(tmp_path).runs["a", 0].predicted


def test_other_images_are_no_comparison(tmp_path):
    write_comparison(tmp_path, COMPARISON, CURVES)
    write_tests(tmp_path, COMPARISON, {arm: [[[1, 0], [1, 0]]] * 3 for arm in "ab"})
    write_tests(tmp_path, COMPARISON, {"b": [[[1, 0, 1], [1, 0, 1]]]})
    with pytest.raises(DataError, match="a and b, seed 0: tested on different images"):
        bootstrap_differences(read_comparison(tmp_path), {"a": "b"})
    write_tests(tmp_path, COMPARISON, {"b": [[[1, 0, 1], [1, 0]]]})
    with pytest.raises(DataError, match="other images than"):
        bootstrap_differences(read_comparison(tmp_path), {"a": "b"})


def test_seeds_with_test_images_of_their_own_are_compared_without_drawing_images(tmp_path):
    """As held-out images are, which each seed draws from the pool."""
    write_comparison(tmp_path, COMPARISON, {arm: [[0.5, 0.6], [0.5, 0.7]] for arm in "ab"})
    write_tests(tmp_path, COMPARISON, {arm: [[[1, 0], [1, 0]], [[1, 0, 1], [1, 0, 1]]] for arm in "ab"})
    results = read_comparison(tmp_path)
    assert image_differences(results, "a", "b") is None, "the images have no common columns"
    assert bootstrap_differences(results, {"a": "b"}) == {}
    (summary,) = (section for section in sections_of(results) if section.title == "Summary")
    assert "over images too" not in summary.blocks[0].columns
    assert summary.blocks[1].text.startswith("Each seed is tested on images of its own")


def test_one_seed_draws_the_images_that_it_was_tested_on(tmp_path):
    """Whatever images other seeds and arms were tested on, and however many."""
    comparison = COMPARISON.model_copy(update={"arms": (*COMPARISON.arms, Arm(name="c"))})
    curves = [[0.5, 0.6], [0.5, 0.7]]
    write_comparison(tmp_path, comparison, {"a": curves[:1], "b": curves, "c": curves})
    tests = [[[1, 0], [1, 0]], [[1, 0, 1], [1, 0, 1]]]
    write_tests(tmp_path, comparison, {"a": tests[:1], "b": tests, "c": tests})
    found = bootstrap_differences(read_comparison(tmp_path), {"a": "b", "c": "b"})
    assert list(found) == ["a"] and (found["a"].seeds, found["a"].images) == (1, 2)

import json

import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.recipe import Recipe
from ncenet.report import write_report
from ncenet.report.sections.prototypes import groups_of_arms, section, table
from ncenet.report.tables import NOTHING
from tests.compare.fake_runs import write_comparison

K = "model.head.prototypes_per_class"
BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 2})


def compared(*arms: tuple[str, dict]) -> Comparison:
    return Comparison(base=BASE, arms=[Arm(name=n, changes=c) for n, c in arms], seeds=[0, 1])


BOTH = compared(("two", {K: 2}), ("one", {}), ("random", {"loop.strategy": "random"}))


def test_arms_that_differ_in_k_alone_are_a_group():
    arms = (
        ("five", {K: 5}),
        ("one", {}),
        ("random", {"loop.strategy": "random"}),
        ("random, 2", {"loop.strategy": "random", K: 2}),
        ("cosine, 2", {"model.head.kernel": "cosine", K: 2}),
        ("softmax", {"model.head.name": "softmax", "loop.strategy": "random"}),
    )
    assert groups_of_arms(compared(*arms)) == [[(1, "one"), (5, "five")], [(1, "random"), (2, "random, 2")]]


@pytest.fixture
def folder(tmp_path):
    accuracy = {"two": [[0.5, 0.6], [0.5, 0.7]], "one": [[0.4, 0.5], [0.4, 0.5]], "random": [[0.4, 0.4]] * 2}
    write_comparison(tmp_path, BOTH, accuracy)
    for seed, live in ((0, {"cat": 2, "dog": 1}), (1, {"cat": 2, "dog": 2})):
        file = tmp_path / BOTH.folder("two", seed) / "cycles/002/fit.json"
        fit = json.loads(file.read_text())
        file.write_text(json.dumps({**fit, "details": {"live_prototypes": live}}))
    return tmp_path


def test_the_table_has_a_row_for_each_k(folder):
    results = read_comparison(folder)
    made = table(results, groups_of_arms(BOTH))
    assert made.columns == ("Arm", "K", "4", "7", "live")
    assert made.rows == (
        ("one", "1", "40.0 ± 0.0", "50.0 ± 0.0", "1"),
        ("two", "2", "50.0 ± 0.0", "65.0 ± 7.1", "1.8"),
    )


def test_it_is_on_the_page(folder):
    assert "Prototypes per class" in write_report(folder)[0].read_text()


def test_arms_with_one_k_have_no_table(tmp_path):
    plain = compared(("one", {}), ("random", {"loop.strategy": "random"}))
    write_comparison(tmp_path, plain, {})
    assert section(read_comparison(tmp_path)) is None


def test_an_unfinished_arm_has_a_row_without_numbers(tmp_path):
    write_comparison(tmp_path, BOTH, {"one": [[0.4, 0.5], [0.4, 0.5]]})
    rows = table(read_comparison(tmp_path), groups_of_arms(BOTH)).rows
    assert rows[1] == ("two", "2", NOTHING, NOTHING, NOTHING)

"""What a folder holds of an earlier comparison: gone on with, or left alone."""

from __future__ import annotations

import pytest

from ncenet.compare import Arm, Comparison, run
from ncenet.compare.costs import cost
from ncenet.compare.data_sets import DataSet
from ncenet.compare.earlier import check_earlier
from ncenet.errors import UsageError
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison, write_run

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 2, "loop.cycles": 2})
CURVE = [0.5, 0.6]


def of(*arms, seeds=(0, 1), **more):
    return Comparison(base=BASE, arms=[Arm(name=arm) for arm in arms], seeds=seeds, **more)


def files(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    "other",
    [of("c", "d"), of("a", "b", seeds=[2]), of("a", "b", data=[DataSet(train="digits")])],
    ids=["arms", "seeds", "sets"],
)
def test_the_folder_of_another_comparison_is_refused_and_left_as_it_is(tmp_path, other):
    write_comparison(tmp_path, of("a", "b"), {"a": [CURVE, CURVE], "b": [CURVE]})
    before = files(tmp_path)
    for look in (lambda: run(other, tmp_path, processes=1), lambda: cost(other, tmp_path)):
        with pytest.raises(UsageError, match=r"holds another comparison \(a, b\), and this one has no trial"):
            look()
    assert files(tmp_path) == before


def test_the_folder_of_one_data_set_may_be_that_of_another_comparison_too(tmp_path):
    write_comparison(tmp_path / "digits", of("a"), {"a": [CURVE]})
    with pytest.raises(UsageError, match="digits: holds another comparison"):
        check_earlier(of("c", data=[DataSet(train="digits")]), tmp_path)
    assert check_earlier(of("a", data=[DataSet(train="digits")]), tmp_path) == ()


@pytest.mark.parametrize(
    ("later", "left_out"),
    [
        (of("a", "c"), "b, seed 0, 1"),
        (of("a", "b", seeds=[0]), "a, seed 1; b, seed 1"),
    ],
    ids=["arm", "seed"],
)
def test_what_was_taken_out_of_the_file_is_told_and_stays(tmp_path, later, left_out):
    write_comparison(tmp_path, of("a", "b"), {"a": [CURVE, CURVE], "b": [CURVE, CURVE]})
    (remark,) = check_earlier(later, tmp_path)
    assert "nothing is deleted" in remark and remark.endswith(f": {left_out}")


def test_replays_that_are_asked_for_no_more_are_told_too(tmp_path):
    twice = of("a", replays=1)
    write_comparison(tmp_path, twice, {"a": [CURVE, CURVE]})
    write_run(tmp_path / twice.folder("a", 0, again=True), twice.recipe("a", 0), CURVE)
    assert check_earlier(twice, tmp_path) == ()
    (remark,) = check_earlier(of("a"), tmp_path)
    assert remark.endswith(": a, seed 0 again")


def test_of_several_sets_it_is_told_once(tmp_path):
    sets = [DataSet(train=name) for name in ("digits", "shapes")]
    whole = of("a", "b", seeds=[0], data=sets)
    for part, path in whole.parts(tmp_path).values():
        write_comparison(path, part, {"a": [CURVE], "b": [CURVE]})
    (tmp_path / "comparison.yaml").write_text(whole.to_yaml())
    (remark,) = check_earlier(of("a", data=sets), tmp_path)
    assert remark.startswith(f"{tmp_path}: ") and remark.endswith(": digits: b, seed 0; shapes: b, seed 0")
    (remark,) = check_earlier(of("a", "b", data=sets[:1]), tmp_path)
    assert remark.endswith(": shapes: a, seed 0; shapes: b, seed 0")


def test_it_is_told_by_the_run_that_leaves_it_out_and_comes_back_with_its_name(tmp_path):
    write_comparison(tmp_path, of("a", "b"), {"a": [CURVE, CURVE], "b": [CURVE, CURVE]})
    runs = {file: content for file, content in files(tmp_path).items() if "seed-" in str(file)}
    said = []
    results = run(of("a"), tmp_path, processes=1, on_event=said.append)
    assert {arm for arm, _ in results.runs} == {"a"}
    assert next(event["text"] for event in said if event["event"] == "note").endswith(": b, seed 0, 1")
    assert files(tmp_path).items() >= runs.items()
    assert run(of("a", "b"), tmp_path, processes=1).unfinished == ()


def test_a_comparison_goes_on_with_its_own_trials(tmp_path):
    assert check_earlier(of("a"), tmp_path / "none") == ()
    write_comparison(tmp_path, of("a", "b"), {"a": [CURVE]})
    assert check_earlier(of("a", "c", seeds=[0, 1, 2]), tmp_path) == ()
    (tmp_path / "a").rename(tmp_path / "moved")
    assert check_earlier(of("c"), tmp_path) == (), "of nothing that was begun nothing is lost"

import json

import pytest

from ncenet.boxes import Boxes
from ncenet.compare import Arm, Comparison, read_comparison, read_run
from ncenet.compare.trials import planned
from ncenet.errors import DamagedRecord, DataError
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT
from ncenet.recipe import Recipe
from ncenet.report.blocks import Note
from ncenet.report.sections import sections_of
from ncenet.report.words import missing_trials
from ncenet.report.writers.tidy import tidy
from ncenet.types import Query
from tests.compare.fake_runs import write_comparison, write_csv, write_json, write_run

RECIPE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 3, "loop.seed": 7})
COMPARISON = Comparison(base=RECIPE, arms=[Arm(name="a"), Arm(name="b")], seeds=[0, 1])


def test_a_run_is_read_as_it_was_written(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5, 0.6, 0.7])
    run = read_run(tmp_path / "run")
    curve = run.curve("mine")
    assert (curve.arm, curve.seed) == ("mine", 7)
    assert curve.labeled == (4, 7, 10)
    assert curve.accuracy == (0.5, 0.6, 0.7)
    assert curve.balanced_accuracy == pytest.approx((0.49, 0.59, 0.69))
    assert curve.fit_seconds == (2.0, 2.0, 2.0)
    assert curve.score_seconds == (0.5, 0.5), "the last cycle makes no query"
    assert run.cycles[0].queried == ("4.png", "5.png", "6.png")
    assert run.cycles[-1].per_class == {"cat": 0.7, "dog": 0.7}
    assert run.initial_per_class == {"cat": 2, "dog": 2}
    assert run.queried_per_class == {"dog": 6}


def test_held_out_images_are_in_neither_count(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5, 0.6, 0.7])
    with Ledger(tmp_path / "run" / "ledger.sqlite") as ledger:
        ledger.record_query(0, HELD_OUT, Query(("0.png", "2.png"), (0.0, 0.0)))
    run = read_run(tmp_path / "run")
    assert run.initial_per_class == {"dog": 2}, "0.png and 2.png are cats"
    assert run.queried_per_class == {"dog": 6}


def test_a_cycle_in_flight_does_not_count(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5, 0.6], finished=False)
    assert (tmp_path / "run/cycles/003/fit.json").exists()
    assert read_run(tmp_path / "run").curve("a").labeled == (4, 7)


def test_a_run_without_held_out_images_has_cycles_and_no_accuracy(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5, 0.6], test=False)
    run = read_run(tmp_path / "run")
    assert [(c.labeled, c.accuracy) for c in run.cycles] == [(4, None), (7, None)]
    assert run.curve("a").labeled == ()


def test_a_test_may_name_its_headline_number(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5, 0.6], metric="mAP")
    run = read_run(tmp_path / "run")
    assert run.metric == "mAP"
    assert run.curve("a").accuracy == (0.5, 0.6)
    assert run.curve("a").balanced_accuracy == (), "an mAP is balanced as it is"
    write_run(tmp_path / "other", RECIPE, [0.5])
    assert read_run(tmp_path / "other").metric == "accuracy"


def test_runs_tested_by_different_numbers_are_not_compared(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6]]}, metric="mAP")
    assert read_comparison(tmp_path).metric == "mAP"
    write_comparison(tmp_path, COMPARISON, {"b": [[0.5, 0.6]]})
    with pytest.raises(DataError, match=r"mAP \(a, seed 0\), accuracy \(b, seed 0\)"):
        _ = read_comparison(tmp_path).metric


def test_with_a_budget_of_boxes_curves_are_over_budgets(tmp_path):
    boxes = RECIPE.with_changes({"task": "detection", "loop.budget_unit": "box"})
    write_run(tmp_path, RECIPE, [0.5, 0.6])
    (tmp_path / "recipe.yaml").write_text(boxes.to_yaml())
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        answers = [id for id, _ in ledger.labeled()]
        two = Boxes(((0, 0, 1, 1), (1, 1, 2, 2)), ("cat", "dog")).to_label()
        ledger.tell(dict.fromkeys(answers, two), who="oracle", cycle=2)
    for cycle, spent in ((1, 9), (2, 6)):  # the last image went beyond the budget of 4; then the pool ended
        fit = tmp_path / "cycles" / f"{cycle:03d}" / "fit.json"
        fit.write_text(json.dumps(json.loads(fit.read_text()) | {"boxes": spent}))
    run = read_run(tmp_path)
    assert [cycle.labeled for cycle in run.cycles] == [4, 6]
    assert run.initial_per_class == {"cat": 4, "dog": 4}, "objects are counted, not answers"


def test_a_run_that_has_only_begun_is_empty(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE.to_yaml())
    assert read_run(tmp_path).cycles == ()


def test_bad_images_and_duplicates_are_read(tmp_path):
    write_run(tmp_path / "run", RECIPE, [0.5])
    write_csv(tmp_path / "run/bad_images.csv", ["id", "why"], [("x, y.png", "empty file")])
    assert read_run(tmp_path / "run").bad_images.rows == (("x, y.png", "empty file"),)


def test_unfinished_trials_are_named_and_left_out(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6, 0.7]] * 2, "b": [[0.4, 0.5, 0.6]]})
    write_run(tmp_path / "b/seed-1", COMPARISON.recipe("b", 1), [0.4], finished=False)
    results = read_comparison(tmp_path)
    assert results.labeled == (4, 7, 10)
    assert results.unfinished == (("b", 1),)
    assert list(results.curves("a")) == [0, 1]
    assert list(results.curves("b")) == [0]
    assert missing_trials(results).endswith("left out: b, seed 1 (1 of 3 cycles so far)")


def test_the_trial_that_has_come_furthest_is_not_finished_by_that(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6]]})
    results = read_comparison(tmp_path)
    assert len(results.unfinished) == 4 and results.labeled == () and results.curves("a") == {}
    said = missing_trials(results)
    assert said.startswith("4 of 4 trials are not finished")
    assert said.endswith("a, seed 0 (2 of 3 cycles so far), 1; all of b")
    assert {row[-1] for row in tidy(results).rows} == {"no"}
    assert "Labels saved" not in [section.title for section in sections_of(results)]


def test_cycles_beyond_those_of_the_file_are_left_out(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6, 0.7]]})
    shorter = COMPARISON.model_copy(update={"base": RECIPE.with_changes({"loop.cycles": 2})})
    write_comparison(tmp_path, shorter, {"b": [[0.4, 0.5]]})
    results = read_comparison(tmp_path)
    assert results.labeled == (4, 7) and results.unfinished == (("a", 1), ("b", 1))
    longer = results.runs["a", 0]
    assert longer.queried_per_class == {"dog": 3} and longer.initial_per_class == {"cat": 2, "dog": 2}
    assert longer.cycles[-1].queried == () and longer.curve("a").score_seconds == (0.5,)
    assert planned(shorter, tmp_path)["a, seed 0"].finished, "as in the report"


def test_a_pool_that_is_used_up_ends_a_trial_before_its_last_cycle(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6]]})
    files = tmp_path / "a/seed-0/cycles/002"
    write_csv(files / "query.csv", ["rank", "id", "score"], [])
    assert not planned(COMPARISON, tmp_path)["a, seed 0"].finished, "it has not asked"
    asked = {"cycle": 2, "strategy": "random", "size": 0, "score_seconds": 0.0, "select_seconds": 0.1}
    write_json(files / "query.json", asked)
    results = read_comparison(tmp_path)
    assert ("a", 0) not in results.unfinished and results.labeled == (4, 7)
    assert results.curves("a")[0].select_seconds == (0.25,), "asking in vain is no query"
    assert planned(COMPARISON, tmp_path)["a, seed 0"].finished
    facts = next(s for s in sections_of(results) if s.title == "What these numbers are").blocks[0].items
    assert facts["Labels"].endswith("3 more in each of the 2 that follow, but the pool was used up with 7")
    note = next(n for n in sections_of(results.runs["a", 0])[0].blocks if isinstance(n, Note))
    assert note.text == "1 of 3 cycles was not run: the pool was used up."
    (files.parent / "001/test.json").unlink()
    assert not planned(COMPARISON, tmp_path)["a, seed 0"].finished, "it is tested again"


def test_arms_with_other_label_counts_are_not_compared(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6]]})
    other = COMPARISON.recipe("b", 0).with_changes({"loop.query_size": 5})
    write_run(tmp_path / "b/seed-0", other, [0.5, 0.6])
    with pytest.raises(DataError, match=r"b, seed 0: labels \(4, 9\), elsewhere \(4, 7\)"):
        _ = read_comparison(tmp_path).labeled


def test_nothing_run_yet(tmp_path):
    write_comparison(tmp_path, COMPARISON, {})
    results = read_comparison(tmp_path)
    assert results.labeled == ()
    assert len(results.unfinished) == 4


@pytest.mark.parametrize("name", ["bad_images.csv", "duplicates.csv"])
def test_a_table_of_something_else_is_damaged(tmp_path, name):
    write_run(tmp_path / "run", RECIPE, [0.5])
    write_csv(tmp_path / "run" / name, ["x", "y"], [(1, 2)])
    with pytest.raises(
        DamagedRecord, match=rf"{name}: damaged, it has no column \w+ and no \w+; ncenet repair"
    ):
        read_run(tmp_path / "run")


@pytest.mark.parametrize("schema", ["9" * 400, "-1", "true", '"1"', "1.0"])
def test_a_schema_that_is_none_is_damage_and_no_newer_version(tmp_path, schema):
    write_run(tmp_path / "run", RECIPE, [0.5])
    file = tmp_path / "run/cycles/001/fit.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"schema": "it"}).replace('"it"', schema))
    with pytest.raises(DamagedRecord, match=r"fit\.json: damaged, its schema is .{1,70}; ncenet repair"):
        read_run(tmp_path / "run")


def test_a_test_that_is_gone_is_named_where_runs_are_compared(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6], [0.5, 0.7]], "b": [[0.4, 0.5], [0.4, 0.5]]})
    (tmp_path / "b/seed-1/cycles/001/test.json").unlink()
    with pytest.raises(DataError, match=r"b/seed-1/cycles/001/test\.json: is missing, so b, seed 1 can't be"):
        read_comparison(tmp_path).labeled  # noqa: B018


def test_one_trial_that_is_missing_is_one(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6, 0.7]] * 2, "b": [[0.4, 0.5, 0.6]]})
    assert missing_trials(read_comparison(tmp_path)).startswith("1 of 4 trials is not finished")
    alone = Comparison(base=COMPARISON.base, arms=[Arm(name="a")], seeds=[0])
    write_comparison(tmp_path / "alone", alone, {})
    assert missing_trials(read_comparison(tmp_path / "alone")).startswith("1 of 1 trial is not finished")

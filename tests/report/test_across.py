import csv
import json
import re

import pytest
from rich.console import Console

from ncenet.compare import Arm
from ncenet.compare.suite import read_compared
from ncenet.errors import DataError, UsageError
from ncenet.report import print_results, results_record, write_report
from ncenet.report.sections import sections_of, title_of
from ncenet.report.words import NOTHING
from tests.compare.fake_runs import write_comparison, write_csv, write_run
from tests.compare.fake_suite import ARMS, suite, write_suite, written


@pytest.fixture
def sections(tmp_path):
    return {section.title: section for section in sections_of(written(tmp_path))}


def table(section):
    found = next(block for block in section.blocks if hasattr(block, "rows"))
    return {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}


def test_the_report_has_all_that_is_said_across_sets(sections):
    assert list(sections) == [
        "",
        "Against random, percentage points of the mean over cycles",
        "Learning curves",
        "Who wins how often",
        "Mean ranks",
        "Early, middle and late, against random, percentage points",
        "Labels to reach what random reaches with all",
        "Seconds a query",
        "What was compared",
    ]


def test_differences_stand_set_by_set_and_over_all(sections):
    found = table(sections["Against random, percentage points of the mean over cycles"])
    # On the first set a is ahead by 0, 5 and 9 points in the mean of both seeds.
    assert found["a"]["one"] == "+4.67" and found["a"]["two"] == "+3.83" and found["a"]["all sets"] == "+4.25"
    assert found["random"]["all sets"] == NOTHING


def test_a_mean_over_some_of_the_sets_says_so(tmp_path):
    both = {"random": [[0.1, 0.2, 0.3]] * 2, "a": [[0.2, 0.3, 0.4]] * 2}
    results = write_suite(tmp_path, suite(), {"one": both, "two": {"random": both["random"]}})
    shown = {section.title: section for section in sections_of(results)}
    found = table(shown["Against random, percentage points of the mean over cycles"])
    assert (found["a"]["one"], found["a"]["two"]) == ("+10.00", NOTHING)
    assert found["a"]["all sets"] == "+10.00 (1 of 2 sets)"
    assert found["a"]["Mean over cycles, %"] == "30.0 (1 of 2 sets)"
    assert found["random"]["Mean over cycles, %"] == "20.0"
    assert table(shown["Seconds a query"])["a"]["all sets"] == "0.750 (1 of 2 sets)"
    thirds = table(shown["Early, middle and late, against random, percentage points"])["a"]
    assert len(thirds) == 5 and all(
        shown.startswith("+10.00 (") and shown.endswith("; 1 of 2 sets)")
        for shown in list(thirds.values())[1:]
    )
    wins = table(shown["Who wins how often"])
    assert wins["a"]["random"] == "100 (1 of 2 sets)" and wins["random"]["a"] == "0 (1 of 2 sets)"
    reach = table(shown["Labels to reach what random reaches with all"])
    assert reach["a"]["Of the budget, %"].endswith("(1 of 2 sets)")
    assert "sets" not in reach["random"]["Of the budget, %"]


def test_verdicts_say_on_what_they_rest(sections):
    said = [sentence for _, sentence in sections[""].blocks[0].sentences]
    assert len(said) == 2 and re.match(
        r"a is better than random on 2 sets: \+4\.25 points, 95 % interval \+3\.\d\d to \+5\.\d\d over 4 "
        r"runs on these sets\. Other sets of the kind: \N{MINUS SIGN}1\.04 to \+9\.54, which these "
        r"few cannot show\.",
        said[0],
    )
    assert said[1].startswith("b against random is unclear on 2 sets")


def test_wins_and_ranks_are_shown(sections):
    assert table(sections["Who wins how often"])["a"]["random"] == "88"
    ranked = table(sections["Mean ranks"])
    assert ranked["a"]["Mean rank over sets"] == "1.50" and list(ranked)[-1] == "random"
    assert "With 2 sets hardly any difference can be critical" in sections["Mean ranks"].blocks[-1].text


def test_wins_of_the_first_cycle_are_not_said_to_be_left_out(tmp_path, sections):
    assert sections["Who wins how often"].blocks[1].text.endswith("is left out: nobody has chosen yet.")
    first = {"random": [[0.5]] * 2, "a": [[0.6]] * 2}
    comparison = suite(arms=ARMS[:2])
    base = comparison.base.with_changes({"loop.cycles": 1})
    results = write_suite(tmp_path / "first", comparison.model_copy(update={"base": base}), {"one": first})
    wins = next(s for s in sections_of(results) if s.title == "Who wins how often")
    assert table(wins)["a"]["random"] == "100"
    assert wins.blocks[1].text.endswith(
        "The first cycle, in which nobody has chosen yet, is left out on sets that have another."
    )


def test_arms_that_are_not_begun_take_no_part_in_ranks(tmp_path):
    later = [*ARMS, Arm(name="c"), Arm(name="d")]
    found = next(s for s in sections_of(written(tmp_path, arms=later)) if s.title == "Mean ranks")
    assert list(table(found)) == ["a", "b", "random"]
    assert "No trial is finished of c, d: left out." in found.blocks[-1].text


def test_the_ranks_of_one_block_are_not_tested(tmp_path):
    curves = {"random": [[0.5, 0.6, 0.7]], "a": [[0.5, 0.65, 0.8]]}
    results = write_suite(tmp_path, suite(sets=["one"], arms=ARMS[:2], seeds=[0]), {"one": curves})
    found = next(s for s in sections_of(results) if s.title == "Mean ranks")
    assert found.blocks[-1].text.startswith("Sets as blocks: N = 1, critical difference 1.96. Pairs of set")


def test_one_that_never_gets_there_needs_at_least_everything(sections):
    found = table(sections["Labels to reach what random reaches with all"])
    assert found["b"]["Of the budget, %"].startswith("at least ") and found["b"]["Runs that do"] == "2 of 4"
    assert not found["a"]["Of the budget, %"].startswith("at least")


def test_shares_of_the_budget_have_intervals_within_the_budget(sections):
    found = table(sections["Labels to reach what random reaches with all"])
    ends = [
        row[column].split(" to ") for row in found.values() for column in row if column.startswith("95 %")
    ]
    assert all(0 <= int(low) <= int(high) <= 100 for low, high in ends)
    assert found["b"]["95 %, other sets"] == "0 to 100", "two sets say nothing of others"


def test_equal_differences_are_no_proof_in_thirds_either(tmp_path):
    """What rounding to 1,000 test images hides is in the interval, more of it in one cycle than in all."""
    ahead = {"random": [[0.5, 0.6, 0.7]] * 2, "a": [[0.5, 0.61, 0.71]] * 2}
    results = write_suite(tmp_path, suite(arms=ARMS[:2]), {"one": ahead, "two": ahead})
    shown = {section.title: section for section in sections_of(results)}
    row = table(shown["Early, middle and late, against random, percentage points"])["a"]
    # t(.975, 2) = 4.3027 times the error .001 / sqrt(6) / sqrt(2) / sqrt(2) of the mean over two sets.
    assert row["middle"] == "+1.00 (+0.91 to +1.09)" and row["early"].endswith(
        "(\N{MINUS SIGN}0.09 to +0.09)"
    )
    assert row["Area under the curve"] == "+0.75 (+0.72 to +0.78)"


def test_files_of_the_whole_and_of_each_set(tmp_path):
    written(tmp_path)
    out = tmp_path / "elsewhere"
    files = write_report(tmp_path, out=out)
    assert {"report.html", "report.csv", "ranks.svg", "curves-one.svg"} <= {file.name for file in files}
    assert (out / "two" / "report.html").exists() and not (tmp_path / "report.html").exists()
    with (out / "report.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 2 * 2 * 3 * 3 and {row["set"] for row in rows} == {"one", "two"}
    assert rows[0]["arm"] == "random" and float(rows[0]["accuracy"]) == 0.5
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 3 and "Who wins how often" in page


def test_the_terminal_shows_sets_and_verdicts(tmp_path):
    written(tmp_path)
    console = Console(width=110, color_system=None)
    with console.capture() as text:
        print_results(tmp_path, console)
    assert "+4.67" in text.get() and "a is better than random on 2 sets" in text.get()


def test_the_record_is_json_without_nan(tmp_path):
    written(tmp_path)
    record = json.loads(json.dumps(results_record(tmp_path), allow_nan=False))
    assert record["kind"] == "suite" and record["sets"]["two"]["kind"] == "comparison"
    assert record["wins"]["mean"][1][0] == pytest.approx(7 / 8)
    assert record["ranks"]["over_sets_and_seeds"]["blocks"] == 4


def test_what_is_missing_is_named(tmp_path):
    one = {"random": [[0.1, 0.2, 0.3]] * 2, "a": [[0.1, 0.2, 0.3]]}
    results = write_suite(tmp_path, suite(), {"one": one})
    notes = [block.text for block in sections_of(results)[0].blocks if hasattr(block, "text")]
    assert notes == [
        "Not begun: two.",
        "one: 3 of 6 trials are not finished and left out: a, seed 1; all of b",
    ]


def test_one_seed_a_set_is_said_to_show_nothing(tmp_path):
    accuracy = {"random": [[0.1, 0.2, 0.3]], "a": [[0.2, 0.3, 0.4]], "b": [[0.1, 0.2, 0.3]]}
    results = write_suite(tmp_path, suite(seeds=[0]), {"one": accuracy, "two": accuracy})
    (_, said), _ = sections_of(results)[0].blocks[0].sentences
    assert said.endswith(": +10.00 points; one seed a set shows nothing: run at least two more.")


def test_the_set_that_has_one_seed_is_named(tmp_path):
    many = {"random": [[0.1, 0.2, 0.3]] * 3, "a": [[0.2, 0.3, 0.4], [0.2, 0.3, 0.5], [0.2, 0.3, 0.6]]}
    results = write_suite(
        tmp_path, suite(seeds=[0, 1, 2]), {"one": many, "two": {a: c[:1] for a, c in many.items()}}
    )
    (_, said), _ = sections_of(results)[0].blocks[0].sentences
    assert said.endswith("points; one seed on two shows nothing: run at least two more.")


def test_sets_with_unlike_metrics_are_no_comparison(tmp_path):
    written(tmp_path)
    comparison = read_compared(tmp_path).comparison
    part, path = comparison.parts(tmp_path)["two"]
    for arm, seed in part.trials:
        folder = path / part.folder(arm, seed)
        for file in folder.glob("cycles/*/test.json"):
            file.write_text(file.read_text().replace('"accuracy"', '"metric": "mAP", "mAP"'))
    with pytest.raises(DataError, match=r"unlike numbers|different numbers: accuracy \(one\), mAP \(two\)"):
        _ = read_compared(tmp_path).metric


def test_the_title_names_the_sets_unless_there_is_one(tmp_path):
    assert title_of(written(tmp_path)) == "3 arms compared on one, two"


def test_in_python_each_set_has_its_own_report(tmp_path):
    import ncenet

    written(tmp_path)
    report = ncenet.Report(tmp_path)
    assert list(report.sets) == ["one", "two"] and report.sets["two"].curve("a")[
        -1
    ].accuracy == pytest.approx(0.61)
    assert "a is better than random" in repr(report) and "<svg" in report._repr_html_()
    with pytest.raises(UsageError, match="each data set has its own curve: take sets"):
        report.curve()


def test_a_set_is_a_comparison_like_any_other(tmp_path):
    written(tmp_path)
    assert results_record(tmp_path / "one")["arms"][1]["name"] == "a"


def test_an_arm_of_a_plug_in_name_and_many_arms_fit_the_diagram(tmp_path):
    arms = [Arm(name="random", changes={"loop.strategy": "random"})]
    arms += [Arm(name=f"a < {n} & $x$") for n in range(11)]
    comparison = suite(arms=arms)
    accuracy = {arm.name: [[0.1, 0.2 + n / 100, 0.3 + n / 100]] * 2 for n, arm in enumerate(arms)}
    results = write_suite(tmp_path, comparison, {"one": accuracy, "two": accuracy})
    (figure,) = (
        b for s in sections_of(results) if s.title == "Mean ranks" for b in s.blocks if hasattr(b, "svg")
    )
    assert figure.svg.count("a &lt; ") == 11


def test_a_run_alone_is_no_suite(tmp_path):
    write_run(tmp_path, suite().base, [0.5, 0.6, 0.7])
    assert results_record(tmp_path)["kind"] == "run"


def test_a_set_that_went_on_by_itself_is_read_as_the_whole_asks_for_it(tmp_path):
    """``runs/suite/one`` is a comparison like any other: more seeds and arms, fewer arms, more cycles."""
    before = sections_of(written(tmp_path))
    part, path = read_compared(tmp_path).comparison.parts(tmp_path)["one"]
    changed = {"seeds": (0, 1, 2), "arms": (*part.arms[:2], Arm(name="c"))}
    own = part.model_copy(update=changed | {"base": part.base.with_changes({"loop.cycles": 4})})
    write_comparison(path, own, {"c": [[0.1, 0.2, 0.3, 0.4]] * 3})
    write_run(path / "random/seed-2", own.recipe("random", 2), [0.1, 0.2, 0.3, 0.4])
    after = sections_of(read_compared(tmp_path))
    assert [table(s) for s in after[1:-1] if s.title != "Learning curves"] == [
        table(s) for s in before[1:-1] if s.title != "Learning curves"
    ]
    assert after[0] == before[0]
    assert len(json.dumps(results_record(tmp_path), allow_nan=False)) > 0


def test_one_set_is_counted_as_one(tmp_path):
    both = {arm: [[0.1, 0.2, 0.3]] * 2 for arm in ("random", "a", "b")}
    results = write_suite(tmp_path, suite(sets=["one"]), {"one": both})
    ranked = next(s for s in sections_of(results) if s.title == "Mean ranks")
    assert "With 1 set hardly any difference" in ranked.blocks[-1].text


def test_copies_of_test_images_are_told_of_the_set_that_has_them(tmp_path):
    results = written(tmp_path)
    for run in results.sets["two"].runs.values():
        rows = [("1", "pool", "a.png"), ("1", "test", "b.png")]
        write_csv(run.folder / "duplicates.csv", ["group", "in", "id"], rows)
    notes = [block.text for block in sections_of(read_compared(tmp_path))[0].blocks[1:]]
    assert notes == ["two: 1 image of the pool is a copy of a test image, which flatters the test."]

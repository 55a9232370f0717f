"""Sections of a comparison: what stands in them, and when they are left out."""

import csv
import json
from dataclasses import replace

import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.cycles import duels
from ncenet.compare.efficiency import target
from ncenet.compare.records import Table
from ncenet.errors import DataError
from ncenet.report import evidence, queried, tables, words
from ncenet.report.blocks import Folded, Note
from ncenet.report.figures import curves
from ncenet.report.sections import comparison, sections_of
from ncenet.report.words import NOTHING
from tests.compare.fake_runs import write_comparison, write_csv, write_json
from tests.report.test_formats import ACCURACY, ARMS, BASE, COMPARISON

HEADS = [{}, {"model.head.name": "softmax"}, {"model.head.radius": 0.5}, {"model.head.kernel": "cosine"}]
SCORES = ["random", "entropy", "margin", "core-set"]
SIXTEEN = [
    Arm(name=f"head {n} {score}", changes={**head, "loop.strategy": score})
    for n, head in enumerate(HEADS)
    for score in SCORES
]


@pytest.fixture
def results(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY)
    return read_comparison(tmp_path)


def titles(folder):
    return [section.title for section in sections_of(read_comparison(folder))]


def test_every_section_is_made_from_what_a_comparison_leaves_behind(results, tmp_path):
    assert titles(tmp_path) == [
        "",
        "Summary",
        "Learning curves",
        "Test accuracy at each number of labels, %",
        "Balanced accuracy",
        "Cycle by cycle",
        "Labels saved",
        "Head and selection apart",
        "Against the best rival",
        "Test accuracy of each class in the last cycle, %",
        "What was queried",
        "Overlap of queries",
        "What it cost",
        "What these numbers are",
        "What was compared",
    ]


@pytest.mark.parametrize("seeds", [0, 1, 2])
@pytest.mark.parametrize("arms", [1, 2, 4])
def test_few_seeds_and_unfinished_arms_make_a_page_all_the_same(tmp_path, seeds, arms):
    some = {arm: curves[:seeds] for arm, curves in list(ACCURACY.items())[:arms]}
    write_comparison(tmp_path, COMPARISON, some)
    found = titles(tmp_path)
    assert found[:3] == ["", "Summary", "Learning curves"]
    assert ("Cycle by cycle" in found) == (seeds > 0 and arms > 1)


def test_one_arm_alone_has_no_rival_and_no_overlap(tmp_path):
    alone = Comparison(base=BASE, arms=ARMS[:1], seeds=[0])
    write_comparison(tmp_path, alone, {"NCE random": ACCURACY["NCE random"]})
    assert not {"Against the best rival", "Overlap of queries", "Head and selection apart"} & set(
        titles(tmp_path)
    )


def test_balanced_accuracy_is_shown_where_it_differs(results, tmp_path):
    assert evidence.is_unbalanced(results)
    table = evidence.balanced_summary(results)
    assert table.rows[1][:4] == ("NCE margin", "58.50 ± 0.87", "57.50 ± 0.87", "+2.50")
    assert tables.by_cycle(results, "balanced_accuracy").rows[0] == ("NCE random", "50.0 ± 1.0", "60.0 ± 1.0")
    for file in tmp_path.glob("*/seed-*/cycles/*/test.json"):
        record = json.loads(file.read_text())
        write_json(file, {**record, "balanced_accuracy": record["accuracy"]})
    assert "Balanced accuracy" not in titles(tmp_path), "with classes of one size it is the same number"


def test_cycles_won_and_lost_are_counted_and_marked(results):
    of_arms = duels(results, {"NCE margin": "NCE random", "softmax random": "NCE random"})
    table = evidence.won_tied_lost(results, of_arms)
    assert table.columns == ("Arm", "Won", "Tied", "Lost", "4", "7")
    assert table.rows[0] == ("NCE margin", "1", "1", "0", "+0.00", "+5.00 win")
    # Five points below in every seed of the first cycle, one or two in the second.
    assert table.rows[1][1:5] == ("0", "0", "2", "\N{MINUS SIGN}5.00 loss")


def in_boxes(results):
    """The same runs, with a budget of boxes."""
    box = {"task": "detection", "loop.budget_unit": "box"}
    runs = {key: replace(run, recipe=run.recipe.with_changes(box)) for key, run in results.runs.items()}
    return replace(results, runs=runs)


def test_a_budget_of_boxes_is_called_so(results, tmp_path):
    counted = in_boxes(results)
    lines = curves.lines_of_comparison(counted)
    for unit, name in (("image", "labels"), ("box", "boxes")):
        assert curves.learning_curves(lines, unit=unit).axes[0].get_xlabel() == name
    assert tables.by_cycle(counted).columns[0] == "Boxes"
    assert evidence.savings(counted, target(counted)).columns[2] == "Boxes to reach 61.0 %"
    saved = comparison.labels_saved(counted)
    assert saved.title == "Boxes saved" and "all 7 boxes" in saved.blocks[1].text
    assert comparison.by_cycle(counted).title == "Test accuracy at each number of boxes, %"
    assert ">boxes</text>" in comparison.learning_curves(counted).blocks[0].svg
    run = next(iter(counted.runs.values()))
    assert tables.of_run(run).columns[0] == "Boxes" and "With 7 boxes the" in words.headline(run)


def test_images_and_boxes_are_no_common_budget(results):
    key, run = next(iter(results.runs.items()))
    mixed = replace(results, runs={**in_boxes(results).runs, key: run})
    with pytest.raises(DataError, match=r"budgets count different things: image \(.*box \("):
        _ = mixed.unit


def test_labels_saved_are_held_against_random_with_all_labels(results):
    table = evidence.savings(results, target(results))
    assert table.columns[2] == "Labels to reach 61.0 %"
    assert table.rows[0][2:] == ("7", "0 %", "2 of 3")
    # From .51 to .66 in three labels, .61 is reached after two.
    assert table.rows[1][2:] == ("6", "14 %", "3 of 3")
    assert table.rows[2][2:] == ("not reached", NOTHING, "0 of 3")


def test_head_and_selection_are_told_apart(results):
    assert evidence.selection_gains(results).rows[1][:3] == ("softmax margin_", "softmax random", "+1.83")
    (row,) = evidence.two_by_two(results).rows
    assert row[:2] == ("NCE margin", "softmax margin_")
    # Means over cycles: softmax random .5267, NCE random .56, softmax margin .545, NCE margin .585.
    assert [cell.split()[0] for cell in row[2:]] == ["+3.3", "+1.8", "+5.8", "+0.7"]


def test_the_best_rival_is_marked_as_picked_afterwards(results, tmp_path):
    rows = {row[0]: row for row in evidence.rivals(results).rows}
    assert rows["NCE margin"][1:3] == ("softmax margin_", "+4.00")
    assert rows["NCE margin"][4:6] == ("NCE random", "+2.50")
    sections = {s.title: s for s in sections_of(results)}
    (note,) = [b for b in sections["Against the best rival"].blocks if isinstance(b, Note)]
    assert note.text.startswith("Picked afterwards")


def test_an_interval_over_images_stands_where_predictions_are(results, tmp_path):
    for file in tmp_path.glob("*/seed-*/cycles/*/test.json"):
        with file.with_name("test.csv").open("w", newline="") as lines:
            ok = "cat" if "nce-margin" in str(file) else "dog"
            csv.writer(lines).writerows(
                [("id", "label", "predicted"), ("0.png", "cat", ok), ("1.png", "cat", ok)]
            )
    summary = sections_of(read_comparison(tmp_path))[1]
    table, note = summary.blocks
    assert table.columns[4] == "over images too"
    assert table.rows[1][4] == "+100.00 to +100.00"
    assert "the 2 test images again" in note.text


def test_what_is_known_and_asked_of_each_class(results):
    assert queried.accuracy_per_class(results).rows[0] == ("NCE random", "61.0", "61.0")
    assert queried.queried_per_class(results).rows[0] == ("NCE random", "0", "3")
    assert queried.evenness_by_arm(results).rows[0] == ("NCE random", "0.000 ± 0.000")


def test_many_classes_stand_one_below_the_other(tmp_path):
    names = tuple(f"class {n:02d}" for n in range(30))
    write_comparison(tmp_path, COMPARISON, {"NCE random": ACCURACY["NCE random"]}, classes=names)
    results = read_comparison(tmp_path)
    table = queried.accuracy_per_class(results)
    assert table.columns == ("Class", *(arm.name for arm in ARMS))
    assert (len(table.rows), table.rows[0][1:3]) == (30, ("61.0", NOTHING))
    sections = {s.title: s for s in sections_of(results)}
    assert isinstance(sections["What was queried"].blocks[0], Folded)


def test_overlap_is_a_triangle_with_numbered_columns(results, tmp_path):
    query = tmp_path / "nce-margin/seed-0/cycles/001/query.csv"
    write_csv(query, ["rank", "id", "score"], [(0, "4.png", 1), (1, "x.png", 1), (2, "y.png", 1)])
    table = queried.overlap_table(read_comparison(tmp_path))
    assert table.columns == ("Arm", "1", "2", "3")
    assert table.rows[0] == ("1 NCE random", "", "", "")
    # One of five in seed 0, all in seeds 1 and 2.
    assert table.rows[1] == ("2 NCE margin", "73", "", "")
    assert table.rows[3] == ("4 softmax margin_", "100", "73", "100")


def test_many_arms_share_a_sentence_with_their_verdict(tmp_path):
    many = Comparison(base=BASE.with_changes({"loop.cycles": 1}), arms=SIXTEEN, seeds=[0, 1])
    accuracy = {
        arm.name: [[0.5 + 0.01 * (n % 3)], [0.5 + 0.01 * (n % 3)]] for n, arm in enumerate(SIXTEEN[:-1])
    }
    write_comparison(tmp_path, many, accuracy)
    lines = words.verdict_lines(read_comparison(tmp_path))
    assert [verdict for verdict, _ in lines] == ["better", "alike", "unclear"]
    assert lines[0][1].startswith("Better than head 0 random: head 0 margin (+2.00), head 1 entropy (+2.00)")
    assert lines[2][1] == "No seed to compare yet: head 3 core-set."


def test_many_arms_get_a_panel_for_each_head(tmp_path):
    many = Comparison(base=BASE, arms=SIXTEEN, seeds=[0])
    write_comparison(tmp_path, many, {arm.name: [[0.5, 0.6]] for arm in SIXTEEN})
    lines = curves.lines_of_comparison(read_comparison(tmp_path))
    assert curves.is_wide(lines)
    figure = curves.learning_curves(lines, baseline="head 0 random")
    panels = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "NCE", "softmax", "NCE (radius 0.5)", "NCE (kernel cosine)",
    ]  # fmt: skip
    named = [{text.get_text() for text in axes.texts} - {""} for axes in panels]
    assert named[0] == {f"head 0 {score}" for score in SCORES}
    assert named[1] == {f"head 1 {score}" for score in SCORES} | {"head 0 random"}, "the baseline is in each"
    assert not curves.is_wide(lines[:7])
    assert len(curves.learning_curves(lines[:7]).axes) == 1


def test_a_panel_that_is_left_over_is_not_drawn(tmp_path):
    lines = [curves.Line(f"{g} {n}", [1, 2], [0.5, 0.6], None, g) for g in "abc" for n in range(3)]
    assert [axes.get_visible() for axes in curves.learning_curves(lines).axes] == [True, True, True, False]


def test_arms_that_are_not_finished_are_named_once_and_take_no_rows(tmp_path):
    write_comparison(tmp_path, COMPARISON, {arm: ACCURACY[arm][:2] for arm in ("NCE random", "NCE margin")})
    first, summary, *others = sections_of(read_comparison(tmp_path))
    assert first.blocks[-1] == Note(
        "8 of 12 trials are not finished and left out: NCE random, seed 2; NCE margin, seed 2; "
        "all of softmax random, softmax margin_"
    )
    assert len(summary.blocks[0].rows) == 4
    shown = {s.title: s.blocks[0] for s in others if isinstance(s.blocks[0], Table)}
    for title in (
        "Cycle by cycle",
        "Labels saved",
        "Against the best rival",
        "What was queried",
        "What it cost",
    ):
        assert {row[0] for row in shown[title].rows} <= {"NCE random", "NCE margin"}, title


def test_arms_that_are_equal_in_each_of_many_seeds_are_not_said_to_have_one(tmp_path):
    comparison = Comparison(base=BASE, arms=[Arm(name="a"), Arm(name="b")], seeds=[0, 1, 2])
    write_comparison(tmp_path, comparison, {arm: [[0.5, 0.6, 0.7]] * 3 for arm in ("a", "b")})
    found = {s.title: s for s in sections_of(read_comparison(tmp_path))}["Cycle by cycle"]
    assert "over seeds, and nothing differs in any seed; all else is tied" in found.blocks[1].text

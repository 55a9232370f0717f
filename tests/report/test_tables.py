import io

import pytest
from rich.console import Console

from ncenet.compare import Arm, Comparison, read_comparison, read_run
from ncenet.compare.records import Table
from ncenet.recipe import Recipe
from ncenet.report import queried, tables
from ncenet.report.blocks import ReportSection
from ncenet.report.sections.comparison import images_to_look_at
from ncenet.report.words import NOTHING
from ncenet.report.writers import terminal
from ncenet.report.writers.html import as_html
from ncenet.report.writers.latex import as_table
from ncenet.report.writers.markdown import table_as_markdown
from tests.compare.fake_runs import write_comparison, write_csv, write_run

BASE = Recipe().with_changes({"loop.initial": 1000, "loop.query_size": 500, "loop.cycles": 2})
COMPARISON = Comparison(
    base=BASE, arms=[Arm(name="random"), Arm(name="rejection"), Arm(name="late")], seeds=[0, 1, 2]
)
SMALL = COMPARISON.model_copy(update={"base": BASE.with_changes({"loop.initial": 4, "loop.query_size": 3})})
ACCURACY = {
    "random": [[0.50, 0.60], [0.51, 0.61], [0.52, 0.62]],
    "rejection": [[0.52, 0.64], [0.52, 0.66], [0.54, 0.66]],
}


@pytest.fixture
def results(tmp_path):
    write_comparison(tmp_path, SMALL, ACCURACY)
    return read_comparison(tmp_path)


def shown(renderable, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def test_the_summary_holds_means_differences_intervals_and_verdicts(results):
    table = tables.summary(results)
    assert table.columns == ("Arm", "Mean over cycles, %", "Against random", "95 % interval", "Verdict")
    # Means of the runs: random .55 .56 .57, rejection .58 .59 .60; each pair differs by 3 points,
    # to within the steps of 1000 images: t(.975, 2) sqrt((0.1 / 3)^2 / 6 / 3) of three cycles.
    assert table.rows[0] == ("random", "56.00 ± 1.00", NOTHING, NOTHING, "baseline")
    assert table.rows[1] == ("rejection", "59.00 ± 1.00", "+3.00", "+2.95 to +3.05", "better")
    assert table.rows[2] == ("late", NOTHING, NOTHING, NOTHING, "not finished")


def test_accuracies_are_means_and_deviations_over_seeds(results):
    table = tables.by_cycle(results)
    assert table.columns == ("Labels", "4", "7")
    assert table.rows == (
        ("random", "51.0 ± 1.0", "61.0 ± 1.0"),
        ("rejection", "52.7 ± 1.2", "65.3 ± 1.2"),
        ("late", NOTHING, NOTHING),
    )


def test_one_seed_has_neither_deviation_nor_interval(tmp_path):
    one = SMALL.model_copy(update={"seeds": (0,)})
    write_comparison(tmp_path, one, {arm: curves[:1] for arm, curves in ACCURACY.items()})
    table = tables.summary(read_comparison(tmp_path))
    assert table.rows[1][1:4] == ("58.00", "+3.00", "none: one seed")
    assert table.rows[1][4] == "unclear: one seed shows nothing: run at least two more"


def test_queried_images_are_counted_by_class_and_averaged_over_seeds(results):
    table = queried.queried_per_class(results)
    assert table.columns == ("Arm", "cat", "dog")
    assert table.rows == (("random", "0", "3"), ("rejection", "0", "3"), ("late", NOTHING, NOTHING))


def test_seconds_are_means_over_cycles_and_seeds(results):
    assert tables.seconds(results).rows[0] == ("random", "2.00", "0.50", "0.25", "1.00", "0.1")
    assert tables.seconds(results).rows[2] == ("late", *[NOTHING] * 5)


def test_a_run_is_shown_cycle_by_cycle(tmp_path):
    write_run(tmp_path / "run", SMALL.recipe("random", 0), [0.5, 0.625])
    run = read_run(tmp_path / "run")
    assert tables.of_run(run).rows[1] == ("7", "62.5", "61.5", "100.0", "0.500", "2.0", NOTHING)
    assert tables.classes_of_run(run).rows == (("cat", "2", "0", "62.5"), ("dog", "2", "3", "62.5"))


def test_markdown_cells_cannot_break_the_table():
    assert table_as_markdown(Table(("A", "B"), (("a|b\nc", "1"),))).splitlines()[2] == r"| a\|b c | 1 |"


def test_the_terminal_shows_verdicts_and_fits_80_columns(results):
    text = shown(terminal.for_terminal(results))
    assert "rejection is better than random: +3.00 points" in " ".join(text.split())
    assert "52.7±1.2" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_terminal_shows_some_cycles_of_many_and_says_so(tmp_path):
    accuracy = [0.5 + 0.01 * n for n in range(20)]
    long = SMALL.model_copy(update={"base": SMALL.base.with_changes({"loop.cycles": 20})})
    write_comparison(tmp_path, long, {"random": [accuracy] * 3})
    text = shown(terminal.for_terminal(read_comparison(tmp_path)))
    assert "(6 of 20 cycles)" in text
    assert "50.0±0.0" in text, "the first cycle is kept"
    assert "69.0±0.0" in text, "the last cycle is kept"


def test_a_name_is_not_markup():
    assert "[red]a[/red]" in shown(terminal.as_rich(Table(("Arm",), (("[red]a[/red]",),))))


def test_what_somebody_calls_a_column_says_nothing_of_what_it_holds(tmp_path):
    """A class may have the name of a column of words: its numbers stand as those of the others do."""
    classes = ("why", "Verdict")
    write_comparison(tmp_path, SMALL, ACCURACY, classes=classes)
    found = read_comparison(tmp_path)
    counts = tables.without_empty(queried.queried_per_class(found))
    assert counts.rows == (("random", "0", "3"), ("rejection", "0", "3")), "numbers make no arm empty"
    assert table_as_markdown(counts).splitlines()[1] == "|:--|--:|--:|"
    assert r"\begin{tabular}{lrr}" in as_table(counts, "")
    assert 'class="words"' not in as_html("", [ReportSection("", (counts,))])
    assert {column.justify for column in terminal.as_rich(counts).columns[1:]} == {"right"}
    assert table_as_markdown(tables.summary(found)).splitlines()[1] == "|:--|--:|--:|--:|:--|"


def test_what_is_wrong_with_images_is_words(tmp_path):
    write_run(tmp_path, BASE.with_changes({"loop.initial": 4}), [0.5])
    rows = [[str(group), "pool", f"{n}.png", "x/", "differ"] for group in range(2) for n in range(150)]
    write_csv(tmp_path / "duplicates.csv", ["group", "in", "id", "at", "labels"], rows)
    (folded,) = images_to_look_at(read_run(tmp_path)).blocks
    table = folded.blocks[0]
    assert table_as_markdown(table).splitlines()[1] == "|:--|:--|:--|:--|:--|"
    assert len(table.rows) == 201 and table.rows[-1][0] == "and 100 more"

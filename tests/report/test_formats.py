"""The same report as Markdown, LaTeX, CSV and text."""

import csv
import io
import re

import pytest
from rich.console import Console

from ncenet.compare import Arm, Comparison, read_comparison, read_run
from ncenet.compare.records import Table
from ncenet.recipe import Recipe
from ncenet.report import print_results, write_report
from ncenet.report.blocks import Code, Facts, Figure, Folded, Note, ReportSection, Verdicts
from ncenet.report.words import NOTHING
from ncenet.report.writers.latex import as_latex, as_table
from ncenet.report.writers.markdown import as_markdown
from ncenet.report.writers.tidy import as_csv, tidy
from tests.compare.fake_runs import write_comparison, write_run

BASE = Recipe().with_changes(
    {"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 2, "loop.strategy": "random"}
)
SOFTMAX = {"model.head.name": "softmax"}
ARMS = [
    Arm(name="NCE random"),
    Arm(name="NCE margin", changes={"loop.strategy": "margin"}),
    Arm(name="softmax random", changes=SOFTMAX),
    Arm(name="softmax margin_", changes={**SOFTMAX, "loop.strategy": "margin"}),
]
COMPARISON = Comparison(title="A & B", about="Which of _them_?", base=BASE, arms=ARMS, seeds=[0, 1, 2])
ACCURACY = {
    "NCE random": [[0.50, 0.60], [0.51, 0.61], [0.52, 0.62]],
    "NCE margin": [[0.50, 0.65], [0.51, 0.67], [0.52, 0.66]],
    "softmax random": [[0.45, 0.58], [0.46, 0.60], [0.47, 0.60]],
    "softmax margin_": [[0.45, 0.62], [0.46, 0.63], [0.47, 0.64]],
}
WORDS = frozenset({"Says"})
SECTIONS = [
    ReportSection("", (Note("a < b"), Verdicts((("better", "new is *better*"),)))),
    ReportSection("Table", (Table(("Arm", "Says", "%"), (("a|b", "50 % of $x_1$", "± 1"),), WORDS),)),
    ReportSection("Figure", (Figure("curves", "<svg></svg>", "What is seen."),)),
    ReportSection("Facts", (Facts({"Pool": "scored whole"}),)),
    ReportSection("Recipe", (Code("loop:\n  cycles: 3\n"),)),
    ReportSection("Long", (Folded("a million rows", (Table(("id",), (("x",),)),)),)),
]


@pytest.fixture
def compared(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY)
    return tmp_path


def test_markdown_holds_every_block_and_no_markup_of_its_text():
    assert as_markdown("A *report*", SECTIONS).split("\n\n") == [
        r"# A \*report\*",
        "a &lt; b",
        r"- new is \*better\*",
        "## Table",
        "| Arm | Says | % |\n|:--|:--|--:|\n| a\\|b | 50 % of $x\\_1$ | ± 1 |",
        "## Figure",
        "![What is seen.](curves.svg)",
        "## Facts",
        "- Pool: scored whole",
        "## Recipe",
        "```yaml\nloop:\n  cycles: 3\n```\n",
    ], "what is folded is left out, with its title"


def test_latex_holds_the_tables_and_escapes_their_text():
    text = as_latex("A report", SECTIONS)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1, "the folded one is left out"
    assert r"a\textbar{}b & 50 \% of \$x\_1\$ & $\pm$ 1 \\" in text
    assert r"\begin{tabular}{llr}" in text, "verdicts are words"
    assert text.startswith("% A report\n")


def test_a_backslash_is_no_command_in_latex():
    row = as_table(Table((r"\input{x}",), ()), "").splitlines()[4]
    assert row == r"\textbackslash{}input\{x\} \\"


def test_signs_that_latex_would_join_stay_apart():
    row = as_table(Table(("a--b", "c''d``", "?`!", "e---", NOTHING), ()), "").splitlines()[4]
    assert row == r"a-{}-b & c'{}'d`{}` & ?{}`! & e-{}-{}- & -- \\"


def test_what_begins_a_row_is_no_argument_of_the_line_before_in_latex():
    rows = as_table(Table(("[a]", "%"), (("[x]", "[1]"), ("*star", "2"), ("plain", "3"))), "").splitlines()
    assert rows[4] == r"{}[a] & \% \\"
    assert rows[6:9] == [r"{}[x] & [1] \\", r"{}*star & 2 \\", r"plain & 3 \\"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a]b", r"a\]b"),
        ("[a](http://x)", r"\[a\](http://x)"),
        ("`tick`", r"\`tick\`"),
        ("a\\|b", r"a\\|b"),
        ("&lt;i&gt;", "&amp;lt;i&amp;gt;"),
        ("# one", r"\# one"),
        ("12. one", r"12\. one"),
        ("- one", r"\- one"),
        ("> one", r"\> one"),
        ("~~x~~", r"\~\~x\~\~"),
        ("+1.5 to \N{MINUS SIGN}2.0 (A & B, #1, 95 %)!", "+1.5 to \N{MINUS SIGN}2.0 (A & B, #1, 95 %)!"),
    ],
)
def test_what_would_be_markdown_is_escaped_and_ordinary_text_is_not(name, written):
    blocks = (Note(name), Figure("f", "<svg/>", name), Table((name,), ()))
    text = as_markdown("T", [ReportSection("S", blocks)])
    in_a_cell = written.replace("|", r"\|")
    assert text == f"# T\n\n## S\n\n{written}\n\n![{written}](f.svg)\n\n| {in_a_cell} |\n|:--|\n"


def test_every_table_of_a_real_report_is_whole_in_latex(compared):
    write_report(compared, ("tex",))
    text = (compared / "report.tex").read_text(encoding="utf-8")
    for kinds, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(kinds)}
    assert r"softmax margin\_" in text
    assert "Head and selection apart" in text


def test_markdown_of_a_real_report_has_its_figures_beside_it(compared):
    write_report(compared, ("md",))
    text = (compared / "report.md").read_text(encoding="utf-8")
    assert text.startswith(
        "# A & B\n\nWhich of \\_them\\_?\n\n- NCE margin is better than NCE random: +2.50 points"
    )
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert links == ["curves.svg"]
    assert all((compared / link).exists() for link in links)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_only_the_formats_asked_for_are_written(compared):
    before = set(compared.iterdir())
    assert [file.name for file in write_report(compared, ("csv", "png"))] == ["report.csv", "curves.png"]
    assert {file.name for file in set(compared.iterdir()) - before} == {"report.csv", "curves.png"}


def test_the_csv_has_a_row_for_each_cycle_of_each_trial(compared):
    write_run(compared / "late", COMPARISON.recipe("NCE random", 0), [0.5])
    rows = list(csv.DictReader(io.StringIO(as_csv(tidy(read_comparison(compared))))))
    assert len(rows) == 4 * 3 * 2
    last = next(row for row in rows if row["arm"] == "softmax margin_" and row["seed"] == "2")
    assert last == {
        "arm": "softmax margin_",
        "head": "softmax",
        "strategy": "margin",
        "seed": "2",
        "cycle": "1",
        "labels": "4",
        "accuracy": "0.47",
        "balanced_accuracy": repr(0.47 - 0.01),
        "fit_seconds": "2.0",
        "score_seconds": "0.5",
        "select_seconds": "0.25",
        "finished": "yes",
    }
    assert [row["select_seconds"] for row in rows[:2]] == ["0.25", ""], "the last cycle asks for nothing"


def test_trials_that_go_on_are_in_the_csv_and_marked(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"NCE random": ACCURACY["NCE random"]})
    write_run(tmp_path / "nce-margin/seed-0", COMPARISON.recipe("NCE margin", 0), [0.5], finished=False)
    rows = list(csv.DictReader(io.StringIO(as_csv(tidy(read_comparison(tmp_path))))))
    assert [row["finished"] for row in rows if row["arm"] == "NCE margin"] == ["no"]
    assert {row["finished"] for row in rows if row["arm"] == "NCE random"} == {"yes"}


def test_the_csv_names_the_headline_number(tmp_path):
    write_run(tmp_path / "run", BASE, [0.5, 0.625], metric="mAP")
    table = tidy(read_run(tmp_path / "run"))
    assert table.columns[6] == "mAP"
    assert [row[6:8] for row in table.rows] == [("0.5", ""), ("0.625", "")]


def test_the_whole_report_can_be_printed(compared):
    console = Console(file=io.StringIO(), width=160)
    print_results(compared, console, everything=True)
    text = console.file.getvalue()
    for title in (
        "Summary",
        "Labels saved",
        "Head and selection apart",
        "Overlap of queries",
        "What it cost",
    ):
        assert title in text
    assert "seeds:" not in text, "the recipe is for the page"

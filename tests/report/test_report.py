import io
import json
import re
import struct
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from subprocess import run as run_process

import pytest
from rich.console import Console

from ncenet.compare import Arm, Comparison
from ncenet.errors import UsageError
from ncenet.recipe import Recipe
from ncenet.report import print_results, results_record, write_report
from ncenet.report.figures.curves import Line, learning_curves
from ncenet.report.figures.drawing import as_svg
from ncenet.report.writers.html import PAPER
from ncenet.run.record_files import SCHEMA
from tests.compare.fake_runs import write_comparison, write_csv, write_run

HOSTILE = '<script>alert("1")</script>'
BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 2})
COMPARISON = Comparison(base=BASE, arms=[Arm(name="random"), Arm(name="a < b & $c_d$")], seeds=[0, 1])
ACCURACY = {"random": [[0.5, 0.6], [0.5, 0.7]], "a < b & $c_d$": [[0.6, 0.7], [0.6, 0.8]]}
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], "", []
        self.feed(html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def compared(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY, classes=("cat", HOSTILE))
    return tmp_path


def page_of(folder):
    return Page(write_report(folder)[0].read_text(encoding="utf-8"))


def test_a_comparison_becomes_one_page_that_loads_nothing(compared):
    page = page_of(compared)
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert [link for link in links if not link.startswith("#")] == [PAPER]
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")], "no event handlers"
    assert page.tags.count("svg") == 1


def test_hostile_names_are_text(compared):
    page = page_of(compared)
    assert HOSTILE in page.text, "the class name is shown as it is"
    assert "script" not in page.tags
    assert page.text.count("a < b & $c_d$") >= 4, "verdict, tables and figure"


def test_verdicts_come_before_tables_and_protocol_beside_them(compared):
    text = page_of(compared).text
    verdict = "a < b & $c_d$ is better than random: +10.00 points"
    assert 0 < text.index(verdict) < text.index("Summary") < text.index("What these numbers are")
    for fact in (
        "(cold)",
        "scored whole",
        "test transform",
        "last epoch",
        "0, 1 (2 runs",
        "the same for all arms",
    ):
        assert fact in text
    assert "seeds:\n- 0\n- 1" in text, "the recipe is there to be run again"


def test_what_is_missing_is_said(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"random": ACCURACY["random"]})
    text = page_of(tmp_path).text
    assert "2 of 4 trials are not finished and left out: all of a < b & $c_d$" in text
    assert "no seed has finished both yet" in text


def test_a_comparison_that_has_not_begun_has_a_page(tmp_path):
    write_comparison(tmp_path, COMPARISON, {})
    files = [file.name for file in write_report(tmp_path)]
    assert files == ["report.html", "report.md", "report.tex", "report.csv"], "nothing to draw"
    assert "No trial has come far enough to draw" in page_of(tmp_path).text


def test_bad_and_duplicated_images_are_listed(compared):
    run = compared / "random/seed-0"
    mistakes = [("b.png", "a box without a class"), ("b.png", "a box without an area")]
    write_csv(run / "bad_images.csv", ["id", "why"], [("rose <3>.jpg", "empty file"), *mistakes])
    twins = [(0, "pool", "a.png"), (0, "pool", "b.png"), (1, "test", "c.png"), (1, "test", "d.png")]
    write_csv(run / "duplicates.csv", ["group", "in", "id"], twins)
    text = page_of(compared).text
    assert "2 cannot be used: left out" in text
    assert "rose <3>.jpg" in text
    assert "4 are duplicates: 2 groups of the same bytes" in text
    assert "copies of test images" not in text


@pytest.mark.parametrize("folder", [".", "random/seed-0"])
def test_copies_of_test_images_are_told_whatever_is_shown(compared, folder):
    twins = [
        (0, "pool", "a.png"),
        (0, "pool", "b.png"),
        (0, "test", "c.png"),
        (1, "pool", "d"),
        (1, "pool", "e"),
    ]
    write_csv(compared / "random/seed-0/duplicates.csv", ["group", "in", "id"], twins)
    said = "2 images of the pool are copies of test images, which flatters the test."
    assert said in page_of(compared / folder).text
    for everything in (False, True):
        console = Console(file=io.StringIO(), width=200)
        print_results(compared / folder, console, everything=everything)
        assert console.file.getvalue().count(said) == 1


def test_duplicates_of_a_run_that_did_not_say_where_they_are(compared):
    write_csv(compared / "random/seed-0/duplicates.csv", ["group", "id"], [(0, "a.png"), (0, "b.png")])
    text = page_of(compared).text
    assert "2 are duplicates" in text and "copies of test images" not in text


def test_sound_images_are_not_worth_a_section(compared):
    assert "Images to look at" not in page_of(compared).text


def test_long_lists_are_cut_and_counted(compared):
    rows = [(f"{n}.jpg", "empty file") for n in range(250)]
    write_csv(compared / "random/seed-0/bad_images.csv", ["id", "why"], rows)
    text = page_of(compared).text
    assert "250 cannot be used" in text
    assert "and 50 more" in text
    assert "220.jpg" not in text


def test_a_run_becomes_a_page_too(tmp_path):
    write_run(tmp_path / "run", BASE, [0.5, 0.625], classes=("cat", HOSTILE))
    page = page_of(tmp_path / "run")
    assert "With 7 labels the network is right on 62.5 % of the held-out images" in page.text
    assert "One run cannot show whether its query strategy helped" in page.text
    assert "script" not in page.tags
    assert HOSTILE in page.text


def test_a_run_before_its_first_model_is_not_said_to_lack_held_out_images(tmp_path):
    write_run(tmp_path / "run", BASE, [])
    text = page_of(tmp_path / "run").text
    assert "No model was trained yet" in text
    assert "how good the network is cannot be said" not in text


def test_a_run_without_held_out_images_claims_nothing(tmp_path):
    write_run(tmp_path / "run", BASE, [0.5], test=False)
    files = [file.name for file in write_report(tmp_path / "run")]
    assert files == ["report.html", "report.md", "report.tex", "report.csv"], "nothing to draw"
    text = page_of(tmp_path / "run").text
    assert "how good the network is cannot be said" in text
    assert "1 of 2 cycles was not run" in text


def test_another_folder_is_refused(tmp_path):
    for function in (write_report, results_record):
        with pytest.raises(UsageError, match="neither a run"):
            function(tmp_path)


def test_files_are_whole_and_the_figure_is_large_enough(compared):
    files = write_report(compared)
    names = ["report.html", "report.md", "report.tex", "report.csv", "curves.svg", "curves.png"]
    assert [file.name for file in files] == names
    assert not list(compared.glob("*.partial"))
    png = files[-1].read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (1400, 840)


def test_the_files_may_go_elsewhere(compared, tmp_path, ncenet):
    there = tmp_path / "new" / "there"
    done = ncenet("report", compared, "--format", "md", "--out", there)
    assert done.code == 0 and f"wrote {there / 'report.md'}" in done.out.replace("\n", "")
    assert "](curves.svg)" in (there / "report.md").read_text() and (there / "curves.svg").exists()
    assert not (compared / "report.md").exists() and not (compared / "curves.svg").exists()
    assert ncenet("report", compared, "--json", "--out", there).code == 2


def test_the_same_records_give_the_same_report(compared):
    first = [file.read_bytes() for file in write_report(compared)]
    assert [file.read_bytes() for file in write_report(compared)] == first


def test_the_figure_follows_the_colours_of_the_page():
    svg = as_svg(learning_curves([Line("a", [10, 20], [0.5, 0.6], [0.01, 0.02])]))
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "#1a1b1c" not in svg, "no text in a fixed colour"
    assert ">a</text>" in svg, "text stays text"


def test_names_at_the_ends_of_lines_keep_apart():
    lines = [Line(f"arm {n}", [1, 2], [0.5, 0.9 + n * 1e-4], None) for n in range(12)]
    axes = learning_curves(lines, baseline="arm 3").axes[0]
    places = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_text()}
    ordered = [places[f"arm {n}"] for n in range(12)]
    gaps = [high - low for low, high in pairwise(ordered)]
    assert min(gaps) > 0.05, "in the order of the lines, none on top of another"
    assert min(ordered) >= 0
    assert max(ordered) <= 1


def test_a_detector_is_reported_by_its_map(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY, metric="mAP")
    text = page_of(tmp_path).text
    assert "Test mAP at each number of labels, %" in text
    assert "test mAP, %" in text, "the axis of the figure"
    assert "accuracy at" not in text
    said = page_of(tmp_path / "random/seed-0").text
    assert "With 7 labels the mAP on the held-out images is 60.0 %" in said


def test_json_holds_curves_and_differences(compared):
    record = json.loads(json.dumps(results_record(compared)))
    assert record["labeled"] == [4, 7]
    assert [arm["name"] for arm in record["arms"]] == ["random", "a < b & $c_d$"]
    assert record["arms"][0]["difference"] is None
    assert record["arms"][0]["curves"][1]["accuracy"] == [0.5, 0.7]
    assert record["arms"][1]["difference"]["mean"] == pytest.approx(0.1)
    assert record["arms"][1]["difference"]["verdict"] == "better"
    run = results_record(compared / "random/seed-0")
    assert [cycle["accuracy"] for cycle in run["cycles"]] == [0.5, 0.6]


def test_the_guide_tells_every_field_of_json_and_none_besides(compared):
    guide = (Path(__file__).parents[2] / "docs/guide.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ", 1) for line in guide.splitlines() if line.startswith("| ")]
    told = {kind.strip("`"): set(re.findall(r"`(\w+)`", fields)) for kind, fields in rows if kind != "`kind`"}
    record, run = results_record(compared), results_record(compared / "random/seed-0")
    assert record["schema"] == run["schema"] == SCHEMA
    common = {"kind", "schema", "metric"}
    assert told["each"] - {"accuracy", "mAP"} == common
    assert told["run"] == (run.keys() | run["cycles"][0].keys()) - common
    arm = record["arms"][1]
    said = (record.keys() | arm.keys() | {"mean_over_cycles"}) - common
    assert said <= told["comparison"] <= said | arm["difference"].keys()
    assert told["comparison"] >= {"mean", "low", "high", "bootstrap", "verdict", "more_seeds"}


def test_printing_a_run_ends_with_what_it_shows(compared, capsys):
    print_results(compared / "random/seed-0", Console(soft_wrap=True))
    assert (
        capsys.readouterr()
        .out.strip()
        .splitlines()[-1]
        .startswith("With 7 labels the network is right on 60.0 %")
    )


def test_reports_need_no_torch(compared):
    code = (
        "import sys; from pathlib import Path; from ncenet.report import write_report; "
        "write_report(Path(sys.argv[1])); "
        "sys.exit(not {'torch', 'matplotlib.pyplot'}.isdisjoint(sys.modules))"
    )
    assert run_process([sys.executable, "-c", code, str(compared)], check=False).returncode == 0

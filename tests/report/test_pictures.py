"""Pictures in reports, from the files of the loop alone."""

from __future__ import annotations

import base64

from ncenet.compare import Arm, Comparison
from ncenet.recipe import Recipe
from ncenet.report import write_report
from tests.compare.fake_runs import write_comparison, write_csv, write_run
from tests.data.make import jpeg
from tests.report.test_report import HOSTILE, Page

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 2})
COLUMNS = ["file", "kind", "id", "caption"]


def draw(run, cycle, rows):
    folder = run / "cycles" / f"{cycle:03d}" / "pictures"
    folder.mkdir()
    write_csv(folder / "pictures.csv", COLUMNS, rows)
    for file, *_ in rows:
        (folder / file).write_bytes(jpeg(cycle * 10 + int(file[-5])))


def images(page):
    return [value for name, value in page.attributes if name == "src"]


def page_of(folder):
    return Page(write_report(folder)[0].read_text(encoding="utf-8"))


def test_a_run_shows_what_its_last_model_saw_and_why_it_asked(tmp_path):
    write_run(tmp_path, BASE, [0.5, 0.6])
    draw(
        tmp_path,
        1,
        [("test-1.jpg", "test", "a.png", "of the first cycle"), ("query-1.jpg", "query", HOSTILE, "rank 1")],
    )
    draw(tmp_path, 2, [("test-1.jpg", "test", "a.png", "3 true boxes")])
    page = page_of(tmp_path)
    shown = [base64.b64decode(source.partition("base64,")[2]) for source in images(page)]
    assert shown == [jpeg(21), jpeg(11)], "tests of cycle 2, queries of cycle 1, the last that made one"
    assert "a.png: 3 true boxes" in page.text
    assert "of the first cycle" not in page.text
    assert f"{HOSTILE}: rank 1" in page.text
    assert "script" not in page.tags
    assert "What was found" not in (tmp_path / "report.md").read_text(), "no pictures, no heading"


def test_a_comparison_shows_a_few_of_each_arm(tmp_path):
    arms = [
        Arm(name="random", changes={"loop.strategy": "random"}),
        Arm(name="rejection", changes={"loop.strategy": "rejection"}),
    ]
    comparison = Comparison(base=BASE, arms=arms, seeds=[0, 1])
    write_comparison(tmp_path, comparison, {arm.name: [[0.5, 0.6]] * 2 for arm in arms})
    for seed in (0, 1):
        rows = [(f"test-{n}.jpg", "test", f"{n}.png", "") for n in range(1, 7)]
        draw(tmp_path / "rejection" / f"seed-{seed}", 2, rows)
    page = page_of(tmp_path)
    assert len(images(page)) == 3
    assert "rejection, seed 0" in page.text
    assert "random, seed 0" not in page.text, "it drew nothing"


def test_without_pictures_there_is_no_section(tmp_path):
    write_run(tmp_path, BASE, [0.5, 0.6])
    assert "What was found" not in page_of(tmp_path).text

"""The finish line: the page sorts, gives away labels, report and model, and knows a goal."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest

from tests.web.conftest import truth

SIZES = ("--held-out", "20", "--initial", "20", "--query-size", "20", "--first", "random")


def test_sorting_from_the_page_and_taking_things_along(server, annotator):
    running = server(*SIZES, images=90, steps=120)
    ann = annotator(running)
    done = ann.answer(40)
    ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
    assert ann.page.inner_text(".headline").split()[1] == "to", "the interval comes first"
    assert "Choosing pays" not in ann.page.inner_text("#advice")
    ann.page.click("#matrix-fold summary")
    assert ann.page.locator(".matrix tr").count() >= 3
    ann.page.click("#open-finish")
    ann.page.wait_for_selector("#sort-expected")
    assert "sorted, 40 of them by people" in ann.page.inner_text("#sort-expected")
    ann.page.focus("#finish-dialog input[type=range]")
    ann.page.keyboard.press("Home")
    assert ann.page.inner_text("#sort-expected").startswith("All: 90 of 90 sorted")
    ann.page.click("text=Sort links")
    ann.page.wait_for_selector("text=Sorted into")
    out = running.folder / "run" / "sorted"
    assert {path.name for path in out.iterdir()} >= {"red", "green", "blue", "sorted.csv"}
    assert sum(1 for path in out.rglob("*.png")) == 90
    assert all((out / truth(id) / id).samefile(running.folder / "photos" / id) for id in done)
    with ann.page.expect_download() as download:
        ann.page.click("text=Labels (CSV)")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert {row["id"]: row["label"] for row in rows} == {id: truth(id) for id in done}
    with ann.page.expect_download() as download:
        ann.page.click("#finish-dialog >> text=Report")
    report = download.value.path().read_text()
    assert "What was labelled" in report and "20 held-out images, drawn at random" in report
    assert "Taken for" in report and "not run" not in report and "Initial set" not in report
    with ann.page.expect_download() as download:
        ann.page.click("#finish-dialog >> text=Model")
    assert download.value.path().stat().st_size > 1000
    ann.page.select_option("#finish-dialog select", "n200")
    ann.page.keyboard.press("Escape")
    assert "180 labels to go" in ann.page.inner_text("#goal")
    assert ann.mistakes == []


def test_whoever_has_no_token_gets_no_files(server, annotator):
    running = server(*SIZES)
    ann = annotator(running)
    for name in ("labels.csv", "report.html", "model.safetensors"):
        status = ann.page.evaluate(f"fetch('/files/{name}').then(answer => answer.status)")
        assert status == 401


@pytest.mark.slow
def test_a_sort_that_is_killed_with_its_server_is_told_of_and_gone_on_with(server, annotator):
    running = server(*SIZES, images=1500, steps=20)
    ann = annotator(running)
    ann.answer(40)
    ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
    ann.page.click("#open-finish")
    ann.page.wait_for_selector("#sort-expected")
    ann.page.focus("#finish-dialog input[type=range]")
    ann.page.keyboard.press("Home")
    ann.page.click("text=Sort copies")
    out = running.folder / "run" / "sorted"
    until(lambda: len(list(out.rglob("*.png"))) > 20)
    running.kill()
    placed = len(list(out.rglob("*.png")))
    assert 20 < placed < 1500, "in the middle"
    assert json.loads((out / "sorting.json").read_text())["state"] == "sorting"
    running.start()
    ann.page.goto(running.url)
    ann.shown()
    ann.page.click("#open-finish")
    ann.page.wait_for_selector("text=was interrupted")
    assert "copies, all images" in ann.page.inner_text("#finish-dialog .trouble")
    ann.page.click("text=Go on with it")
    ann.page.wait_for_selector("text=Sorted into")
    assert "was interrupted" not in ann.page.inner_text("#finish-dialog")
    with (out / "sorted.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 1500
    for row in rows:
        assert (out / row["to"]).read_bytes() == (running.folder / "photos" / row["id"]).read_bytes()
    assert not (running.folder / "run" / "sorted-2").exists()


def until(condition):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < 120, "it never came to that"
        time.sleep(0.005)

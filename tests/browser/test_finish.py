"""The finish line: the page sorts, gives away labels, report and model, and knows a goal."""

from __future__ import annotations

import csv
import io

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
    assert "Taken for" in report and "cycles were not run" not in report and "Initial set" not in report
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

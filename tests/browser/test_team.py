"""A page behind a sub-path, through an annotator's link, in a run that was begun without classes."""

from __future__ import annotations

import socket

from ncenet.doors.annotators import Annotators
from ncenet.ledger import Ledger
from ncenet.web.serve import open_project
from tests.browser.conftest import KEYS, Server
from tests.web.conftest import IdleTrainer, recipe, truth

__all__ = ["recipe"]

SIZES = ("--held-out", "8", "--initial", "60", "--query-size", "20", "--no-flip")


def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def test_an_annotator_asked_for_classes_below_a_path_until_the_link_is_revoked(server, annotator, tmp_path):
    running = server(*SIZES, "--public-url", f"http://127.0.0.1:{(at := port())}/pets/", classes=(), port=at)
    key = Annotators(tmp_path / "run").add(["anna"])["anna"]
    running.url = f"http://127.0.0.1:{at}/pets#token={key}"
    anna = annotator(running)
    anna.page.fill("#ask-input", 'red, green,blue, "dark, red"')
    anna.page.keyboard.press("Enter")
    anna.page.wait_for_selector(".class[data-name='dark, red']")
    assert anna.page.url.endswith("/pets/") and anna.page.inner_text("#who") == "anna"
    done = anna.answer(3)
    anna.page.keyboard.press("#")
    anna.page.click(".class-row[data-name=red] button:has-text('Example')")
    anna.page.wait_for_selector(".class[data-name=red] .example")
    anna.page.keyboard.press("Escape")
    anna.settled()
    with running.ledger as ledger:
        assert {(event.who, event.id, event.label) for event in ledger.events()} == {
            ("anna", id, truth(id)) for id in done
        }
    assert anna.mistakes == []
    Annotators(tmp_path / "run").revoke(["anna"])
    anna.press(KEYS["red"])
    anna.page.wait_for_function("() => document.querySelector('#link').textContent.includes('was revoked')")
    assert "1 answer kept here until another link" in anna.page.inner_text("#link")
    with running.ledger as ledger:
        assert len(ledger.events()) == 3


def test_a_start_page_leads_to_each_of_several_projects(annotator, tmp_path, recipe):
    for name in ("pets", "cars"):
        open_project(recipe, tmp_path / name, you="ann", trains=IdleTrainer).close()
    running = Server(tmp_path)
    running.runs = ("pets", "cars")
    try:
        running.start()
        ann = annotator(running, start="#projects li:nth-child(2)")
        ann.page.click("#projects li:nth-child(2) a")
        ann.answer(2)
        ann.settled()
        ann.page.go_back()
        ann.page.wait_for_selector("#projects li:nth-child(2):has-text('2 of 40 images answered')")
        ann.page.click("#projects li:first-child a")
        ann.answer(1)
        ann.settled()
        assert ann.mistakes == []
    finally:
        running.kill()
    for name, count in (("pets", 1), ("cars", 2)):
        with Ledger(tmp_path / name / "ledger.sqlite", read_only=True) as ledger:
            assert len(ledger.labeled()) == count

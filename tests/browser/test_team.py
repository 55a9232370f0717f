"""A page behind a sub-path, through an annotator's link, in a run that was begun without classes."""

from __future__ import annotations

import socket

from ncenet.doors.annotators import Annotators
from tests.browser.conftest import KEYS
from tests.web.conftest import truth

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

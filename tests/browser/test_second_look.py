"""Boxes that come up again: blind, with those of before on request, by keyboard, pointer and on a phone."""

from __future__ import annotations

import pytest

from ncenet.boxes import Boxes
from ncenet.ledger import Ledger
from ncenet.run.second_look import second_looks
from tests.browser.drawer import TRUTH, Drawer

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


def come_up_again(server, ids, what):
    """Have images answered again, as the model would; the server takes it up when it starts."""
    server.kill()
    with Ledger(server.folder / "run" / "ledger.sqlite") as ledger:
        ledger.again.ask(ids, "doubt", dict.fromkeys(ids, what))
    server.start()


@pytest.mark.parametrize("how", ["keys", "pointer", "phone"])
def test_boxes_are_drawn_again_blind_or_with_those_of_before(drawer, running, annotator, how):
    done = drawer.answer(3)
    drawer.annotator.settled()
    drawer.page.close()  # it would hold the image
    again = next(id for id in done if len(TRUTH[id]))
    come_up_again(running, [again], "missing")
    options = PHONE if how == "phone" else {"viewport": {"width": 1100, "height": 800}}
    person = Drawer(annotator(running, **options))
    page = person.page

    def press(key, button):
        if how == "keys":
            person.keys(key)
        elif how == "pointer":
            page.click(f"[data-do={button}]")
        else:
            page.tap(f"[data-do={button}]")

    for _ in range(12):  # it lies among the others, and nothing tells it from them
        id = person.annotator.shown()
        assert person.drawn == [], "blind"
        if id == again:
            break
        press("o", "earlier")
        page.wait_for_function("() => document.querySelector('#why').innerText.includes('Nobody has drawn')")
        press("Enter", "done")
        person.annotator.shown(besides=id)
    assert id == again
    press("o", "earlier")
    page.wait_for_function("() => ncenet.canvas.drawing.suggested.length > 0")
    assert "ann drew" in page.inner_text("#why") and person.drawn == [], "no part of the answer yet"
    press("a", "take")
    assert [label for _, label in person.drawn] == list(TRUTH[again].labels)
    press("Enter", "done")
    person.annotator.shown(besides=again)
    person.annotator.settled()
    with running.ledger as ledger:
        (twice,) = ledger.again.outcomes("doubt")
        assert twice.suspicion == "missing" and twice.id == again
        assert Boxes.from_label(twice.before) == Boxes.from_label(twice.after)
        assert second_looks(ledger).labels == (1, 0)
    words = "1 image whose boxes looked wrong came up again; 0 of them were changed"
    page.wait_for_function(
        "words => document.querySelector('#advice').textContent.includes(words)", arg=words
    )
    assert not person.annotator.mistakes

"""Boxes that came another way than over the canvas, answers that are refused, answers of other people."""

from __future__ import annotations

import json

from ncenet.boxes import Boxes
from ncenet.ledger import Ledger
from ncenet.web.messages import MOST_BOXES
from tests.browser.drawer import HEIGHT, WIDTH

ONE = Boxes(((40, 30, 160, 130),), ("one",))


def tell(running, id, boxes, who="tool"):
    """Answer as another program does, which need not know sizes of images."""
    with Ledger(running.folder / "run" / "ledger.sqlite") as ledger:
        ledger.tell({id: Boxes(tuple(boxes), ("one",) * len(boxes)).to_label()}, who=who, cycle=0)


def standing(running) -> dict[str, Boxes]:
    with running.ledger as ledger:
        return {id: Boxes.from_label(text) for id, text in ledger.labeled()}


def test_boxes_beyond_the_image_are_cut_and_those_beyond_the_most_are_not_taken(drawer, running):
    page, ann = drawer.page, drawer.annotator
    wide, many = page.evaluate("ncenet.session.ahead.map(({ turn }) => turn.id)")[1:3]
    tell(running, wide, [(-3.5, 0, WIDTH + 0.5, 40), (WIDTH, 5, WIDTH + 9, 9), (10, 20, 30, 40)])
    tell(running, many, [(n % 400, n // 400, n % 400 + 9, 90) for n in range(MOST_BOXES + 1)])

    drawer.open_past(wide)
    assert drawer.drawn == [([0, 0, WIDTH, 40], "one"), ([10, 20, 30, 40], "one")]
    assert "Cut at the edge of the image: 2 boxes" in page.inner_text("#notice")
    drawer.keys("Enter")
    ann.settled()
    assert standing(running)[wide].boxes == ((0, 0, WIDTH, 40), (10, 20, 30, 40))

    drawer.open_past(many)
    drawer.keys("Enter")
    assert f"takes {MOST_BOXES} boxes at most, and this one has {MOST_BOXES + 1}" in page.inner_text(
        "#notice"
    )
    page.evaluate("ncenet.canvas.drawing.selected = 0")
    drawer.keys("Delete", "+")
    page.evaluate("ncenet.canvas.suggest([{ box: [1, 2, 3, 4], label: 'one', score: 0.8 }])")
    drawer.keys("a")
    drawer.drag((470, 300), (450, 310))
    assert len(drawer.drawn) == MOST_BOXES
    drawer.keys("Enter")
    ann.settled()
    assert len(standing(running)[many]) == MOST_BOXES
    assert page.evaluate("ncenet.outbox.refused") == []
    assert ann.mistakes == []


def refused(drawer) -> str:
    """Answer with a box that the server refuses; the image."""
    id = drawer.annotator.shown()
    wide = [{"box": [5, 5, WIDTH + 20, 50], "label": "one"}]
    drawer.page.evaluate("boxes => ncenet.session.answer('answer', null, boxes)", wide)
    drawer.page.wait_for_selector("#refused button")
    drawer.annotator.shown(besides=id)
    return id


def test_an_answer_that_is_refused_is_kept_until_it_is_put_right_or_discarded(drawer, running):
    page, ann = drawer.page, drawer.annotator

    def settled():
        page.wait_for_selector("#refused", state="hidden")
        ann.settled()
        assert page.evaluate("ncenet.outbox.refused") == []
        return {id: boxes.boxes for id, boxes in standing(running).items()}

    def open_refused(id):
        page.click("#refused button:text('Open')")
        ann.shows(id)
        assert drawer.drawn == [([5, 5, WIDTH, 50], "one")]

    id = refused(drawer)
    other = ann.shown()
    drawer.keys("Enter")
    ann.settled()
    page.reload()
    ann.shown()
    told = page.inner_text("#refused")
    assert id in told and f"reaches beyond the image, which is {WIDTH} x {HEIGHT}" in told
    assert list(standing(running)) == [other], "it holds up no other answer"
    open_refused(id)
    drawer.keys("z")
    assert settled() == {other: ()}, "the server has nothing to take back"
    assert ann.shown() == id
    assert drawer.drawn == [([5, 5, WIDTH, 50], "one")]
    drawer.keys("Enter")
    done = {other: (), id: ((5, 5, WIDTH, 50),)}
    ann.shown(besides=id)
    assert settled() == done
    refused(drawer)
    page.click("#refused button:text('Discard')")
    assert settled() == done
    id = refused(drawer)
    open_refused(id)
    drawer.keys("Enter")
    assert settled() == done | {id: ((5, 5, WIDTH, 50),)}
    assert all("422" in mistake for mistake in ann.mistakes), ann.mistakes


def test_z_leaves_what_another_annotator_said(drawer, running):
    page, ann = drawer.page, drawer.annotator
    sent = []
    page.on(
        "request", lambda request: "answers" in request.url and sent.append(json.loads(request.post_data))
    )
    id = page.evaluate("ncenet.session.ahead[1].turn.id")
    entry = {"key": "a-key-of-bob", "id": id, "kind": "answer", "boxes": []}
    page.evaluate(
        "message => ncenet.api.answers(message)",
        {"who": "bob", "entries": [entry]},
    )
    sent.clear()
    drawer.open_past(id)
    drawer.keys("z")
    assert "came from elsewhere" in page.inner_text("#notice")
    drawer.drag((40, 30), (160, 130))
    drawer.keys("2", "Enter")
    ann.settled()
    drawer.open_past(id)
    drawer.keys("z")  # one's own
    ann.settled()
    entries = [entry for parcel in sent for entry in parcel["entries"]]
    assert [entry["kind"] for entry in entries] == ["answer", "undo"]
    assert entries[1]["undoes"] == entries[0]["key"]
    assert standing(running) == {id: Boxes.from_label("[]")}
    assert ann.mistakes == []

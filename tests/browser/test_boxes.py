"""Boxes on the canvas: drawn, moved, resized, undone, answered, suggested, exported and read back."""

from __future__ import annotations

import json
from pathlib import Path

from ncenet.boxes import Boxes
from tests.browser.drawer import HEIGHT, TRUTH


def near(box, wanted, by=1) -> bool:
    """A window shows pixels of the image between its own."""
    return all(abs(a - b) <= by for a, b in zip(box, wanted, strict=True))


def test_boxes_are_drawn_edited_and_undone(drawer, running):
    page, ann = drawer.page, drawer.annotator
    first = ann.shown()
    drawer.drag((40, 30), (160, 130))
    assert near(drawer.drawn[0][0], (40, 30, 160, 130)) and drawer.drawn[0][1] is None
    drawer.keys("Enter")
    assert "no class yet" in page.inner_text("#notice"), "nothing is answered by accident"
    drawer.keys("1")
    drawer.keys("Escape", "2")
    drawer.drag((460, 300), (300, 200))
    assert drawer.drawn[1][1] == "one", "the class of the next box"
    assert near(drawer.drawn[1][0], (300, 200, 460, 300)), "whichever way it was drawn"
    drawer.keys("3")
    assert [label for _, label in drawer.drawn] == ["eight", "zero"]

    (before, _), _ = drawer.drawn
    page.mouse.click(*drawer.place(60, 50))
    drawer.drag((100, 80), (150, 100))
    assert near(drawer.drawn[0][0], [before[0] + 50, before[1] + 20, before[2] + 50, before[3] + 20], 2)
    assert [a - b for a, b in zip(drawer.drawn[0][0][2:], drawer.drawn[0][0][:2], strict=True)] == [
        before[2] - before[0],
        before[3] - before[1],
    ], "moving leaves the size alone"
    x1, y1, x2, y2 = drawer.drawn[0][0]
    drawer.drag((x2, y2), (x2 + 20, y2 - 30))
    assert near(drawer.drawn[0][0], (x1, y1, x2 + 20, y2 - 30))
    x1, y1, x2, y2 = drawer.drawn[0][0]
    drawer.keys("ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp")
    assert drawer.drawn[0][0] == [x1 + 1, y1 + 1, x2 + 2, y2]
    assert "Box 1 of 2: eight" in page.text_content("#said")
    drawer.drag((x1 + 20, y1 + 20), (-400, 20))
    assert drawer.drawn[0][0][0] == 0, "no further than the edge of the image"
    drawer.keys("z")
    assert drawer.drawn[0][0] == [x1 + 1, y1 + 1, x2 + 2, y2]
    drawer.keys("Tab")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Box 2 of 2: zero")
    drawer.keys("Delete")
    assert [label for _, label in drawer.drawn] == ["eight"]
    drawer.keys("z")
    assert [label for _, label in drawer.drawn] == ["eight", "zero"]
    drawer.drag((5, 310), (-60, 500))
    assert drawer.drawn[2][0] == [0, 310, 5, HEIGHT] or near(drawer.drawn[2][0], (0, 310, 5, HEIGHT))
    drawer.keys("z")
    drawer.drag((-9, 100), (-30, 200))
    assert len(drawer.drawn) == 2, "a box without area is none"

    page.reload()
    assert ann.shown() == first
    kept = drawer.drawn
    assert [label for _, label in kept] == ["eight", "zero"], "what is drawn outlives a reload"
    drawer.keys("Enter")
    second = ann.shown(besides=first)
    drawer.keys("Enter")  # an image without objects
    ann.shown(besides=second)
    drawer.keys("z")
    ann.shows(second)
    drawer.keys("z")
    ann.shows(first)
    assert drawer.drawn == kept, "an answer that is undone comes back with its boxes"
    drawer.keys("Enter", "Enter")
    ann.settled()
    drawer.keys("b", "b")
    assert drawer.drawn == kept
    drawer.keys("Tab", "Delete", "Enter")
    ann.settled()
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
    (box, label) = kept[1]
    assert labels == {first: Boxes((tuple(box),), (label,)).to_label(), second: "[]"}
    drawer.keys("g")
    page.wait_for_selector(f".cell[title='{first}'] .outlines .line")
    assert f"{first}: 1 zero" in page.get_attribute(f".cell[title='{first}']", "aria-label")
    page.focus(f".cell[title='{first}']")
    drawer.keys("Enter")
    assert drawer.drawn == [kept[1]]
    drawer.keys("Escape")
    assert ann.mistakes == []


def test_suggestions_a_killed_server_and_an_export_that_comes_back(drawer, running, ncenet, tmp_path):
    page, ann = drawer.page, drawer.annotator
    # What a detector finds that has trained for seconds can't be said beforehand: it is told what to find.
    # From the start: a route that is made just before a request now and then comes too late for it.
    found = [
        {"box": [10.5, 20, 110, 90.2], "label": "one", "score": 0.8},
        {"box": [200, 20, 280, 90], "label": "zero", "score": 0.4},
    ]
    page.route("**/api/why", lambda route: route.fulfill(json=route.fetch().json() | {"boxes": found}))
    done = drawer.answer(2)
    page.wait_for_function(
        "() => ncenet.session.ahead.length >= 5 && ncenet.session.ahead.every(a => a.picture.naturalWidth)"
    )
    running.kill()
    done += drawer.answer(2)
    assert page.evaluate("ncenet.outbox.waiting") >= 2
    id = ann.shown()
    drawer.draw(TRUTH[id])
    kept = drawer.drawn
    running.start()
    ann.settled()
    page.reload()
    assert ann.shown() == id and drawer.drawn == kept
    drawer.keys("Enter")
    done.append(id)
    ann.shown(besides=id)
    done += drawer.answer(1)
    ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
    page.wait_for_selector("#curve svg")
    assert "mAP, % over labelled images" in page.inner_text("#curve")
    while not page.inner_text("#phase").startswith("Much in it lies between classes"):
        done += drawer.answer(1)  # whatever was in front of the person stays until it is answered
    assert page.query_selector(".box.suggested") is None, "blind by default"
    drawer.keys("h")
    page.wait_for_selector(".box.suggested")
    assert "The model suggests 1 one, 1 zero" in page.inner_text("#why")
    page.unroute("**/api/why")
    assert page.locator(".box.suggested").count() == 2 and drawer.drawn == []
    page.mouse.click(*drawer.place(50, 50))
    assert drawer.drawn == [([10.5, 20, 110, 90.2], "one")] and page.locator(".box.suggested").count() == 1
    drawer.keys("a")
    assert drawer.drawn == [([10.5, 20, 110, 90.2], "one"), ([200, 20, 280, 90], "zero")]
    drawer.keys("z", "z")
    assert drawer.drawn == [] and page.locator(".box.suggested").count() == 2
    drawer.keys("w")
    page.wait_for_selector("#why .near img")
    assert "rejection" in page.inner_text("#why")
    done += drawer.answer(1)
    ann.settled()
    with running.ledger as ledger:
        assert sorted(event.id for event in ledger.events()) == sorted(done), "nothing lost, nothing double"
        labels = {id: Boxes.from_label(text) for id, text in ledger.labeled()}
    for id, boxes in labels.items():
        assert boxes.labels == TRUTH[id].labels, "what was suggested and not taken is no answer"
        assert all(near(a, b) for a, b in zip(boxes.boxes, TRUTH[id].boxes, strict=True)), id
        assert all(edge.is_integer() for box in boxes.boxes for edge in box), "whole pixels"
    running.kill()

    for form in ("coco", "voc", "yolo", "csv"):
        file = "labels.csv" if form == "csv" else form
        exported = ncenet("export", "run", file, "--format", form)
        assert exported.code == 0, exported.err
        again = ncenet("import", "run", file, "--format", form, "--json", "--dry-run")
        assert again.code == 0, again.err
        assert json.loads(again.out)["counts"] == {"same": len(done)}, form
    images = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    names = {image["id"]: Path(image["file_name"]).name for image in images["images"]}
    exported = [
        (names[each["image_id"]], each["bbox"])
        for each in sorted(images["annotations"], key=lambda each: each["id"])
    ]
    assert exported == [
        (id, [x1, y1, x2 - x1, y2 - y1]) for id in labels for x1, y1, x2, y2 in labels[id].boxes
    ]
    away = ("Failed to load resource", "net::ERR")  # while the server was killed
    assert [mistake for mistake in ann.mistakes if not mistake.startswith(away)] == []

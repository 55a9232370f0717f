"""What a hand does that slips while it draws: keys during a drag, reloads, other images in between."""

from __future__ import annotations

from ncenet.boxes import Boxes

TWO = Boxes(((40, 30, 160, 130), (300, 200, 460, 300)), ("one", "zero"))


def test_a_key_during_a_drag_ends_it_as_if_it_had_not_begun(drawer):
    page, ann = drawer.page, drawer.annotator
    ann.shown()
    drawer.draw(TWO)
    before = drawer.drawn

    def drag_and_press(key, start):
        page.mouse.move(*drawer.place(*start))
        page.mouse.down()
        page.mouse.move(*drawer.place(start[0] + 30, start[1] - 20), steps=3)
        drawer.keys(key)
        page.mouse.move(*drawer.place(start[0] + 60, start[1] - 40), steps=3)
        page.mouse.up()
        assert page.evaluate("ncenet.canvas.drag") is None

    inside, outside = (380, 250), (200, 180)
    drag_and_press("z", inside)
    assert drawer.drawn == before, "the drag is the edit that is undone"
    drag_and_press("1", inside)
    assert drawer.drawn == [before[0], (before[1][0], "eight")]
    drawer.keys("z")
    drag_and_press("Enter", inside)
    assert "Let go of the box first" in page.inner_text("#notice")
    drawer.keys("z")
    assert drawer.drawn == before
    drag_and_press("Tab", inside)
    assert drawer.drawn == before
    drawer.keys("Escape")
    page.mouse.click(*drawer.place(*inside))
    drag_and_press("Delete", inside)
    assert drawer.drawn == before[:1]
    page.mouse.move(*drawer.place(20, 20))
    assert drawer.drawn == before[:1], "the pointer moves nothing that it does not hold"
    drawer.keys("z")
    assert drawer.drawn == before, "one step takes the deletion back, where it stood before the drag"
    drawer.keys("Escape")
    drag_and_press("z", outside)
    assert drawer.drawn == before, "a box that is being drawn is none"
    drawer.drag(outside, (250, 150))
    assert len(drawer.drawn) == 3, "the next drag is as any"
    assert ann.mistakes == []


def test_what_is_drawn_outlives_reloads_and_other_images(drawer):
    page, ann = drawer.page, drawer.annotator
    first = ann.shown()
    drawer.draw(TWO)
    kept = drawer.drawn
    drawer.keys("Enter")
    second = ann.shown(besides=first)
    drawer.keys("z")
    ann.shown(besides=second)
    ann.settled()
    page.reload()
    ann.shown()
    page.evaluate(
        "id => ncenet.session.ahead.sort((a, b) => (b.turn.id === id) - (a.turn.id === id))", second
    )
    page.evaluate("ncenet.session.onChange()")
    assert ann.shown(besides=first) == second, "another image is in front"
    drawer.drag((50, 50), (90, 90))
    drawer.keys("2", "Enter")
    ann.shown(besides=second)
    page.evaluate("id => ncenet.session.ahead.sort((a, b) => (b.turn.id === id) - (a.turn.id === id))", first)
    page.evaluate("ncenet.session.onChange()")
    assert ann.shown() == first and drawer.drawn == kept
    ann.settled()
    drafts = "Object.keys(sessionStorage).filter(key => key.includes('/draft/')).length"
    assert page.evaluate(drafts) == 1, "an answer ends its draft"

    drawer.open_past(second)
    drawer.keys("Tab", "ArrowRight", "g")
    cell = f".cell[title='{second}']"
    page.wait_for_selector(cell)
    page.focus(cell)
    assert not page.is_visible("#notice")
    drawer.keys("Enter")
    assert "The changes were not recorded" in page.inner_text("#notice"), "they are not dropped in silence"
    assert ann.mistakes == []

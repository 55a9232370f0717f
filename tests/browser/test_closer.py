"""A closer look: by wheel, keys, double click and two fingers, on a screen and on a phone; notes, details."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from PIL import ExifTags

from tests.browser.conftest import KEYS
from tests.browser.drawer import MADE, TINY, Drawer
from tests.browser.drawer import SIZES as BOX_SIZES
from tests.data.detection.make import CLASSES as DIGITS
from tests.data.detection.make import write_images
from tests.web.conftest import truth

SIZES = ("--held-out", "4", "--initial", "60", "--query-size", "20", "--no-flip", "--backbone", "small")
LEVEL = "+document.querySelector('.frame').style.getPropertyValue('--level')"
NATURAL = "document.querySelector('#image').naturalWidth"


@pytest.fixture
def running(server, tmp_path):
    """Photographs that are larger than what the page shows, with a moment in them; enough for two windows."""
    (tmp_path / "photos").mkdir()
    exif = PIL.Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[36867] = "2026:06:01 12:30:05"
    random = np.random.default_rng(0)
    for n, name in enumerate("rgb" * 7):
        coarse = random.integers(0, 120, (18, 24, 3), dtype=np.uint8)
        coarse[..., n % 3] += 120
        large = PIL.Image.fromarray(coarse).resize((2400, 1800), PIL.Image.Resampling.NEAREST)
        large.save(tmp_path / "photos" / f"{name}{n:03}.jpg", exif=exif)
    return server(*SIZES)


def level(page) -> float:
    return page.evaluate(LEVEL)


def pinch(page, apart):
    """Two fingers on the image that move from 60 pixels apart to another distance."""
    box = page.locator(".frame").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = page.context.new_cdp_session(page)

    def touch(kind, half):
        points = [] if half is None else [{"x": x - half, "y": y, "id": 1}, {"x": x + half, "y": y, "id": 2}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 30)
    for step in range(1, 6):
        touch("touchMove", 30 + (apart / 2 - 30) * step / 5)
    touch("touchEnd", None)


def test_a_closer_look_on_a_screen_and_on_a_phone(running, annotator):
    ann = annotator(running, viewport={"width": 1100, "height": 800})
    page = ann.page
    page.hover("#image")
    page.wait_for_function(f"() => {NATURAL} === 1600")
    assert level(page) == 1
    page.mouse.wheel(0, -900)
    page.wait_for_function(
        f"() => {LEVEL} > 4 && {NATURAL} === 2400"
    )  # the original took the place of the view
    moved = page.evaluate("document.querySelector('#image').getBoundingClientRect().left")
    page.mouse.down()
    page.mouse.move(400, 400)
    page.mouse.up()
    assert page.evaluate("document.querySelector('#image').getBoundingClientRect().left") != moved
    page.keyboard.press("Home")
    page.keyboard.press("+")
    assert level(page) == pytest.approx(1.4)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("-")
    assert level(page) == pytest.approx(1)
    page.dblclick("#image")
    assert level(page) >= 2
    first = ann.shown()
    page.keyboard.press(",")
    page.fill("#ask-input", "blurred")
    page.keyboard.press("Enter")
    page.wait_for_selector(".note:has-text('blurred')")
    page.keyboard.press(";")
    page.wait_for_selector(".details:has-text('2026-06-01 12:30:05')")
    said = page.inner_text("#why")
    assert "2,400" in said and "1,800" in said and "blurred (ann)" in said
    page.keyboard.press("Shift+Enter")
    assert not page.is_visible(".panel") and page.is_visible("#image")
    page.keyboard.press(KEYS[truth(first)])
    ann.shown(besides=first)
    assert level(page) == 1 and page.query_selector(".note") is None, "the next image, as a whole"
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".panel")
    ann.settled()
    with running.ledger as ledger:
        assert ledger.notes.of()[first].text == "blurred"
    assert ann.mistakes == []

    phone = annotator(running, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    pinch(phone.page, 240)
    phone.page.wait_for_function(f"() => Math.abs({LEVEL} - 4) < 0.4")
    pinch(phone.page, 10)
    phone.page.wait_for_function(f"() => {LEVEL} === 1")
    phone.page.tap("[data-do=details]")
    phone.page.wait_for_selector(".details:has-text('2026-06-01')")
    assert phone.mistakes == []


def test_boxes_are_drawn_on_what_is_enlarged(server, annotator, tmp_path):
    write_images(tmp_path / "photos", MADE)
    running = server(*TINY, *BOX_SIZES, classes=DIGITS)
    drawer = Drawer(annotator(running, viewport={"width": 1100, "height": 800}, has_touch=True))
    page = drawer.page
    page.wait_for_function(f"() => {NATURAL} > 0")
    page.mouse.move(*drawer.place(100, 80))
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"() => {LEVEL} > 3")
    drawer.drag((90, 70), (120.5, 95))
    ((box, _),) = drawer.drawn
    assert box == pytest.approx([90, 70, 120.5, 95], abs=0.5)
    before = level(page)
    pinch(page, 150)
    page.wait_for_function(f"before => {LEVEL} > before", arg=before)
    page.keyboard.press("PageUp")
    assert level(page) > 4 and len(drawer.drawn) == 1, "two fingers draw nothing"
    drawer.keys("1", "Enter")
    page.wait_for_function(f"() => {LEVEL} === 1")
    assert drawer.annotator.mistakes == []

"""A person who draws boxes."""

from __future__ import annotations

from ncenet.boxes import Boxes
from tests.data.detection.make import CLASSES, samples

WIDTH, HEIGHT = 480, 320
"""Of the images: shown enlarged or reduced, never as they are."""
SIZES = ("--held-out", "2", "--initial", "4", "--query-size", "3", "--first", "random")
TINY = ("--task", "detection", "--image-size", "64", "--anchor-features", "16")
MADE = samples(24, width=WIDTH, height=HEIGHT)
TRUTH = {f"{sample.name}.jpg": sample.boxes for sample in MADE}


class Drawer:
    """Works on the canvas in pixels of the original image."""

    def __init__(self, annotator) -> None:
        self.annotator, self.page = annotator, annotator.page

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the image is in the window."""
        return tuple(
            self.page.evaluate(
                "([x, y]) => { const p = new DOMPoint(x, y)"
                ".matrixTransform(document.querySelector('#boxes').getScreenCTM()); return [p.x, p.y] }",
                [x, y],
            )
        )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=3)
        self.page.mouse.up()

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def drawn(self) -> list[tuple[list[float], str | None]]:
        """Boxes and classes, as the page has them."""
        boxes = self.page.evaluate("ncenet.canvas.drawing.boxes")
        return [(each["box"], each.get("label")) for each in boxes]

    def draw(self, boxes: Boxes) -> None:
        """Draw boxes by the mouse, their classes by their keys."""
        for (x1, y1, x2, y2), label in zip(boxes.boxes, boxes.labels, strict=True):
            self.keys("Escape")
            self.drag((x1, y1), (x2, y2))
            self.keys(str(CLASSES.index(label) + 1))

    def answer(self, count: int) -> list[str]:
        """Answer so many images, truly."""
        done = []
        for _ in range(count):
            id = self.annotator.shown()
            self.draw(TRUTH[id])
            self.keys("Enter")
            self.annotator.shown(besides=id)
            done.append(id)
        return done

    def open_past(self, id: str) -> None:
        """Open a past answer from the grid, once it is there."""
        cell = f".cell[title='{id}']"
        self.keys("g")
        self.page.wait_for_selector(cell)
        self.page.focus(cell)
        self.keys("Enter")
        self.annotator.shows(id)

"""The pictures of the labelling page in docs/labelling.md: images drawn here, a real server, a real browser.

    python benchmarks/screenshots.py [FOLDER]

Draws 300 clothes of six kinds and labels some seventy of them at the page, truly, and forty images of digits
with their boxes, and writes ``label-*.webp`` into docs/images, or into FOLDER. Takes minutes on two cores.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
from at_page import ONE_BY_ONE, PATIENCE
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.data.detection.make import CLASSES, samples

SIDE, COUNT, LABELS = 192, 300, 60
OUTLINES = {
    "bag": ["20,40 80,40 86,85 14,85"],
    "dress": ["40,12 60,12 58,42 78,90 22,90 42,42"],
    "hat": ["30,35 70,35 74,62 26,62", "10,62 90,62 86,72 14,72"],
    "shirt": ["35,15 65,15 95,35 84,50 70,42 70,88 30,88 30,42 16,50 5,35"],
    "shoe": ["12,35 36,35 46,52 82,60 92,75 12,75", "10,75 93,75 93,82 10,82"],
    "trousers": ["30,10 70,10 78,92 58,92 50,40 42,92 22,92"],
}
"""Polygons of each kind, in per cent of the side."""
SHAPES = {
    kind: [np.array([point.split(",") for point in outline.split()], float) / 100 for outline in outlines]
    for kind, outlines in OUTLINES.items()
}
DIGITS, BOXED = samples(80, width=480, height=320), 40
KEYS = {name: str(n) for n, name in enumerate(SHAPES, 1)}


def drawn(kind: str, random: np.random.Generator) -> PIL.Image.Image:
    """A piece of clothing on some ground, turned and lit by chance."""
    ground, cloth = random.integers(120, 245, 3), random.integers(20, 235, 3)
    image = PIL.Image.new("RGB", (2 * SIDE, 2 * SIDE), tuple(int(c) for c in ground))
    pen = PIL.ImageDraw.Draw(image)
    angle, size = np.deg2rad(random.normal(0, 9)), random.uniform(0.62, 0.9)
    shift = random.uniform(-0.06, 0.06, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for part, outline in enumerate(SHAPES[kind]):
        points = (outline - 0.5) * random.uniform(0.92, 1.08, 2)
        points = (points @ turn.T * size + 0.5 + shift) * 2 * SIDE
        shade = tuple(int(c) for c in cloth * (0.7 if part else 1.0))
        edge = tuple(int(c) for c in cloth * 0.5)
        pen.polygon([tuple(point) for point in points.tolist()], fill=shade, outline=edge, width=4)
        if kind == "bag":
            (x0, y0), (x1, _) = points[0], points[1]
            pen.arc([x0 + 40, y0 - 90, x1 - 40, y0 + 90], 180, 360, fill=edge, width=14)
    pixels = np.asarray(image.resize((SIDE, SIDE), PIL.Image.Resampling.LANCZOS), np.float32)
    light = np.linspace(random.uniform(0.75, 1), random.uniform(0.9, 1.1), SIDE)[None, :, None]
    pixels = pixels * light + random.normal(0, 5, pixels.shape)
    lit = PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return lit.filter(PIL.ImageFilter.GaussianBlur(0.6))


def draw_all(folder: Path) -> None:
    random = np.random.default_rng(4)
    for n in range(COUNT):
        kind = list(SHAPES)[int(random.integers(len(SHAPES)))]
        shelf = folder / ("2025" if n % 3 else "2026")
        shelf.mkdir(parents=True, exist_ok=True)
        drawn(kind, random).save(shelf / f"{n:04}-{kind[:2]}{kind[-1]}.jpg", quality=88)


def truth(id: str) -> str:
    return next(kind for kind in SHAPES if id.removesuffix(".jpg").endswith(f"-{kind[:2]}{kind[-1]}"))


class Camera:
    """Opens windows, and keeps what they show."""

    def __init__(self, browser: Browser, url: str, out: Path) -> None:
        self.browser, self.url, self.out = browser, url, out

    def open(self, *, dark: bool = False, phone: bool = False) -> Page:
        size = {"width": 390, "height": 780} if phone else {"width": 1180, "height": 760}
        scheme: Any = "dark" if dark else "light"
        touch = {"has_touch": True, "is_mobile": True} if phone else {}
        page = self.browser.new_context(viewport=size, color_scheme=scheme, **touch).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(self.url)
        page.wait_for_selector("#image[data-id]")
        page.evaluate(ONE_BY_ONE)
        return page

    def shoot(self, page: Page, name: str) -> None:
        page.wait_for_function("() => [...document.images].every(i => i.complete || !i.getAttribute('src'))")
        page.wait_for_timeout(600)
        picture = PIL.Image.open(io.BytesIO(page.screenshot()))
        file = self.out / f"label-{name}.webp"
        picture.convert("RGB").save(file, quality=82, method=6)
        print(f"{file} {file.stat().st_size / 1000:.0f} kB", flush=True)


def answer(page: Page, count: int) -> None:
    """Answer what comes, truly; not faster than the features and the first batch are there."""
    for _ in range(count):
        until(page, "s.batch.waiting > 0")
        id = page.evaluate("document.querySelector('#image[data-id]').dataset.id")
        page.keyboard.press(KEYS[truth(id)])
        page.wait_for_function(
            "id => { const i = document.querySelector('#image[data-id]'); return i && i.dataset.id !== id }",
            arg=id,
            timeout=120_000,
        )


def until(page: Page, condition: str, seconds: float = 600) -> None:
    start = time.monotonic()
    while not page.evaluate(f"ncenet.api.state().then(s => {condition})"):
        if time.monotonic() - start > seconds:
            raise SystemExit(f"never came true: {condition}")
        time.sleep(0.3)


def pictures(camera: Camera) -> None:
    page = camera.open()
    page.evaluate("localStorage.setItem('ncenet/who', 'ann')")
    answer(page, LABELS)
    while page.evaluate("ncenet.api.state().then(s => s.curve.length < 3)"):
        answer(page, 5)
        page.wait_for_function("() => ncenet.outbox.waiting === 0")
        until(page, "s.training.phase === 'idle'")
    until(page, "s.training.phase === 'idle' && !s.embedding")
    while page.inner_text("#phase").startswith("Measuring"):
        answer(page, 1)
    page.keyboard.press("w")
    page.wait_for_selector("#why:not([hidden])")
    camera.shoot(page, "light")
    dark = camera.open(dark=True)
    while dark.inner_text("#phase").startswith("Measuring"):
        answer(dark, 1)
    dark.keyboard.press("h")
    dark.wait_for_selector("#why:not([hidden])")
    camera.shoot(dark, "dark")
    camera.shoot(camera.open(phone=True), "phone")
    page.keyboard.press(":")
    page.wait_for_selector(".pooled")
    page.select_option("#pool select >> nth=1", "sure")
    page.wait_for_timeout(800)
    page.focus(".pooled >> nth=0")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    camera.shoot(page, "pool")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.wait_for_selector(".cell")
    camera.shoot(page, "grid")
    page.keyboard.press("Escape")
    page.keyboard.press("#")
    page.wait_for_selector(".class-row")
    camera.shoot(page, "classes")
    page.keyboard.press("Escape")
    page.click("#open-finish")
    page.wait_for_selector("#sort-expected")
    camera.shoot(page, "sort")
    page.keyboard.press("Escape")
    page.keyboard.press(".")
    page.wait_for_selector(".tile")
    shown = page.evaluate("[...document.querySelectorAll('.tile')].map(t => t.dataset.id)")
    label = page.inner_text("#together h2").removeprefix("Are these all ").rstrip("?")
    for id in [id for id in shown if truth(id) != label] or shown[-1:]:
        page.click(f".tile[data-id='{id}']")
    camera.shoot(page, "groups")


def boxes(camera: Camera) -> None:
    """Digits with boxes: one that was taken over and is selected, others as the model suggests them."""
    page, made = camera.open(), {f"{sample.name}.jpg": sample.boxes for sample in DIGITS}
    shown = "document.querySelector('#image[data-id]').dataset.id"

    def give(page: Page) -> None:
        id = page.evaluate(shown)
        pairs = zip(made[id].boxes, made[id].labels, strict=True)
        drawn = [{"box": list(box), "label": label} for box, label in pairs]
        page.evaluate("drawn => ncenet.session.answer('answer', null, drawn)", drawn)
        page.wait_for_function(f"id => {shown} !== id", arg=id)

    for _ in range(BOXED):
        give(page)
    until(page, "s.curve.length > 0 && s.training.phase === 'idle'")
    page.reload()
    page.wait_for_selector("#image[data-id]")
    for _ in range(BOXED):  # those without an object come first
        page.keyboard.press("h")
        page.wait_for_selector("#why:not([hidden])")
        if page.locator(".box.suggested").count() > 1:
            break
        give(page)
    else:
        raise SystemExit("the model suggests too little for a picture: label more, or train it longer")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    camera.shoot(page, "boxes")


@contextmanager
def served(playwright: Playwright, folder: Path, *words: str) -> Iterator[tuple[Browser, str]]:
    """A browser, and the link of the page for a folder of images."""
    words = (
        "label",
        str(folder),
        *words,
        "--out",
        f"{folder}-run",
        "--no-browser",
        "--port",
        "0",
        "--who",
        "ann",
    )
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "ncenet", *words], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        found = next(m for line in server.stdout if (m := re.search(r"http://\S+token=\S+", line)))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser, found[0]
        browser.close()
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        clothes, digits = Path(name) / "clothes", Path(name) / "digits"
        draw_all(clothes)
        with served(playwright, clothes, "--classes", ",".join(SHAPES), "--held-out", "30") as (
            browser,
            link,
        ):
            pictures(Camera(browser, link, out))
        digits.mkdir()
        for sample in DIGITS:
            (digits / f"{sample.name}.jpg").write_bytes(sample.data)
        sizes = ("--task", "detection", "--held-out", "8", "--initial", "32", "--query-size", "100")
        with served(playwright, digits, "--classes", ",".join(CLASSES), *sizes) as (browser, link):
            boxes(Camera(browser, link, out))


if __name__ == "__main__":
    main()

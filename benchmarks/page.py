"""From key press to next image: how long a person at the labelling page waits.

    python benchmarks/page.py [--items 10000 1000000] [--keys 120]

For each size of the pool: a ledger with so many images, of which a few hundred exist as files (the page never
asks for others), served by `ncenet.web`; Chromium is driven by its own automation, presses a key for each
image, and measures inside the page from the key event to the frame after the next picture was put there,
decoded and painted. Beside it what the server takes to record an answer, and to hand out images.

Then the pool in a grid: how long a list takes to be made, the times between frames while it scrolls by the
wheel's steps, and how long after a jump to anywhere all tiles have their pictures.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import numpy as np
import PIL.Image
from playwright.sync_api import Page, sync_playwright

from ncenet.data.pools import FolderPool
from ncenet.data.scan import Scan
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import INITIAL
from ncenet.recipe import Recipe
from ncenet.types import Query
from ncenet.web.project import Project
from ncenet.web.serve import Address, serve

FILES = 400
CLASSES = ("cat", "dog", "other")
WATCH = """
() => {
  globalThis.waits = [];
  let pressed = 0;
  document.addEventListener("keydown", () => (pressed = performance.now()), { capture: true });
  new MutationObserver(() => {
    const image = document.querySelector("#image[data-id]");
    if (!pressed || !image) return;
    const start = pressed;
    pressed = 0;
    const painted = () => setTimeout(() => waits.push(performance.now() - start));
    image.decode().then(() => requestAnimationFrame(painted));
  }).observe(document.querySelector(".frame"), { childList: true });
}
"""


SCROLL = """
async (jumps) => {
  const frame = document.querySelector(".pool-frame");
  const next = () => new Promise(requestAnimationFrame);
  const times = [];
  let last = await next();
  for (let n = 0; n < 240; n++) {
    frame.scrollTop += 60;
    const now = await next();
    times.push(now - last);
    last = now;
  }
  const filled = [];
  for (let n = 0; n < jumps; n++) {
    const start = performance.now();
    frame.scrollTop = (frame.scrollHeight * (n + 0.5)) / jumps;
    const view = frame.getBoundingClientRect();
    const there = () => [...frame.querySelectorAll(".pooled:not([hidden])")]
      .map((t) => [t, t.getBoundingClientRect()])
      .filter(([, { top, bottom }]) => top < view.bottom && bottom > view.top)
      .every(([t]) => t.picture.complete && t.picture.naturalWidth);
    do await next(); while (performance.now() - start < 120 || !there());
    filled.push(performance.now() - start);
  }
  return { times, filled, tiles: document.querySelectorAll(".pooled").length };
}
"""


class Shelf(FolderPool):
    """A million ids over a few files: each shows one of them, under a hash of its own."""

    def read(self, id: str) -> bytes:
        return super().read(id if id.endswith(".jpg") else f"{int(id[:7]) % FILES:06}.jpg")

    def content_hash(self, id: str) -> str:
        return super().content_hash(id) if id.endswith(".jpg") else f"{int(id[:7]):032x}"


class NoTrainer:
    """Trains nothing, so that the page alone is measured."""

    busy = True

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def close(self) -> None:
        pass


def pictures(folder: Path) -> list[str]:
    random = np.random.default_rng(0)
    for n in range(FILES):
        coarse = PIL.Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((1280, 960), PIL.Image.Resampling.BICUBIC).save(folder / f"{n:06}.jpg", quality=90)
    return [f"{n:06}.jpg" for n in range(FILES)]


def project_of(folder: Path, items: int) -> Project:
    pool = Shelf(folder, pictures(folder), channels=3)
    ledger = Ledger(folder / "ledger.sqlite")
    ledger.remember("class_names", '["cat", "dog", "other"]')
    names = pool.ids()
    ledger.add_items((id, pool.content_hash(id), None) for id in names)
    ledger.add_items((f"{n:07}.png", f"{n:032x}", None) for n in range(len(names), items))
    ledger.record_query(0, INITIAL, Query(tuple(names), (0.0,) * len(names)))
    found = Scan({}, (), (), None, {})
    return Project(Recipe(), folder, ledger, pool, found, title="benchmark", you="ann", trains=NoTrainer)


def pressed(page: Page, keys: int) -> list[float]:
    page.wait_for_function("() => globalThis.ncenet?.session.ahead.length > 4")
    page.evaluate(WATCH)
    for n in range(keys):
        page.keyboard.press("123"[n % 3])
        page.wait_for_function("n => waits.length > n", arg=n, polling=5)
        time.sleep(0.1)  # nobody answers faster
    waits: list[float] = page.evaluate("waits")
    return waits


def asked(page: Page, name: str, message: str, times: int = 50) -> float:
    return median(
        page.evaluate(
            f"""async () => {{
              const start = performance.now();
              await ncenet.api.{name}({message});
              return performance.now() - start;
            }}"""
        )
        for _ in range(times)
    )


def measure(items: int, keys: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        project = project_of(Path(name), items)
        where: list[Address] = []
        threading.Thread(
            target=serve,
            args=(project,),
            kwargs={"host": "127.0.0.1", "port": 0, "ready": where.append},
            daemon=True,
        ).start()
        while not where:
            time.sleep(0.05)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(where[0].url)
            waits = sorted(pressed(page, keys))
            entry = '{ key: crypto.randomUUID(), id: "000399.jpg", kind: "skip" }'
            answer = asked(page, "answers", f'{{ who: "bob", entries: [{entry}] }}')
            turns = asked(page, "turns", '{ window: "window-bob", who: "bob", want: 8 }')
            start = time.perf_counter()
            page.click("#open-pool")
            page.wait_for_function("() => document.querySelector('.pooled img')?.naturalWidth")
            listed = time.perf_counter() - start
            scrolled = page.evaluate(SCROLL, 12)
            browser.close()
        frames, filled = sorted(scrolled["times"]), sorted(scrolled["filled"])
        print(
            f"| {items:,} | {median(waits):.0f} | {waits[int(0.95 * len(waits))]:.0f} | {waits[-1]:.0f} "
            f"| {answer:.0f} | {turns:.0f} | {1000 * listed:.0f} "
            f"| {median(frames):.0f} | {frames[int(0.95 * len(frames))]:.0f} | {frames[-1]:.0f} "
            f"| {median(filled):.0f} | {filled[-1]:.0f} |",
            flush=True,
        )
        project.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--keys", type=int, default=120)
    arguments = parser.parse_args()
    print(
        "| images in the ledger | key to next image, ms: median | 95 % | longest | an answer | next images "
        "| the list | frame while scrolling: median | 95 % | longest "
        "| all pictures after a jump: median | longest |"
    )
    print(f"|{'---|' * 12}")
    for items in arguments.items:
        measure(items, arguments.keys)


if __name__ == "__main__":
    main()

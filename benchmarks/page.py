"""From key press to next image: how long a person at the labelling page waits.

    python benchmarks/page.py [--items 10000 1000000] [--keys 120]

For each size of the pool: a ledger with so many images, of which a few hundred exist as files (the page never
asks for others), served by `ncenet.web`; Chromium is driven by its own automation, presses a key for each
image, and measures inside the page from the key event to the frame after the next picture was put there,
decoded and painted. Beside it what the server takes to record an answer, and to hand out images.
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
from ncenet.web import project as module
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


class NoTrainer:
    """Trains nothing, so that the page alone is measured."""

    busy = True

    def __init__(self, *_: object, **__: object) -> None:
        pass


def pictures(folder: Path) -> list[str]:
    random = np.random.default_rng(0)
    for n in range(FILES):
        coarse = PIL.Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((1280, 960), PIL.Image.Resampling.BICUBIC).save(folder / f"{n:06}.jpg", quality=90)
    return [f"{n:06}.jpg" for n in range(FILES)]


def project_of(folder: Path, items: int) -> Project:
    pool = FolderPool(folder, pictures(folder), channels=3)
    ledger = Ledger(folder / "ledger.sqlite")
    ledger.remember("class_names", '["cat", "dog", "other"]')
    names = pool.ids()
    ledger.add_items((id, pool.content_hash(id), None) for id in names)
    ledger.add_items((f"{n:07}.png", f"{n:032x}", None) for n in range(len(names), items))
    ledger.record_query(0, INITIAL, Query(tuple(names), (0.0,) * len(names)))
    module.Trainer = NoTrainer  # type: ignore[misc, assignment]
    found = Scan({}, (), (), None, {})
    return Project(Recipe(), folder, ledger, pool, found, title="benchmark", you="ann")


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
            browser.close()
        print(
            f"| {items:,} | {median(waits):.0f} | {waits[int(0.95 * len(waits))]:.0f} | {waits[-1]:.0f} "
            f"| {answer:.0f} | {turns:.0f} |",
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
        "| images in the ledger | key to next image, ms: median | 95 % | longest | an answer | next images |"
    )
    print("|---|---|---|---|---|---|")
    for items in arguments.items:
        measure(items, arguments.keys)


if __name__ == "__main__":
    main()

"""A person at the labelling page, and the server behind it, for `walk.py`: Chromium by its own automation."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from page import WATCH
from playwright.sync_api import Browser

PATIENCE = 600_000
"""Milliseconds that a loaded machine may take."""


STATE = """
() => fetch("/api/state", { headers: { authorization: `Bearer ${sessionStorage.getItem("ncenet/token/")}` } })
  .then((answer) => answer.json())
"""


class Server:
    """``ncenet label`` on a port that stays the same over restarts."""

    def __init__(self, photos: Path, run: Path, classes: tuple[str, ...], flags: Sequence[str] = ()) -> None:
        self.words = ["label", str(photos), "--out", str(run), "--classes", ",".join(classes), *flags]
        self.port, self.url = 0, ""

    def start(self) -> float:
        """Start, and wait for the link; seconds."""
        start = time.perf_counter()
        words = [*self.words, "--no-browser", "--who", "ann", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "ncenet", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        for line in self.process.stdout or ():
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", line):
                self.url, self.port = found[0], int(found[1])
                return time.perf_counter() - start
        raise SystemExit("the server did not start:\n" + "".join(said))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


ONE_BY_ONE = "ncenet.api.state().then(({ run }) => localStorage.setItem(`ncenet/${run}/grouped`, '1'))"
"""The page is not to go over to groups by itself: it has done so before, in this browser."""


class Person:
    """At the keyboard; knows the true class of each image, and what was answered."""

    def __init__(
        self, browser: Browser, url: str, truth: dict[str, str], pace: float, shots: Path | None
    ) -> None:
        self.truth, self.pace, self.shots, self.rests = truth, pace, shots, True
        self.answers: dict[str, str] = {}
        self.events, self.mistakes, self.askers = 0, [], []
        self.waits: list[float] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.visit(url)

    def visit(self, url: str | None = None) -> None:
        """Open the page, or load it anew."""
        self.page.goto(url) if url else self.page.reload()
        self.shown()
        self.page.evaluate(ONE_BY_ONE)
        self.page.evaluate(WATCH)

    def shown(self, besides: str = "") -> str:
        """Id of the image that is shown, once it is another one."""
        handle = self.page.wait_for_function(
            "besides => { const image = document.querySelector('#image[data-id]');"
            " return image && image.complete && image.dataset.id !== besides && image.dataset.id }",
            arg=besides,
        )
        return str(handle.json_value())

    def look(self, name: str) -> None:
        if self.shots is not None:
            self.shots.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.shots / f"{name}.png")

    def key_of(self, label: str) -> str:
        return str(self.page.inner_text(f".class[data-name='{label}'] kbd >> nth=0"))

    def press(self, key: str, answer: str | None = None) -> str:
        """Press a key that answers; the image it was about."""
        id = self.shown()
        self.askers.append(self.page.inner_text("#phase"))
        if self.rests and not self.askers[-1].startswith("Measuring"):
            self.trained()
        time.sleep(self.pace)
        known = self.page.evaluate("waits.length")
        self.page.keyboard.press(key)
        self.page.wait_for_function("n => waits.length > n || ncenet.session.ahead.length === 0", arg=known)
        self.waits += self.page.evaluate("waits.splice(0)")
        self.answers[id] = answer or self.truth[id]
        self.events += 1
        return id

    def answer(self, count: int) -> None:
        for _ in range(count):
            self.press(self.key_of(self.truth[self.shown()]))

    def slip(self) -> str:
        """Answer wrongly; the image."""
        true = self.truth[self.shown()]
        wrong = next(name for name in sorted(set(self.truth.values())) if name != true)
        return self.press(self.key_of(wrong), wrong)

    def undo(self) -> None:
        """Take the last answer back, and give the true one."""
        front = self.shown()
        self.page.keyboard.press("z")
        id = self.shown(besides=front)
        del self.answers[id]
        self.events += 1
        self.answer(1)

    def correct(self, id: str) -> None:
        """Find an answer in the grid, and correct it."""
        self.page.keyboard.press("g")
        cell = f".cell[title='{id}']"
        self.page.wait_for_selector(cell)
        self.page.focus(cell)
        self.page.keyboard.press(self.key_of(self.truth[id]))
        self.page.wait_for_selector(f"{cell}.corrected")
        self.page.wait_for_timeout(500)
        self.look("grid")
        self.page.keyboard.press("Escape")
        self.answers[id] = self.truth[id]
        self.events += 1

    def why(self) -> None:
        """Ask why the image is there."""
        self.page.keyboard.press("w")
        self.page.wait_for_selector("#why:not([hidden])")
        self.page.wait_for_timeout(1000)
        self.look("why")

    def settled(self) -> None:
        self.page.wait_for_function("() => ncenet.outbox.waiting === 0")

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(STATE)
        return found

    def trained(self) -> dict[str, Any]:
        """Wait until no model is in training; the state then."""
        while (state := self.state())["training"]["phase"] not in ("idle", "failed"):
            time.sleep(1)
        return state

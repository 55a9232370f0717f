"""A real browser, Debian's Chromium, on a real server. Skipped where there is no browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ncenet.ledger import Ledger
from tests.browser.drawer import MADE, SIZES, TINY, Drawer
from tests.data.detection.make import CLASSES as DIGITS
from tests.data.detection.make import write_images
from tests.web.conftest import CLASSES, paint, truth

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("NCENET_BROWSER_REQUIRED") == "1"
KEYS = {"red": "r", "green": "e", "blue": "3"}
"""A digit or a letter each; g and b mean something else."""
SLIPS = {"red": "2", "green": "3", "blue": "1"}
"""Keys of a class that is wrong."""
PATIENCE = 120_000
"""Milliseconds that a loaded machine may take; nothing here waits without need."""


@pytest.fixture(scope="session", autouse=True)
def browser_there():
    if CHROMIUM is None:
        reason = "there is no Chromium here (Debian: apt install chromium)"
        if REQUIRED:
            pytest.fail(f"{reason}, and NCENET_BROWSER_REQUIRED=1 asks for one", pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}


class Server:
    """``ncenet label`` in a process of its own, on a port that stays the same over restarts."""

    def __init__(self, folder: Path, *options: str, classes: Sequence[str] = CLASSES) -> None:
        self.folder, self.options, self.classes, self.port = folder, options, classes, 0
        self.photos = folder / "photos"
        self.steps: int | None = 8
        self.runs: tuple[str, ...] = ()  # that are there already, to be served together
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start, and wait for the link."""
        words = [
            *("label", str(self.photos)),
            *(("--classes", ",".join(self.classes)) if self.classes else ()),
            *("--out", str(self.folder / "run"), "--port", str(self.port), "--no-browser", "--who", "ann"),
            *("--threads", "1"),
        ]
        if self.steps is not None:  # of a network that learns from scratch
            words += ["--epochs", "1", "--min-steps", str(self.steps), "--batch-size", "16"]
        if self.runs:
            words = ["label", *(str(self.folder / name) for name in self.runs), "--port", "0", "--no-browser"]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "ncenet", *words, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", line):
                self.url, self.port = found[0], int(found[1])
                return
        raise AssertionError("the server did not start:\n" + "".join(said))

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "run" / "ledger.sqlite", read_only=True)


@pytest.fixture
def server(tmp_path):
    """Start a server with options; killed in the end."""
    servers: list[Server] = []

    def start(
        *options: str,
        images: int = 90,
        classes: Sequence[str] = CLASSES,
        steps: int | None = 8,
        port: int = 0,
        photos: Path | None = None,
    ) -> Server:
        server = Server(tmp_path, *options, classes=classes)
        server.photos = photos or server.photos
        if not server.photos.exists():
            paint(server.photos, images)
        server.steps, server.port = steps, port
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


class Annotator:
    """A person at the keyboard."""

    def __init__(self, page, url: str, start: str = "") -> None:
        self.page, self.mistakes = page, []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.mistakes.append(line.text))
        page.goto(url)
        page.wait_for_selector(start) if start else self.shown()

    def shown(self, besides: str = "") -> str:
        """Id of the image in front of the person, once there is another one than ``besides``."""
        handle = self.page.wait_for_function(
            "besides => { const image = document.querySelector('#image[data-id]');"
            " return image && image.dataset.id !== besides && image.dataset.id }",
            arg=besides,
        )
        return handle.json_value()

    def shows(self, id: str) -> None:
        """Wait until this image is in front of the person."""
        self.page.wait_for_function("id => document.querySelector('#image')?.dataset.id === id", arg=id)

    def press(self, key: str) -> str:
        """Press a key; the image that it was about."""
        id = self.shown()
        self.page.keyboard.press(key)
        return id

    def answer(self, count: int) -> list[str]:
        """Answer so many images, truly."""
        done = []
        for _ in range(count):
            id = self.press(KEYS[truth(self.shown())])
            self.shown(besides=id)
            done.append(id)
        return done

    def settled(self) -> None:
        """Wait until the server has everything."""
        self.page.wait_for_function("() => ncenet.outbox.waiting === 0")

    def state(self) -> dict:
        return self.page.evaluate("ncenet.api.state()")

    def until(self, condition: str) -> dict:
        """Wait until the state of the run, ``s``, fulfils a condition."""
        start = time.monotonic()
        while not self.page.evaluate(f"ncenet.api.state().then(s => {condition})"):
            assert time.monotonic() - start < PATIENCE / 1000, f"never came true: {condition}"
            time.sleep(0.2)
        return self.state()


@pytest.fixture
def annotator(browser):
    """Open a window of its own, as another person on another machine would."""
    contexts = []

    def open(server: Server, start: str = "", **options) -> Annotator:
        contexts.append(browser.new_context(**options))
        return Annotator(contexts[-1].new_page(), server.url, start)

    yield open
    for context in contexts:
        context.close()


@pytest.fixture
def running(server, tmp_path) -> Server:
    """A run that asks for boxes."""
    write_images(tmp_path / "photos", MADE)
    return server(*TINY, *SIZES, classes=DIGITS)


@pytest.fixture
def drawer(running, annotator) -> Drawer:
    return Drawer(annotator(running, viewport={"width": 1100, "height": 800}))

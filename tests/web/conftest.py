"""A small project on real image files, with a trainer that trains nothing unless told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from starlette.testclient import TestClient

from ncenet.doors.names import Names
from ncenet.recipe import Recipe
from ncenet.web.api import build_app
from ncenet.web.guard import Guard
from ncenet.web.project import Project
from ncenet.web.serve import open_project

CLASSES = ("red", "green", "blue")
TOKEN = "a-token-of-the-tests"
ALLOWED = {"authorization": f"Bearer {TOKEN}"}
HOST = "127.0.0.1:8765"
TINY = {
    "train.epochs": 1,
    "train.min_steps": 4,
    "train.batch_size": 16,
    "loop.held_out": 6,
    "loop.initial": 6,
    "loop.query_size": 4,
}


def paint(folder: Path, count: int = 40) -> Path:
    """Image files whose class, the channel that prevails, is the first letter of their name."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for n in range(count):
        channel = n % len(CLASSES)
        pixels = random.integers(0, 120, (24, 24, 3), dtype=np.uint8)
        pixels[..., channel] += 120
        PIL.Image.fromarray(pixels).save(folder / f"{CLASSES[channel][0]}{n:03}.png")
    return folder


def truth(id: str) -> str:
    """The class of an image that :func:`paint` made."""
    return next(name for name in CLASSES if name[0] == id[0])


class IdleTrainer:
    """Remembers lessons, and is busy until :meth:`finish`."""

    def __init__(self, notify, *, threads=1):
        self.notify, self.threads, self.lessons, self.busy = notify, threads, [], False

    def start(self, lesson):
        if self.busy:
            return False
        self.lessons.append(lesson)
        self.busy = True
        return True

    def close(self):
        pass

    def finish(self):
        """Do what the last lesson asks for, in this process."""
        from ncenet.web.trainer import learn

        cycle = learn(self.lessons[-1], self.notify)
        self.busy = False
        self.notify({"event": "learned", "cycle": cycle})

    def fail(self, why):
        self.busy = False
        self.notify({"event": "failed", "why": why})


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    paint(tmp_path / "photos")
    changes = {"data.train": str(tmp_path / "photos"), "data.classes": CLASSES, "data.on_bad_image": "skip"}
    return Recipe().with_changes(changes | TINY)


@pytest.fixture
def opened(tmp_path, recipe):
    """Open the project, as often as wanted."""
    projects: list[Project] = []

    def again(**options) -> Project:
        changes = options.pop("changes", {})
        for earlier in projects:
            earlier.let_go()  # as if its process had ended: the folder is free for the next server
        project = open_project(
            recipe.with_changes(changes), tmp_path / "run", you="ann", trains=IdleTrainer, **options
        )
        projects.append(project)
        return project

    yield again
    for project in projects:
        project.close()


@pytest.fixture
def project(opened) -> Project:
    return opened()


class Page:
    """Talks to the API as the page does."""

    def __init__(self, project: Project, who="ann", window="window-1") -> None:
        app = Guard(build_app(project), token=TOKEN, names=Names(["127.0.0.1"]))
        self.client = TestClient(app, base_url=f"http://{HOST}", headers=ALLOWED)
        self.who, self.window, self.keys = who, window, 0

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, message, **headers):
        return self.client.post(path, json=message, headers={"origin": f"http://{HOST}"} | headers)

    def turns(self, want=3, holding=()):
        message = {"window": self.window, "who": self.who, "holding": list(holding), "want": want}
        answer = self.post("/api/turns", message)
        assert answer.status_code == 200, answer.text
        return answer.json()["turns"]

    def key(self) -> str:
        self.keys += 1
        return f"{self.who}-{self.window}-{self.keys:06}"

    def tell(self, id, label=None, *, kind="answer", key=None, **more):
        entry = {"key": key or self.key(), "id": id, "kind": kind, **more}
        if label is not None:
            entry["label"] = label
        answer = self.post("/api/answers", {"who": self.who, "entries": [entry]})
        assert answer.status_code == 200, answer.text
        return answer.json()["outcome"][entry["key"]]

    def label(self, count) -> list[str]:
        """Answer what comes, truly."""
        done: list[str] = []
        while len(done) < count:
            for turn in self.turns(min(4, count - len(done))):
                assert self.tell(turn["id"], truth(turn["id"]), hash=turn["hash"], seconds=1.5) is None
                done.append(turn["id"])
        return done


@pytest.fixture
def visitor(project) -> Iterator[Page]:
    yield Page(project)


def written(file: Path) -> dict:
    return json.loads(file.read_text())

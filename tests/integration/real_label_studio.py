"""The whole way through a real Label Studio: `make test-label-studio` runs this, `make test` does not.

Starts the server on an empty SQLite file, asks, pushes, annotates as a person would, pulls, compares; then
connects the ML backend, and sees that the next task follows our scores, that an annotation arrives by itself,
and that the button trains. Then the same with boxes, in a second project. Stops everything at the end. Exits
1 with a traceback when something is not so.
"""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
import PIL.Image

from ncenet.boxes import Boxes, Detections
from ncenet.label_studio.annotations import label_of
from ncenet.label_studio.tasks import boxes_result, our_control
from ncenet.ledger import Ledger

CLASSES = ("dark", 'a "light" <one>')
MAIL, LEGACY = "ann@example.org", "0123456789abcdef0123456789abcdef01234567"
QUICK = ("--epochs", "2", "--min-steps", "20", "--batch-size", "4", "--backbone", "mlp")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def write_photos(folder: Path, count: int = 16) -> None:
    """Dark and light noise under odd names, in two folders."""
    rng = np.random.default_rng(0)
    for n in range(count):
        file = folder / ("sub dir" if n % 3 else "é, 'x'") / f"photo {n:02}%.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 90, (12, 16, 3)) + (150 if n % 2 else 0)
        PIL.Image.fromarray(pixels.astype(np.uint8)).save(file)


def truth(id: str) -> str:
    return CLASSES[int(re.search(r"(\d+)%", id)[1]) % 2]


class Studio:
    """The server's own interface, as its page uses it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: object = None):
        headers = {"Authorization": f"Token {LEGACY}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error

    def tasks(self, project: int):
        return self.call("GET", f"/api/tasks/?project={project}&page_size=100&fields=all")["tasks"]

    def annotate(self, task: int, *classes: str, cancelled: bool = False) -> None:
        chosen = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": classes}}
        body = {"result": [chosen] if classes else [], "was_cancelled": cancelled}
        self.call("POST", f"/api/tasks/{task}/annotations/", body)

    def version(self, project: int) -> str:
        return str(self.call("GET", f"/api/projects/{project}/")["model_version"])

    def draw(self, task: int, boxes: Boxes, width: int, height: int) -> None:
        found = Detections("", boxes.boxes, boxes.labels, (1.0,) * len(boxes))
        result = boxes_result(found, (width, height), our_control((), "detection"))
        self.call("POST", f"/api/tasks/{task}/annotations/", {"result": result})

    def next_task(self, project: int):
        return self.call("GET", f"/api/projects/{project}/next")


@contextmanager
def process(*words: object, log: Path, **environment: str):
    """A program that runs while the block does."""
    with log.open("w") as text:
        started = subprocess.Popen(
            [str(word) for word in words], stdout=text, stderr=subprocess.STDOUT, env=os.environ | environment
        )
    try:
        yield started
    except BaseException:
        print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
        raise
    finally:
        started.terminate()
        started.wait(30)


# Generous: the first start makes a hundred tables, and a machine may have other things to do.
def wait(what: str, reached, seconds: float = 900) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if reached():
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"waited {seconds:.0f} seconds for {what}")


def ncenet(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ncenet", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"ncenet {words}: {done.stderr}"
    return done.stdout


def standing(run: Path) -> dict[str, tuple]:
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        return {event.id: (event.kind, event.label, event.who) for event in ledger.answers()}


@contextmanager
def connected(studio: Studio, project: int, run: Path, folder: Path):
    """The ML backend of a run with one model, and a project that follows it; the backend's number there."""
    port, log = free_port(), folder / f"backend-{project}.log"
    command = (sys.executable, "-u", "-m", "ncenet", "serve", run, "--label-studio")
    command += ("--port", port, "--url", studio.url)
    with process(*command, log=log):
        wait("the backend's address", lambda: "Address for Label Studio" in log.read_text())
        address = re.search(r"http://\S+", log.read_text())[0]
        wait("the backend", lambda: urllib.request.urlopen(f"{address}/health", timeout=5).status == 200)
        backend = studio.call("POST", "/api/ml/", {"project": project, "url": address, "title": "ncenet"})
        assert (backend["readable_state"], backend["model_version"]) == ("Connected", "cycle 1"), backend
        wait("the project to follow the model", lambda: studio.version(project) == "cycle 1")
        yield backend["id"]


def there_and_back(studio: Studio, folder: Path) -> Path:
    """Ask, push, annotate, pull, compare."""
    run, query = folder / "run", folder / "query.csv"
    ncenet(
        "ask",
        run,
        "--data",
        folder / "photos",
        "--classes",
        ",".join(CLASSES),
        "-n",
        6,
        *QUICK,
        "--out",
        query,
    )
    asked = [row["id"] for row in csv.DictReader(query.open())]
    print(ncenet("label-studio", "push", run, "--url", studio.url))
    assert "0 images are tasks of project 1 now, 6 were" in ncenet(
        "label-studio", "push", run, "--url", studio.url
    )
    tasks = {task["data"]["ncenet_id"]: task for task in studio.tasks(1)}
    assert set(tasks) == set(asked)
    for id, task in tasks.items():  # what the person sees is the image
        headers = {"Authorization": f"Token {LEGACY}"}
        request = urllib.request.Request(studio.url + task["data"]["image"], headers=headers)
        with urllib.request.urlopen(request, timeout=60) as shown:
            assert shown.read() == (folder / "photos" / id).read_bytes()
    expected = {}
    for place, id in enumerate(asked):
        assert studio.next_task(1)["data"]["ncenet_id"] == id, "the next task is the next of the query"
        if place == 5:
            studio.annotate(tasks[id]["id"], cancelled=True)
            expected[id] = ("skip", None, MAIL)
        else:
            studio.annotate(tasks[id]["id"], truth(id))
            expected[id] = ("answer", truth(id), MAIL)
    assert "6  new" in ncenet("label-studio", "pull", run, "--url", studio.url, "--dry-run")
    assert standing(run) == {}
    print(ncenet("label-studio", "pull", run, "--url", studio.url))
    assert standing(run) == expected
    assert "0 answers recorded" in ncenet("label-studio", "pull", run, "--url", studio.url)
    return run


def follow_the_scores(studio: Studio, run: Path, folder: Path) -> None:
    """Connect the ML backend: predictions, next task, an annotation that arrives, training."""
    query = folder / "second.csv"
    ncenet("ask", run, "-n", 4, "--out", query)
    print(ncenet("label-studio", "push", run, "--url", studio.url, "--all"))
    first = next(csv.DictReader(query.open()))["id"]
    assert studio.next_task(1)["data"]["ncenet_id"] == first

    with connected(studio, 1, run, folder) as backend:
        scores = {}
        for task in studio.tasks(1):
            (prediction,) = (each for each in task["predictions"] if each["model_version"] == "cycle 1")
            assert prediction["result"][0]["value"]["choices"][0] in CLASSES
            if not task["annotations"]:
                scores[task["data"]["ncenet_id"]] = prediction["score"]
        assert studio.next_task(1)["data"]["ncenet_id"] == min(scores, key=scores.get) == first
        print(f"next task: {first}, the most informative of {len(scores)}")

        task = next(task for task in studio.tasks(1) if task["data"]["ncenet_id"] == first)
        studio.annotate(task["id"], truth(first))
        wait("the annotation to arrive", lambda: first in standing(run), 120)
        assert standing(run)[first] == ("answer", truth(first), MAIL)
        assert "0 answers recorded" in ncenet("label-studio", "pull", run, "--url", studio.url)

        studio.call("POST", f"/api/ml/{backend}/train", {})
        wait("the training, and the project to follow it", lambda: studio.version(1) == "cycle 2")
        print("trained; the project follows cycle 2")


def with_boxes(studio: Studio, folder: Path) -> None:
    """The same for objects: boxes go there and come back, and a detector's go there as suggestions."""
    photos, run, query, side = folder / "scenes", folder / "boxes", folder / "boxes.csv", 64
    photos.mkdir()
    rng, drawn = np.random.default_rng(1), {}
    for n in range(12):
        pixels, (x, y) = rng.integers(0, 90, (side, side, 3)), rng.integers(0, side - 20, 2).tolist()
        pixels[y : y + 20, x : x + 20] += 150 if n % 2 else 60
        PIL.Image.fromarray(pixels.astype(np.uint8)).save(photos / f"scene {n}.png")
        drawn[f"scene {n}.png"] = Boxes(((x, y, x + 20, y + 20),), (CLASSES[n % 2],))
    begin = ("--task", "detection", "--data", photos, "--classes", ",".join(CLASSES))
    ncenet("ask", run, *begin, "-n", 6, *QUICK[:-2], "--out", query)
    print(ncenet("label-studio", "push", run, "--url", studio.url))
    for task in studio.tasks(2):
        studio.draw(task["id"], drawn[task["data"]["ncenet_id"]], side, side)
    print(ncenet("label-studio", "pull", run, "--url", studio.url))
    answers = standing(run)
    assert set(answers) == {row["id"] for row in csv.DictReader(query.open())}
    for id, (_, label, _) in answers.items():
        back = Boxes.from_label(label)
        assert back.labels == drawn[id].labels
        np.testing.assert_allclose(back.boxes, drawn[id].boxes, atol=1e-6)
    ncenet("ask", run, "-n", 4, "--out", query)
    ncenet("label-studio", "push", run, "--url", studio.url, "--all")
    with connected(studio, 2, run, folder):
        scores, found = {}, 0
        for task in studio.tasks(2):
            (prediction,) = (each for each in task["predictions"] if each["model_version"] == "cycle 1")
            found += len(Boxes.from_label(label_of(prediction["result"], "detection")))
            if not task["annotations"]:
                scores[task["data"]["ncenet_id"]] = prediction["score"]
        assert studio.next_task(2)["data"]["ncenet_id"] == min(scores, key=scores.get)
        assert found >= len(drawn), "a box an image at least"
        print(f"{found} boxes suggested; next task: the most informative of {len(scores)}")


def main(program: str) -> None:
    port = free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_photos(folder / "photos")
        studio = Studio(f"http://127.0.0.1:{port}")
        environment = {
            "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "label-studio"),
            "SSRF_PROTECTION_ENABLED": "false",  # the backend is on this machine
            "ML_BLOCK_LOCAL_IP": "false",
            "COLLECT_ANALYTICS": "false",
        }
        start = (program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", port,
                 "--username", MAIL, "--password", "only-for-this-test", "--user-token", LEGACY,
                 "--enable-legacy-api-token")  # fmt: skip
        stack.enter_context(process(*start, log=folder / "label-studio.log", **environment))
        print(f"starting Label Studio at {studio.url}")
        wait("Label Studio", lambda: urllib.request.urlopen(f"{studio.url}/health", timeout=5).status == 200)
        # The token that its page offers today; the test itself uses the older kind beside it.
        os.environ["LABEL_STUDIO_API_KEY"] = studio.call("POST", "/api/token/", {})["token"]
        run = there_and_back(studio, folder)
        follow_the_scores(studio, run, folder)
        with_boxes(studio, folder)
    print("all as it should be")


if __name__ == "__main__":
    main(sys.argv[1])

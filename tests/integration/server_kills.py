"""Kill a server while answers come in, send again what was not acknowledged, and look up what is there."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import httpx

from ncenet.doors import connections
from ncenet.doors.names import Names
from ncenet.label_studio.app import make_app
from ncenet.label_studio.backend import Backend
from ncenet.ledger import Ledger
from ncenet.run.opening import open_run
from ncenet.web import project as page
from ncenet.web.serve import open_project, serve
from tests.integration.forks import ended, forked
from tests.labels.make import new_run, photos
from tests.web.conftest import IdleTrainer

SECRET = "a-secret-of-these-tests"


def serving(run: Path, recipe: Any, tell: int) -> None:
    """A labelling page whose address goes through a pipe; its model never trains."""
    page.Trainer = IdleTrainer
    project = open_project(recipe, run, you="ann")
    serve(project, host="127.0.0.1", port=0, ready=lambda at: os.write(tell, f"{at.url}\n".encode()) and None)


def page_kills(folder: Path, count: int, moments: random.Random) -> dict[str, Any]:
    """Answer at a page until its server is killed, send again what was not acknowledged, and look it up."""
    data = photos(folder / "photos-of-page", tuple(f"{n:03}.jpg" for n in range(120)))
    with new_run(folder / "page", data) as begun:
        recipe, ids = begun.recipe, [item.id for item in begun.ledger.items()]
    sent: dict[str, dict[str, str]] = {}
    acknowledged: set[str] = set()
    killed = 0
    for _ in range(count):
        hear, tell = os.pipe()
        child = forked(lambda tell=tell: serving(folder / "page", recipe, tell))
        os.close(tell)
        with os.fdopen(hear) as pipe:
            address = pipe.readline().strip()
        url, _, token = address.partition("/?token=")
        url, token = (url, token) if token else address.split("/#", 1)
        headers = {"origin": url, "authorization": f"Bearer {token.rpartition('=')[2]}"}
        deadline = time.perf_counter() + moments.uniform(0, 0.5)
        with httpx.Client(base_url=url, headers=headers, timeout=5, trust_env=False) as client:
            while time.perf_counter() < deadline or not sent:
                waiting = [entry for key, entry in sent.items() if key not in acknowledged]
                number = len(sent)
                entry = {"key": f"answer-{number:06}", "id": ids[number % len(ids)], "kind": "answer"}
                sent[entry["key"]] = entry | {"label": "ant" if number % 2 else "bee"}
                entries = [*waiting, sent[entry["key"]]]
                if time.perf_counter() > deadline - 0.02:  # the kill falls into this request, or soon after
                    os.kill(child, signal.SIGKILL)
                try:
                    answer = client.post("/api/answers", json={"who": "ann", "entries": entries})
                    assert answer.status_code == 200, answer.text
                except httpx.HTTPError:
                    break
                acknowledged |= {key for key, why in answer.json()["outcome"].items() if why is None}
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
    with Ledger(folder / "page" / "ledger.sqlite", read_only=True) as ledger:
        dump = ledger.dump()
    receipts = [key for key, _ in dump["receipts"]]
    return {
        "kills": count,
        "killed": killed,
        "acknowledged": len(acknowledged),
        "lost": sorted(acknowledged - set(receipts)),
        "doubled": len(dump["events"]) - len({seq for _, seq in dump["receipts"] if seq is not None}),
        "unknown": sorted(set(receipts) - set(sent)),
        "events": len(dump["events"]),
    }


def annotation(number: int, image: str, label: str) -> dict[str, Any]:
    """What Label Studio sends of one annotation."""
    chosen = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    about = {"id": number, "result": [chosen], "was_cancelled": False, "completed_by": 7}
    task = {"id": number, "data": {"ncenet_id": image}, "project": 1}
    return {"action": "ANNOTATION_CREATED", "task": task, "annotation": about}


def backing(run: Path, tell: int) -> None:
    """A backend of Label Studio whose address goes through a pipe."""
    with open_run(run) as opened:
        app = make_app(Backend(opened), SECRET, Names.of("127.0.0.1", ()))
        door = connections.bind("127.0.0.1", 0, "ncenet serve")
        port = door.getsockname()[1]
        os.write(tell, f"http://127.0.0.1:{port}\n".encode())
        connections.run(app, door)


def backend_kills(folder: Path, count: int, moments: random.Random) -> dict[str, Any]:
    """Send annotations until the backend is killed; those without an answer are sent to the next one."""
    data = photos(folder / "photos-of-backend", tuple(f"{n:03}.jpg" for n in range(400)))
    with new_run(folder / "backend", data) as begun:
        ids = [item.id for item in begun.ledger.items()]
    sent: dict[int, dict[str, Any]] = {}
    acknowledged: set[int] = set()
    killed = 0
    for _ in range(count):
        hear, tell = os.pipe()
        child = forked(lambda tell=tell: backing(folder / "backend", tell))
        os.close(tell)
        with os.fdopen(hear) as pipe:
            url = pipe.readline().strip()
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            assert client.get(f"/{SECRET}/health").status_code == 200
            deadline = time.perf_counter() + moments.uniform(0, 0.5)
            while time.perf_counter() < deadline or not sent:
                waiting = [number for number in sent if number not in acknowledged]
                number = waiting[0] if waiting else len(sent)
                if number >= len(ids):
                    break
                sent.setdefault(number, annotation(number, ids[number], "ant" if number % 2 else "bee"))
                if time.perf_counter() > deadline - 0.02:  # the kill falls into this request, or soon after
                    os.kill(child, signal.SIGKILL)
                try:
                    answer = client.post(f"/{SECRET}/webhook", json=sent[number])
                    assert answer.status_code == 200, answer.text
                except httpx.HTTPError:
                    break
                acknowledged.add(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
    with Ledger(folder / "backend" / "ledger.sqlite", read_only=True) as ledger:
        events = [(event.id, event.label) for event in ledger.events()]
    wanted = {(ids[number], "ant" if number % 2 else "bee") for number in acknowledged}
    return {
        "kills": count,
        "killed": killed,
        "acknowledged": len(acknowledged),
        "lost": sorted(wanted - set(events)),
        "doubled": len(events) - len(set(events)),
        "unknown": sorted({id for id, _ in events} - {ids[number] for number in sent}),
        "events": len(events),
    }

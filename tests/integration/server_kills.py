"""Kill a server while answers come in, send again what was not acknowledged, and look up what is there."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from ncenet.doors import connections
from ncenet.doors.names import Names
from ncenet.label_studio.app import make_app
from ncenet.label_studio.backend import MlBackend
from ncenet.ledger import Ledger
from ncenet.run.opening import open_run
from ncenet.web.serve import open_project, serve
from tests.integration.forks import ended, forked
from tests.labels.make import new_run, photos
from tests.web.conftest import IdleTrainer

SECRET = "a-secret-of-these-tests"


def serving(run: Path, recipe: Any, tell: int) -> None:
    """A labelling page whose address goes through a pipe; its model never trains."""
    project = open_project(recipe, run, you="ann", trains=IdleTrainer)
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
        wait = moments.uniform(0.03, 0.5)
        deadline = time.perf_counter() + wait
        with httpx.Client(base_url=url, headers=headers, timeout=5, trust_env=False) as client:
            while time.perf_counter() < deadline or not sent:
                if not acknowledged:  # a machine that is busy may take longer than that to its first answer
                    deadline = time.perf_counter() + wait
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


def opened_page(run: Path, recipe: Any) -> tuple[int, httpx.Client]:
    """A page in a process of its own, and somebody who may ask it."""
    hear, tell = os.pipe()
    child = forked(lambda: serving(run, recipe, tell))
    os.close(tell)
    with os.fdopen(hear) as pipe:
        address = pipe.readline().strip()
    url, _, token = address.replace("/?", "/#").partition("/#")
    headers = {"origin": url, "authorization": f"Bearer {token.rpartition('=')[2]}"}
    return child, httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False)


WHOLE = {
    "rename": ("/api/classes/change", {"who": "ann", "kind": "rename", "name": "bee", "into": "wasp"}),
    "merge": ("/api/classes/change", {"who": "ann", "kind": "merge", "name": "bee", "into": "ant"}),
    "delete": ("/api/classes/change", {"who": "ann", "kind": "delete", "name": "bee"}),
    "group": ("/api/answers", {"who": "ann", "entries": "those of a group"}),
}
"""What a page asks at once of many images."""


def whole_kills(folder: Path, count: int, moments: random.Random) -> dict[str, dict[str, Any]]:
    """Kill a page while it changes a class, or takes the answers of a group: all is there, or nothing."""
    ids = tuple(f"{n:03}.jpg" for n in range(150))
    data = photos(folder / "photos-of-whole", ids)
    with new_run(folder / "whole", data, ("ant", "bee", "fly")) as begun:
        recipe = begun.recipe
        begun.tell({id: ("bee", "bee", "fly")[n % 3] for n, id in enumerate(ids[:100])}, who="ann")
    return {name: _whole(folder, name, recipe, ids[100:], count, moments) for name in WHOLE}


def _whole(
    folder: Path, name: str, recipe: Any, fresh: tuple[str, ...], count: int, moments: random.Random
) -> dict[str, Any]:
    path, message = WHOLE[name]
    if name == "group":
        entries = [
            {"key": f"of-group-{n}", "id": id, "kind": "answer", "label": "ant"} for n, id in enumerate(fresh)
        ]
        message = {"who": "ann", "entries": entries}

    def standing(run: Path) -> dict[str, int]:
        with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
            return dict(Counter(label for _, label in ledger.labeled()))

    def asked(run: Path, after: float | None) -> tuple[bool, bool]:
        """Whether it was killed, and whether it had acknowledged."""
        child, client = opened_page(run, recipe)
        stop = None if after is None else threading.Timer(after, os.kill, (child, signal.SIGKILL))
        with client:
            client.get("/api/state")
            if stop is not None:
                stop.start()
            try:
                said = (answer := client.post(path, json=message)).status_code
                assert said == 200, answer.text
            except httpx.HTTPError:
                said = 0
        if stop is not None:
            stop.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        ended(child)
        return said == 0, said == 200

    before = standing(folder / "whole")
    timed = shutil.copytree(folder / "whole", folder / f"timed-{name}")
    start = time.perf_counter()
    assert asked(timed, None)[1]
    duration, everything = time.perf_counter() - start, standing(timed)
    assert before != everything
    killed, complete, wrong = 0, 0, []
    for number in range(count):
        run = shutil.copytree(folder / "whole", folder / f"{name}-{number}")
        cut, acknowledged = asked(run, moments.uniform(0, min(duration, 0.1)))
        found = standing(run)
        killed += cut
        complete += found == everything
        if found not in (before, everything):
            wrong.append(f"{number}: half of it, {found}")
        if acknowledged and found != everything:
            wrong.append(f"{number}: acknowledged, and not there")
        if found == before:
            asked(run, None)
        if standing(run) != everything:
            wrong.append(f"{number}: the same again leaves something else")
        shutil.rmtree(run)
    return {"kills": count, "killed": killed, "complete": complete, "wrong": wrong}


def annotation(number: int, image: str, label: str) -> dict[str, Any]:
    """What Label Studio sends of one annotation."""
    chosen = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    about = {"id": number, "result": [chosen], "was_cancelled": False, "completed_by": 7}
    task = {"id": number, "data": {"ncenet_id": image}, "project": 1}
    return {"action": "ANNOTATION_CREATED", "task": task, "annotation": about}


def backing(run: Path, tell: int) -> None:
    """A backend of Label Studio whose address goes through a pipe."""
    with open_run(run) as opened:
        app = make_app(MlBackend(opened), SECRET, Names.of("127.0.0.1", ()))
        door = connections.bind("127.0.0.1", 0, "ncenet serve")
        port = door.getsockname()[1]
        os.write(tell, f"http://127.0.0.1:{port}\n".encode())
        connections.serve_app(app, door)


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
            wait = moments.uniform(0.03, 0.5)
            deadline = time.perf_counter() + wait
            while time.perf_counter() < deadline or not sent:
                if not acknowledged:
                    deadline = time.perf_counter() + wait
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

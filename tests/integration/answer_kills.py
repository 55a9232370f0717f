"""Kill whatever writes answers or files at random moments; run as a program, prints one JSON record.

    python -m tests.integration.answer_kills FOLDER KILLS

Every command runs in a process of its own, which is killed with SIGKILL between its start and its end. What
it promises is then looked up on the disk, and the same command is run again to its end. Modules are imported
once and every process is a fork, so that kills fall into the work and not into the start of Python.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import torch

from ncenet.cli import main as ncenet
from ncenet.ledger import Ledger
from ncenet.web import project as page
from ncenet.web.serve import open_project, serve
from tests.labels.make import new_run, photos
from tests.web.conftest import IdleTrainer

torch.set_num_threads(1)

IDS = tuple(f"{n:02}.jpg" for n in range(30))
BEFORE, OLDER, FRESH = IDS[:20], IDS[:10], IDS[20:]
TINY = ("--initial", "8", "--on-bad-image", "skip")


def forked(work: Callable[[], object]) -> int:
    """Process number of a fork that does the work, silently."""
    child = os.fork()
    if child == 0:
        try:
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                work()
        except BaseException as error:  # noqa: BLE001 - a fork must not return into its parent's loop
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    """Its exit code; that of a signal is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told(run: Path) -> list[Any]:
    """All that annotators did, without clocks."""
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        return ledger.dump()["events"]


def tree(place: Path) -> dict[str, bytes] | None:
    """What a file or folder holds; None when it is not there."""
    if not place.exists():
        return None
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return {str(file.relative_to(place)): file.read_bytes() for file in files}


class Command:
    """A command line in a folder, and where in it what it writes is to be seen.

    Args:
        folder: as it is before the command; copied for each kill.
        words: of the command line.
        written: what the command has written in a folder, to be compared.
        once: whether the command refuses to write over what it has written.
    """

    def __init__(self, folder: Path, *words: str, written: Callable[[Path], Any], once: bool = False) -> None:
        self.folder, self.words, self.written, self.once = folder, words, written, once

    def run(self, folder: Path) -> None:
        os.chdir(folder)
        ncenet(list(self.words))

    def kills(self, count: int, moments: random.Random) -> dict[str, Any]:
        """Kill it so often: how many had not ended yet, how often all was there, and what was wrong."""
        whole = self.folder.with_name(f"{self.folder.name}-whole")
        shutil.copytree(self.folder, whole)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.run(whole)  # in this process, which imports what its forks will need
        nothing, everything = self.written(self.folder), self.written(whole)
        assert nothing != everything
        timed = shutil.copytree(self.folder, self.folder.with_name(f"{self.folder.name}-timed"))
        start = time.perf_counter()
        assert ended(forked(lambda: self.run(timed))) == 0
        duration = time.perf_counter() - start
        killed, complete, wrong = 0, 0, []
        for number in range(count):
            run = shutil.copytree(self.folder, self.folder.with_name(f"{self.folder.name}-{number}"))
            child = forked(lambda run=run: self.run(run))
            time.sleep(moments.uniform(0, duration))
            os.kill(child, signal.SIGKILL)
            killed += ended(child) == -signal.SIGKILL
            found = self.written(run)
            complete += found == everything
            if found not in (nothing, everything):
                wrong.append(f"{number}: neither all nor nothing")
            if not (self.once and found == everything) and ended(forked(lambda run=run: self.run(run))) != 0:
                wrong.append(f"{number}: the same command again fails")
            if self.written(run) != everything:
                wrong.append(f"{number}: the same command again leaves something else")
            if left := [path.name for path in run.rglob("*.partial") if path.name != "out.partial"]:
                wrong.append(f"{number}: left behind {left}")
            if (run / "out.partial" / "mine").read_text() != "mine":
                wrong.append(f"{number}: what is the user's is gone")
            shutil.rmtree(run)
        return {"kills": count, "killed": killed, "complete": complete, "wrong": wrong}


def prepared(folder: Path) -> Path:
    """A run with answers, two about some images; labels to tell and to import; a folder of the user's."""
    data = photos(folder.parent / "photos", IDS)
    folder.mkdir()
    with new_run(folder / "run", data) as run:
        run.tell(dict.fromkeys(OLDER, "bee"), who="bob")
        run.tell(dict.fromkeys(BEFORE, "ant"), who="ann")
    rows = [*((id, "undo") for id in BEFORE[:7]), *((id, "bee") for id in (*BEFORE[7:12], *FRESH))]
    lines = ["id,label", *(f"{id},{label}" for id, label in rows)]
    (folder / "answers.csv").write_text("\n".join(lines) + "\n")
    labels = [f"{id},bee,{'cleo' if n % 2 else 'dora'}" for n, id in enumerate(FRESH)]
    (folder / "labels.csv").write_text("\n".join(["id,label,who", *labels]) + "\n")
    (folder / "out.partial").mkdir()
    (folder / "out.partial" / "mine").write_text("mine")
    return folder


def commands(folder: Path) -> dict[str, Command]:
    start = prepared(folder / "start")
    places = {
        name: shutil.copytree(start, folder / name) for name in ("tell", "import", "export", "table", "ask")
    }
    shutil.rmtree(places["ask"] / "run")
    asking = ("ask", "run", "--data", str(folder / "photos"), "--classes", "ant,bee", *TINY)

    def of_run(run: Path) -> list[Any]:
        return told(run / "run")

    def table(run: Path) -> dict[str, bytes] | None:
        return tree(run / "out.csv")

    return {
        "tell": Command(places["tell"], "tell", "run", "answers.csv", "--who", "ann", written=of_run),
        "import": Command(places["import"], "import", "run", "labels.csv", written=of_run),
        "export": Command(
            places["export"],
            *("export", "run", "out", "--format", "class-folders"),
            written=lambda run: tree(run / "out"),
            once=True,
        ),
        "export csv": Command(places["table"], "export", "run", "out.csv", written=table),
        "ask": Command(places["ask"], *asking, "--out", "out.csv", written=table),
    }


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


def main(folder: Path, count: int) -> None:
    moments = random.Random(count)
    record = {name: command.kills(count, moments) for name, command in commands(folder).items()}
    record["label"] = page_kills(folder, count, moments)
    print(json.dumps(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

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

import onnx
import torch

from ncenet.cli import main as ncenet
from ncenet.data.pools import FolderPool
from ncenet.doors.annotators import Annotators
from ncenet.label_studio.tasks import label_config
from ncenet.learners.classifier import Classifier
from ncenet.ledger import Ledger
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import write_fit
from ncenet.run.records import Fit, as_json
from ncenet.types import LabeledSet
from tests.integration.forks import ended, forked
from tests.integration.server_kills import backend_kills, page_kills, whole_kills
from tests.label_studio.fake import TOKEN, FakeLabelStudio, serving
from tests.labels.make import CLASSES, new_run, photos

torch.set_num_threads(1)

IDS = tuple(f"{n:02}.jpg" for n in range(30))
BEFORE, OLDER, FRESH = IDS[:20], IDS[:10], IDS[20:]
GRAPHS = {"export torch": 2, "export onnx": 4}
"""These take seconds, and are killed once for so many kills of another; with few kills, not at all."""
TINY = ("--initial", "8", "--on-bad-image", "skip")


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
        in_steps: whether it goes on where it was killed, so that a part of it may be there.
    """

    def __init__(
        self,
        folder: Path,
        *words: str,
        written: Callable[[Path], Any],
        once: bool = False,
        in_steps: bool = False,
    ) -> None:
        self.folder, self.words, self.written = folder, words, written
        self.once, self.in_steps = once, in_steps

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
            if found not in (nothing, everything) and not self.in_steps:
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


def trained(run: Path, data: Path) -> None:
    """A model, as a run leaves it."""
    learner = Classifier(
        ModelRecipe(backbone="mlp"), TrainRecipe(epochs=1, min_steps=2), DataRecipe(image_size=8), Streams(1)
    )
    said = learner.fit(LabeledSet(IDS[:2], CLASSES, CLASSES), FolderPool(data), cycle=1)
    files = RunFolder(run).cycle(1)
    files.path.mkdir(parents=True)
    learner.save(files.model)
    fit = Fit.of(1, said, labeled=2, seconds=1.0)
    write_fit(files, fit)
    with Ledger(run / "ledger.sqlite") as ledger:
        ledger.start_cycle(ledger.last_seq())
        ledger.finish_fit(1, as_json(fit))


def annotated(tell: int) -> None:
    """A Label Studio in which somebody annotated; its address goes through a pipe."""
    fake = FakeLabelStudio()
    fake.projects[1] = {"id": 1, "model_version": "", "label_config": label_config(CLASSES, "classification")}
    for number, id in enumerate(FRESH, start=1):
        fake.tasks[number] = {"id": number, "data": {"ncenet_id": id}, "annotations": []}
        fake.annotate(id, "bee")
    with serving(fake) as url:
        os.write(tell, f"{url}\n".encode())
        signal.pause()


def opened_graph(file: Path) -> bool | None:
    """Whether a graph is there, whole: it is loaded. Two of one model differ in names made at random."""
    if not file.exists():
        return None
    if file.suffix == ".onnx":
        onnx.checker.check_model(onnx.load(file))
    else:
        torch.export.load(file)
    return True


def commands(folder: Path, url: str) -> dict[str, Command]:
    start = prepared(folder / "start")
    names = ("tell", "import", "pull", "export", "table", "ask", "safetensors", "torch", "onnx")
    names += ("sort", "undo", "score", "select", "annotators", "init", "repair", "report")
    places = {name: shutil.copytree(start, folder / name) for name in names}
    shutil.rmtree(places["ask"] / "run")
    for name in ("safetensors", "torch", "onnx", "sort", "undo", "score", "select", "repair"):
        trained(places[name] / "run", folder / "photos")
    asking = ("ask", "run", "--data", str(folder / "photos"), "--classes", "ant,bee", *TINY)

    def of_run(run: Path) -> list[Any]:
        return told(run / "run")

    def table(run: Path) -> dict[str, bytes] | None:
        return tree(run / "out.csv")

    def images(run: Path) -> list[str]:
        there = tree(run / "out") or {}
        ended = [b'"state": "sorted"' in there.get("sorting.json", b"")] * ("sorting.json" in there)
        return sorted(name for name in there if name.endswith((".jpg", ".csv"))) + list(map(str, ended))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name, words in (
            ("undo", ("sort", "run", "out", "--above", "0")),
            ("select", ("score", "run", str(folder / "photos"), "--out", "scores.csv")),
        ):
            os.chdir(places[name])
            ncenet(list(words))
    model = places["repair"] / "run" / "cycles" / "001" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-9])
    (places["repair"] / "run" / "bad_images.csv").write_bytes(b"\xff")
    choosing = ("select", "scores.csv", "-n", "5", "--by", "confusion", "--out", "out.csv")
    beginning = ("init", str(folder / "photos"), "--classes", "ant,bee", *TINY, "--backbone", "mlp")

    return {
        "sort": Command(
            places["sort"], "sort", "run", "out", "--above", "0", written=images, once=True, in_steps=True
        ),
        "sort --undo": Command(
            places["undo"], "sort", "run", "out", "--undo", written=images, once=True, in_steps=True
        ),
        "score": Command(
            places["score"], "score", "run", str(folder / "photos"), "--out", "out.csv", written=table
        ),
        "select": Command(places["select"], *choosing, written=table),
        "annotators": Command(
            places["annotators"],
            *("annotators", "run", "--add", "eve", "--add", "flo"),
            written=lambda run: [link.name for link in Annotators(run / "run").links()],
            once=True,
        ),
        "init": Command(
            places["init"], *beginning, "--out", "new", written=lambda run: tree(run / "new/recipe.yaml")
        ),
        "repair": Command(
            places["repair"],
            *("repair", "run"),
            written=lambda run: sorted(name for name in tree(run / "run") or {} if "." not in name[:1]),
            in_steps=True,
        ),
        "report": Command(
            places["report"],
            *("report", "run", "--out", "out"),
            written=lambda run: tree(run / "out"),
            in_steps=True,
        ),
        "tell": Command(places["tell"], "tell", "run", "answers.csv", "--who", "ann", written=of_run),
        "import": Command(places["import"], "import", "run", "labels.csv", written=of_run),
        "label-studio pull": Command(
            places["pull"], *("label-studio", "pull", "run", "--url", url, "--project", "1"), written=of_run
        ),
        "export": Command(
            places["export"],
            *("export", "run", "out", "--format", "class-folders"),
            written=lambda run: tree(run / "out"),
            once=True,
        ),
        "export csv": Command(places["table"], "export", "run", "out.csv", written=table),
        "ask": Command(places["ask"], *asking, "--out", "out.csv", written=table),
        "export model": Command(
            places["safetensors"],
            *("export", "run", "out", "--model", "safetensors"),
            written=lambda run: tree(run / "out"),
            once=True,
        ),
        "export torch": Command(
            places["torch"],
            *("export", "run", "out.pt2", "--model", "torch"),
            written=lambda run: opened_graph(run / "out.pt2"),
        ),
        "export onnx": Command(
            places["onnx"],
            *("export", "run", "out.onnx", "--model", "onnx"),
            written=lambda run: opened_graph(run / "out.onnx"),
        ),
    }


def main(folder: Path, count: int) -> None:
    moments = random.Random(count)
    os.environ["LABEL_STUDIO_API_KEY"] = TOKEN
    hear, tell = os.pipe()
    server = forked(lambda: annotated(tell))
    try:
        with os.fdopen(hear) as pipe:
            url = pipe.readline().strip()
        record: dict[str, Any] = whole_kills(folder, max(1, count // 2), moments)
        for name, command in commands(folder, url).items():
            if times := count // GRAPHS.get(name, 1):
                record[name] = command.kills(times, moments)
    finally:
        os.kill(server, signal.SIGKILL)
        ended(server)
    record["label"] = page_kills(folder, count, moments)
    record["serve"] = backend_kills(folder, count, moments)
    print(json.dumps(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

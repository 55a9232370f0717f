"""What a person does, from a folder of photos to a model and back: the whole way, in a real browser.

    python benchmarks/walk.py TRAIN.parquet [--test TEST.parquet] [--answers 180] [--out FOLDER]

The labelled images of a Parquet file are written as plain files, in an order that tells nothing of their
classes, with two copies, a cut-off JPEG and an HTML page called .jpg among them. `ncenet init` looks at them,
`ncenet label` serves them, and Chromium, driven by its own automation, answers each image with the key of its
true class, at a person's pace, with a break while a model trains. On the way it skips an image, takes an
answer back, corrects one in the grid, and goes on while the server is killed in the middle of a training,
started again, and the page is loaded anew. Then the ledger is held against what was pressed, the labels leave
in each format and return into runs that have none, and the model leaves as safetensors and ONNX and scores
images that it never saw.

Further flags are those of `ncenet init`, such as `--held-out 20`. Ends with an error where anything was lost,
doubled or changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
from at_page import Person, Server
from playwright.sync_api import sync_playwright

import ncenet
from ncenet.data.open import open_dataset
from ncenet.ledger import Ledger
from ncenet.run.advice import wilson

FORMATS = {
    "csv": "labels.csv",
    "jsonl": "labels.jsonl",
    "parquet": "labels.parquet",
    "class-folders": "sorted",
}


def command(*words: str | Path) -> str:
    """What ``ncenet`` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ncenet", *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"ncenet {' '.join(map(str, words))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def lay_out(source: str, photos: Path, *, most: int | None = None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Write the images, or so many of them, as files; the classes, and the true class of each file."""
    data = open_dataset(source)
    ids = data.pool.ids()
    truth = data.required_oracle().answer(ids)
    photos.mkdir(parents=True)
    named = {}
    for number, row in enumerate(np.random.default_rng(0).permutation(len(ids))[:most].tolist()):
        name = f"IMG_{number:05}.jpg"
        (photos / name).write_bytes(data.pool.read(ids[row]))
        named[name] = truth[ids[row]]
    for name, copy in (("IMG_00003.jpg", "copy of 3.jpg"), ("IMG_00010.jpg", "copy_of_10.jpg")):
        shutil.copy(photos / name, photos / copy)
        named[copy] = named[name]
    (photos / "cut-off.jpg").write_bytes((photos / "IMG_00005.jpg").read_bytes()[:3000])
    (photos / "page.jpg").write_text("<html><body>404 not found</body></html>")
    return data.class_names, named


def label(server: Server, person: Person, answers: int) -> float:
    """Answer so many images, with everything that happens on the way; seconds of the restart."""
    person.look("start")
    person.answer(20)
    skipped = person.press("s", "skip")
    person.answer(9)
    person.slip()
    person.undo()
    person.answer(9)
    slip = person.slip()
    person.answer(3)
    person.correct(slip)
    state = person.state()
    person.answer(state["heldOut"]["size"] + state["batch"]["size"] - len(person.answers))
    person.settled()
    server.kill()
    person.rests = False
    person.answer(3)  # into the browser's storage
    person.look("away")
    again = server.start()
    person.settled()
    person.visit()
    person.rests = True
    while len(person.answers) < answers + 1:
        person.answer(1)
        if len(person.answers) % 25 == 0:
            person.look(f"after-{len(person.answers)}")
    person.settled()
    assert person.answers[skipped] == "skip"
    return again


def check_ledger(run: Path, person: Person) -> str:
    """Hold the ledger against what was pressed."""
    pressed = {id: (None if label == "skip" else label) for id, label in person.answers.items()}
    stands = {id: label for id, (_, _, label, _) in standing(run).items()}
    if stands != pressed:
        raise SystemExit(f"lost or changed: {set(stands.items()) ^ set(pressed.items())}")
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        events = len(ledger.events())
    if events != person.events:
        raise SystemExit(f"{events} events in the ledger, {person.events} key presses")
    return f"{len(pressed)} images, {events} events: what was pressed, nothing lost, nothing double"


def check_page(state: dict[str, Any], person: Person) -> str:
    """Hold the numbers on the page against what was pressed."""
    counts = Counter(person.answers.values())
    skipped = counts.pop("skip")
    shown = {name: count for name, count in state["counts"].items() if count}
    told = (shown, state["skipped"], state["answered"], state["annotators"][0]["answers"])
    if told != (counts, skipped, len(person.answers), len(person.answers)):
        raise SystemExit(f"the page counts {told}; pressed were {person.answers}")
    if person.mistakes:
        raise SystemExit(f"errors on the page: {person.mistakes}")
    return "those of the key presses"


def standing(run: Path) -> dict[str, tuple[str, str, str | None, str]]:
    """Hash, kind, label and annotator of each answer that stands."""
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        answers = ledger.review.latest(100_000)
    return {said.id: (said.hash, said.kind, said.label, said.who) for said in answers}


def round_trip(form: str, photos: Path, run: Path, classes: tuple[str, ...], out: Path) -> str:
    """Export the labels in a format, and import them into a run that has none."""
    expected, fresh, file = standing(run), out / f"back-{form}", out / FORMATS[form]
    command("export", run, file, "--format", form)
    command("init", photos, "--out", fresh, "--classes", ",".join(classes))
    told = command("import", fresh, file, "--format", form, "--dry-run")
    if standing(fresh) or f"{len(expected)}  new" not in told or "nothing was recorded" not in told:
        raise SystemExit(f"{form}: a dry run recorded something, or said otherwise:\n{told}")
    command("import", fresh, file, "--format", form)
    if standing(fresh) != expected:
        raise SystemExit(f"{form}: what came back differs")
    return f"{len(expected)} answers; ids, hashes, labels and annotators equal"


def model(run: Path, test: str, out: Path) -> str:
    """Export the model, score images that it never saw, and hold three ways to read it to one another."""
    command("export", run, out / "model", "--model", "safetensors")
    command("export", run, out / "model.onnx")
    command("score", out / "model", test, "--out", out / "scores.csv")
    with (out / "scores.csv").open(encoding="utf-8") as file:
        predicted = {row["id"]: row["predicted"] for row in csv.DictReader(file)}
    data = open_dataset(test)
    truth = data.required_oracle().answer(data.pool.ids())
    some = list(predicted)[:64]
    loaded = ncenet.load(out / "model").predict([data.pool.read(id) for id in some]).predicted
    session = onnxruntime.InferenceSession(out / "model.onnx")
    about = session.get_modelmeta().custom_metadata_map
    names, eyes = json.loads(about["class_names"]), json.loads(about["ncenet"])["eyes"]
    square = ncenet.parts.Preprocessing(**eyes).of_bytes
    pixels = np.stack([square(data.pool.read(id)) for id in some]).transpose(0, 3, 1, 2)
    (likelihood,) = session.run(["likelihood"], {"pixels": pixels})
    exported = [names[c] for c in likelihood.argmax(1)]
    if not list(loaded) == exported == [predicted[id] for id in some]:
        raise SystemExit("ncenet.load, ONNX Runtime and ncenet score disagree")
    right = sum(truth[id] == label for id, label in predicted.items())
    low, high = wilson(right, len(predicted))
    return f"{right / len(predicted):.1%} ({low:.1%} to {high:.1%})"


def say(what: str, outcome: str) -> None:
    print(f"| {what} | {outcome} |", flush=True)


def walk(arguments: argparse.Namespace, flags: list[str], out: Path) -> None:
    photos, run = out / "photos", out / "run"
    classes, truth = lay_out(arguments.train, photos)
    print(command("init", photos, "--out", run, "--classes", ",".join(classes), *flags))
    print("| what | came out |\n|---|---|")
    server = Server(photos, run, classes)
    first = server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            person = Person(browser, server.url, truth, arguments.pace, arguments.screenshots)
            again = label(server, person, arguments.answers)
            state = person.trained()
            person.why()
            advice = " ".join(person.page.inner_text("#advice").split())
            browser.close()
    finally:
        server.kill()
    say("until the page is served, seconds: at first, and after the kill", f"{first:.1f}, {again:.1f}")
    say("answers in the ledger", check_ledger(run, person))
    say("counts on the page", check_page(state, person))
    say("key to next image, ms: median, longest", f"{median(person.waits):.0f}, {max(person.waits):.0f}")
    say("seconds an answer, median, as the page says", f"{state['annotators'][0]['seconds']:.1f}")
    for name, count in Counter(person.askers).items():
        say(f'answers under "{name}"', f"{count}")
    for point in state["curve"]:
        accuracy = f"{point['accuracy']:.0%} ({point['low']:.0%} to {point['high']:.0%})"
        say(f"model from {point['labeled']} labels, on {point['images']} held-out images", accuracy)
    say("advice", advice)
    command("report", run)
    for form in FORMATS:
        say(f"labels as {form}, and back", round_trip(form, photos, run, classes, out))
    if arguments.test is not None:
        say("the exported model, on images that it never saw", model(run, arguments.test, out))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", help="Parquet file of labelled images, to be labelled once more")
    parser.add_argument("--test", help="another one, to be scored with the model")
    parser.add_argument("--answers", type=int, default=180)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds that each image is looked at")
    parser.add_argument("--out", type=Path, help="folder for everything; kept")
    parser.add_argument("--screenshots", type=Path, help="folder for pictures of the page")
    arguments, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        walk(arguments, flags, arguments.out or Path(folder))


if __name__ == "__main__":
    main()

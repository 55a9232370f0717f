"""The first minutes of a newcomer at the labelling page: what they wait for, and what the model is worth.

    python benchmarks/minutes.py TRAIN.parquet TEST.parquet [--images 2000] [--labels 300] [--pace 1]

A random part of the labelled images is written as plain files, and `ncenet label` serves them as it does
unasked, from an empty cache of features. Chromium, driven by its own automation, answers one image a second,
always by the key of its true class, and never waits for a model. Afterwards the model of each cycle is held
against images of which the run knows nothing.

Further flags are those of `ncenet label`, such as `--strategy margin`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from at_page import Person, Server
from playwright.sync_api import sync_playwright
from walk import lay_out, say

from ncenet.data.open import open_dataset
from ncenet.features.pool import VectorPool
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from ncenet.run.advice import wilson
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_fit

MILESTONES = (25, 50, 100, 150, 200, 300)


class Minutes:
    """What happened when, in seconds since the command was given."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.at: dict[str, tuple[float, int]] = {}

    def note(self, what: str, answers: int) -> None:
        """Keep the first time of something, and how many answers there were by then."""
        self.at.setdefault(what, (time.perf_counter() - self.begun, answers))


def label(person: Person, minutes: Minutes, labels: int) -> dict[str, Any]:
    """Answer until so many images train the model; the state in the end."""
    while True:
        person.answer(1)
        state = person.state()
        if state["batch"]["asked"] is not None:
            minutes.note("first batch chosen", len(person.answers))
        if state["curve"]:
            minutes.note("first model measured", len(person.answers))
        if state["embedding"] is not None:
            minutes.note("images begin to be embedded", len(person.answers))
        elif "images begin to be embedded" in minutes.at:
            minutes.note("all images embedded", len(person.answers))
        if state["labeled"] >= labels:
            return person.trained()


def unseen(recipe: Recipe, run: Path, test: str) -> dict[int, tuple[int, int]]:
    """By labels: how many images that the run never saw a model is right about, and of how many."""
    loop, _ = open_loop(recipe, run, embed=False)
    right = {}
    with loop.ledger:
        data = open_dataset(test)
        ids = list(data.pool.ids())
        truth = data.required_oracle().answer(ids)
        pool = data.pool
        if isinstance(loop.pool, VectorPool):
            pool = VectorPool(data.pool, loop.pool.source)
            pool.embed(ids)
        for cycle in loop.ledger.cycles():
            fit = read_fit(RunFolder(run).cycle(cycle.number))
            if fit is None:
                continue
            found = [
                loop.class_names[best] == truth[id]
                for chunk in loop.model(cycle.number).predict(pool, ids, want=frozenset())
                for id, best in zip(chunk.ids, chunk.probs.argmax(-1).tolist(), strict=True)
            ]
            right[fit.labeled] = sum(found), len(found)
    return right


def measure(arguments: argparse.Namespace, flags: list[str], out: Path) -> None:
    photos, run = out / "photos", out / "run"
    classes, truth = lay_out(arguments.train, photos, most=arguments.images)
    os.environ["XDG_CACHE_HOME"] = str(out / "cache")
    print("| what | came out |\n|---|---|")
    server = Server(photos, run, classes, flags)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        minutes = Minutes()
        server.start()
        try:
            person = Person(browser, server.url, truth, arguments.pace, None)
            minutes.note("first image on screen", 0)
            person.rests = False
            state = label(person, minutes, arguments.labels)
            said = " ".join(person.page.inner_text("#advice").split())
        finally:
            server.kill()
            browser.close()
    for what, (seconds, answers) in minutes.at.items():
        say(f"{what}: seconds since the command was given, answers by then", f"{seconds:.1f}, {answers}")
    say("key to next image, ms: median, longest", f"{median(person.waits):.0f}, {max(person.waits):.0f}")
    for name, count in Counter(person.askers).items():
        say(f'answers under "{name}"', f"{count}")
    curve = state["curve"]
    say("points of the curve", f"{len(curve)}")
    say(
        "the last on the page, on held-out images",
        f"{curve[-1]['accuracy']:.0%} ({curve[-1]['images']} images)",
    )
    say("advice", said)
    right = unseen(Recipe.load(run / "recipe.yaml"), run, arguments.test)
    for labels in MILESTONES:
        if known := [size for size in right if size <= labels]:
            hits, total = right[max(known)]
            low, high = wilson(hits, total)
            of = f"the model at {labels} training labels (of {max(known)}), on {total} unseen images"
            say(of, f"{hits / total:.1%} ({low:.1%} to {high:.1%})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", help="Parquet file of labelled images, to be labelled once more")
    parser.add_argument("test", help="another one, which the run never sees")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--labels", type=int, default=300, help="training labels at which to stop")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds that each image is looked at")
    parser.add_argument("--out", type=Path, help="folder for everything; kept")
    arguments, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, flags, arguments.out or Path(folder))


if __name__ == "__main__":
    main()

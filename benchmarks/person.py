"""Minutes of a scripted person at the page: one image at a time, and alike images at once.

    python benchmarks/person.py TRAIN.parquet TEST.parquet [--seeds 0 1 2] [--ways ...] [--out FILE.csv]
    python benchmarks/person.py --print FILE.csv [--figure FIGURE.svg]

Both files hold labelled images; 2,000 of TRAIN are labelled. A single answer takes 0.9 s and is wrong once in
a hundred times; a group takes 0.5 s and 0.25 s for each image; one that does not belong is overlooked once in
ten times. What was crossed out is labelled as the rest, with another glance at each, where two at least and
most of them are of one class; others come up by themselves. Groups are those of the page, and so are the
answers that it asks for again singly. After fifty labels a model is fitted; no time is charged for that. A
way says from how many labels a class on there are groups, of what, and how many single answers come between.
Accuracy is on images that nobody labels: TEST, and beside it what is left of TRAIN. Rows are written as they
come, and what is there is not computed again. Without files it prints what a model would bring that is always
right.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import ncenet
from ncenet.data.open import open_dataset
from ncenet.features.pool import VectorPool
from ncenet.ledger.inbox import Delivery, Together
from ncenet.loop.opinions import opine
from ncenet.run.alike import LARGEST, checks_due
from ncenet.run.folder import RunFolder
from ncenet.web.due import GROUPED
from ncenet.web.insight import Insight
from ncenet.web.together import EARLY, Parties

SINGLE, TILE, GROUP = 0.9, 0.25, 0.5
SLIP, OVERLOOKED = 0.01, 0.1
MOST = 0.6
"""From such a part of one class on what was crossed out is worth a look as the rest."""
POOL, EVERY, STOP = 2000, 50, 1000
FIELDS = ("way", "seed", "minutes", "labels", "accuracy", "beside", "wrong", "in_groups")


@dataclass(frozen=True)
class Way:
    """How a person labels.

    Attributes:
        singles: up to so many labels a class one by one.
        asked: groups are made of so many images that the model asks for; 0 has the page draw them by chance.
        between: of those images so many are answered by themselves after each model.
    """

    singles: int
    asked: int = 0
    between: int = 0


WAYS = {
    "one by one": Way(STOP),
    "groups by chance": Way(0),
    "one by one, then groups by chance": Way(EARLY),
    "groups of what is asked for": Way(0, GROUPED, 10),
}


class Person:
    """Answers, and counts seconds."""

    def __init__(self, run, truth, seed):
        self.run, self.truth, self.random = run, truth, np.random.default_rng(seed)
        self.seconds, self.labels, self.in_groups, self.parties = 0.0, {}, 0, 0

    def other(self, label):
        names = [name for name in self.run.class_names if name != label]
        return names[self.random.integers(len(names))]

    def single(self, id, key=None):
        true = self.truth[id]
        self.seconds += SINGLE
        self.labels[id] = self.other(true) if self.random.random() < SLIP else true
        answer = Delivery(key or f"single-{id}", "person", id, self.labels[id])
        self.run._loop.ledger.inbox.deliver([answer], cycle=0)

    def group(self, group):
        ids, label = [image["id"] for image in group["images"]], group["label"]
        self.seconds += GROUP + TILE * len(ids)
        kept = [id for id in ids if self.truth[id] == label or self.random.random() < OVERLOOKED]
        self.give(kept, label, len(ids), group["purity"])
        rest = [id for id in ids if id not in kept]
        (most, count), *_ = Counter(self.truth[id] for id in rest).most_common(1) or [("", 0)]
        if count >= 2 and count >= MOST * len(rest):
            self.seconds += GROUP + TILE * len(rest)
            same = [id for id in rest if self.truth[id] == most or self.random.random() < OVERLOOKED]
            self.give(same, most, len(rest), count / len(rest))
        for id in rest:
            if id not in self.labels:
                self.single(id)

    def again(self):
        """Answer once more what the page asks for."""
        for second in self.run._loop.ledger.again.waiting():
            self.single(second.id, key=f"again-{second.number}")

    def give(self, ids, label, shown, purity):
        if not ids:
            return
        self.parties += 1
        how = Together(f"party-{self.parties}", shown, len(ids), purity)
        given = [Delivery(f"{self.parties}-{id}", "person", id, label, together=how) for id in ids]
        self.run._loop.ledger.inbox.deliver(given, cycle=1)
        self.labels |= dict.fromkeys(ids, label)
        self.in_groups += len(ids)


class Unseen:
    """Images that nobody labels, and how many of them a model names right."""

    def __init__(self, data, source):
        self.pool, self.ids = VectorPool(data.pool, source), list(data.pool.ids())
        self.truth, self.names = data.required_oracle().answer(self.ids), data.class_names

    def right(self, model):
        chunks = model.predict(self.pool, self.ids, want=frozenset({"probs"}))
        said = np.concatenate([chunk.probs.numpy().argmax(1) for chunk in chunks])
        return float(np.mean([self.names[c] == self.truth[id] for c, id in zip(said, self.ids, strict=True)]))


def curve(train, test, seed, way):
    """Rows of minutes, labels, accuracy on TEST and the rest of TRAIN, wrong labels, labels from groups."""
    data, unseen = open_dataset(train), open_dataset(test)
    every = np.random.default_rng(seed).permutation(list(data.pool.ids())).tolist()
    ids, rest = sorted(every[:POOL]), sorted(every[POOL:])
    pool, truth = data.subset(ids).pool, data.required_oracle().answer(ids)
    recipe = {"model.features": "lite0", "loop.held_out": 50, "loop.first": "typical", "loop.seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        run = ncenet.open(folder, pool=pool, classes=data.class_names, recipe=recipe)
        with run:
            person = Person(run, truth, seed)
            asides = [data.subset(rest)] if rest else []
            sets = [Unseen(each, run._loop.pool.source) for each in (unseen, *asides)]
            for count in (50, max(25, len(data.class_names))):
                for id in run.ask(count).ids:
                    person.single(id)
            while len(person.labels) < min(STOP, len(ids)):
                cycle, before = run.fit(), len(person.labels)
                model = run._loop.model(cycle)
                wrong = np.mean([label != truth[id] for id, label in person.labels.items()])
                right, beside, *_ = [*(each.right(model) for each in sets), float("nan")]
                row = person.seconds / 60, before, right, beside, float(wrong), person.in_groups
                print(*(f"{value:.3f}" for value in row), flush=True)
                yield row
                if before >= way.singles * len(data.class_names):
                    asked = run.ask(way.asked).ids if way.asked else ()
                    opine(run._loop, cycle)
                    ledger = run._loop.ledger
                    parties = Parties(Insight(RunFolder(run._loop.folder.path), ledger), ledger)
                    most = EVERY - way.between
                    while len(person.labels) - before < most and (group := parties.give("window", ())):
                        person.group(group)
                        parties.check()
                    person.again()
                    person.seconds += GROUP if way.asked else 0.0  # the page asks whether to go on
                    for id in [id for id in asked if id not in person.labels][: way.between]:
                        person.single(id)
                if len(person.labels) == before:
                    for id in run.ask(EVERY).ids:
                        person.single(id)


def smooth(rows):
    """Minutes, and mean accuracy of a model and those before and after it: one alone is mostly chance."""
    right = [row[2] for row in rows]
    return [(row[0], np.mean(right[max(0, n - 1) : n + 2])) for n, row in enumerate(rows)]


def reaches(rows, goal):
    """Minutes until an accuracy is reached; nan when it never is."""
    return next((minutes for minutes, right in smooth(rows) if right >= goal), float("nan"))


def at(rows, minutes, column):
    """What a column holds after so many minutes; nan past the end."""
    times = [row[0] for row in rows]
    return float(np.interp(minutes, times, [row[column] for row in rows], right=float("nan")))


def pace(rows, count):
    """Images a minute up to so many labels."""
    last = next((row for row in rows if row[1] >= count), rows[-1])
    return last[1] / last[0]


def bound(labels, singles):
    """Images a minute, and those of one by one, if a model were always right: nothing is ever crossed out.

    >>> [round(each, 1) for each in bound(1000, 75)]
    [178.7, 66.7]
    """
    together = labels - singles
    groups = -(-together // LARGEST)
    seconds = (singles + checks_due(together)) * SINGLE + together * TILE + groups * GROUP
    return 60 * labels / seconds, 60 / SINGLE


def bounds():
    """Print them."""
    print("labels, of them one by one: images a minute at most, times one by one")
    for labels, singles in ((500, 75), (1000, 75), (1000, 200), (2000, 75), (10_000, 75)):
        fast, slow = bound(labels, singles)
        print(f"{labels}, {singles}: {fast:.0f}, {fast / slow:.2f}")


def read(file):
    """Rows by way and seed."""
    found = {}
    if file is not None and file.exists():
        with file.open(newline="") as opened:
            for row in csv.DictReader(opened):
                values = tuple(float(row[name]) if row[name] else float("nan") for name in FIELDS[2:])
                found.setdefault(row["way"], {}).setdefault(int(row["seed"]), []).append(values)
    return found


def measure(train, test, seeds, ways, out):
    """Write the rows of what is not there yet."""
    done = read(out)
    with out.open("a", newline="") as file:
        writer = csv.writer(file)
        if not done:
            writer.writerow(FIELDS)
        for seed in seeds:
            for way in ways:
                if seed in done.get(way, {}):
                    continue
                rows = list(curve(train, test, seed, WAYS[way]))
                writer.writerows((way, seed, *(round(value, 5) for value in row)) for row in rows)
                file.flush()


def tell(found):
    """What the ways come to, beside one by one: means and ranges over seeds."""
    one = found["one by one"]
    for way, runs in found.items():
        runs = {seed: rows for seed, rows in runs.items() if seed in one}
        print(f"\n{way}, {len(runs)} seeds\nminutes: labels, right on TEST, right on the rest of TRAIN")
        for minutes in (2, 3, 4, 5, 6, 7, 10, 14):
            each = np.array([[at(rows, minutes, c) for c in (1, 2, 3)] for rows in runs.values()])
            if not np.isnan(each[:, 1]).any():
                mean, low, high = each.mean(0), each.min(0), each.max(0)
                test, rest = (f"{mean[c]:.1%} ({low[c]:.0%} to {high[c]:.0%})" for c in (1, 2))
                print(f"{minutes}: {mean[0]:.0f}, {test}, {rest}")
        for count in (500, STOP):
            fast, slow = (np.mean([pace(each[seed], count) for seed in runs]) for each in (runs, one))
            print(f"images a minute to {count}: {fast:.0f}, {fast / slow:.2f} times one by one")
        print(f"wrong labels at the end: {np.mean([rows[-1][4] for rows in runs.values()]):.2%}")
        for goal in (0.8, 0.825, 0.85):
            each = [(reaches(rows, goal), reaches(one[seed], goal)) for seed, rows in runs.items()]
            print(f"minutes to {goal:.1%}: " + "; ".join(f"{a:.1f} for {b:.1f}" for a, b in each))


def draw(found, file):
    """Labels over minutes and accuracy over minutes: a line for each way and seed."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for (way, runs), colour in zip(found.items(), ("#777777", "#0072b2", "#d55e00"), strict=False):
        for n, rows in enumerate(runs.values()):
            minutes, labels, accuracy, *_ = zip(*rows, strict=True)
            label = way if n == 0 else None
            panels[0].plot(minutes, labels, color=colour, linewidth=1.3, label=label)
            panels[1].plot(minutes, [100 * a for a in accuracy], color=colour, linewidth=1.3)
    panels[0].set(xlabel="minutes", ylabel="labels")
    panels[1].set(xlabel="minutes", ylabel="right on unseen images, %")
    panels[0].legend(frameon=False)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(file)


def main():
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="*", help="TRAIN and TEST")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--out", type=Path, help="CSV of rows")
    parser.add_argument("--print", type=Path, dest="shown", help="print such a file")
    parser.add_argument("--figure", type=Path)
    said = parser.parse_args()
    torch.set_num_threads(1)
    if said.files:
        measure(*said.files, said.seeds, said.ways, said.out)
    found = read(said.shown or said.out)
    if not found:
        bounds()
        return
    tell(found)
    if said.figure is not None:
        draw({way: found[way] for way in said.ways if way in found}, said.figure)


if __name__ == "__main__":
    main()

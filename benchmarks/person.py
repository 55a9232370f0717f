"""Minutes of a scripted person at the page: one image at a time, and alike images at once.

    python benchmarks/person.py TRAIN.parquet TEST.parquet [SEED ...] [FIGURE.svg]

Both files hold labelled images. A single answer takes 0.9 s and is wrong once in a hundred times; a group
takes 0.5 s and 0.25 s for each image; one that does not belong is overlooked once in ten times. What was
crossed out is labelled as the rest, with another glance at each, where two at least and most of them are of
one class; others come up by themselves. Groups are those of the page, and so are the answers that it asks for
again singly. After fifty labels a model is fitted; no time is charged for that. A third way answers one by
one until there are twenty labels a class, as the page has it. Accuracy is on TEST, which nobody labels.
Without files it prints what a model would bring that is always right.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter

import numpy as np

import ncenet
from ncenet.data.open import open_dataset
from ncenet.features.pool import VectorPool
from ncenet.ledger.inbox import Delivery, Together
from ncenet.loop.opinions import opine
from ncenet.run.alike import LARGEST, checks_due
from ncenet.run.folder import RunFolder
from ncenet.web.insight import Insight
from ncenet.web.together import EARLY, Parties

SINGLE, TILE, GROUP = 0.9, 0.25, 0.5
SLIP, OVERLOOKED = 0.01, 0.1
MOST = 0.6
"""From such a part of one class on what was crossed out is worth a look as the rest."""
POOL, EVERY, STOP = 2000, 50, 1000
WAYS = {"one by one": STOP, "groups": 0, "one by one, then groups": EARLY}
"""From how many labels a class on groups are answered."""


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


def curve(train, test, seed, way):
    """Rows of minutes, labels, accuracy on TEST, wrong labels."""
    data, unseen = open_dataset(train), open_dataset(test)
    ids = list(data.pool.ids())
    ids = sorted(np.random.default_rng(seed).permutation(ids)[:POOL].tolist())
    pool, truth = data.subset(ids).pool, data.required_oracle().answer(ids)
    recipe = {"model.features": "lite0", "loop.held_out": 50, "loop.first": "typical", "loop.seed": seed}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = ncenet.open(folder, pool=pool, classes=data.class_names, recipe=recipe)
        with run:
            person = Person(run, truth, seed)
            seen = VectorPool(unseen.pool, run._loop.pool.source)
            test_ids = list(unseen.pool.ids())
            of_test = unseen.required_oracle().answer(test_ids)
            for count in (50, max(25, len(data.class_names))):
                for id in run.ask(count).ids:
                    person.single(id)
            while len(person.labels) < min(STOP, len(ids)):
                cycle, before = run.fit(), len(person.labels)
                chunks = run._loop.model(cycle).predict(seen, test_ids, want=frozenset({"probs"}))
                said = np.concatenate([chunk.probs.numpy().argmax(1) for chunk in chunks])
                right = np.mean(
                    [data.class_names[c] == of_test[id] for c, id in zip(said, test_ids, strict=True)]
                )
                wrong = np.mean([label != truth[id] for id, label in person.labels.items()])
                rows.append((person.seconds / 60, before, float(right), float(wrong), person.in_groups))
                print(*(f"{value:.3f}" for value in rows[-1]), flush=True)
                if before >= WAYS[way] * len(data.class_names):
                    opine(run._loop, cycle)
                    ledger = run._loop.ledger
                    parties = Parties(Insight(RunFolder(run._loop.folder.path), ledger), ledger)
                    while len(person.labels) - before < EVERY and (group := parties.give("window", ())):
                        person.group(group)
                        parties.check()
                    person.again()
                if len(person.labels) == before:
                    for id in run.ask(25).ids:
                        person.single(id)
    return rows


def reaches(rows, goal):
    """Minutes until an accuracy is reached for the first time."""
    return next((row[0] for row in rows if row[2] >= goal), None)


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


def draw(curves, file):
    """Accuracy over minutes, and labels over minutes: a line for each way and seed."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for (way, runs), colour in zip(curves.items(), ("#777777", "#0072b2", "#d55e00"), strict=False):
        for n, rows in enumerate(runs):
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


def main(train=None, test=None, *seeds):
    """Print both curves, and what they come to."""
    bounds()
    if train is None:
        return
    figure = seeds[-1] if seeds and not seeds[-1].isdecimal() else None
    curves = {}
    for seed in map(int, [seed for seed in seeds if seed.isdecimal()] or ("0",)):
        found = {}
        for way in WAYS:
            print(f"seed {seed}, {way}: minutes, labels, accuracy, wrong, in groups")
            found[way] = curve(train, test, seed, way)
            curves.setdefault(way, []).append(found[way])
        one = found.pop("one by one")
        for way, many in found.items():
            for count in (500, STOP):
                slow, fast = (pace(rows, count) for rows in (one, many))
                print(
                    f"{way}, images a minute to {count}: {fast:.0f} for {slow:.0f}, {fast / slow:.2f} times"
                )
            print(f"{way}, wrong labels at the end: {many[-1][3]:.2%} for {one[-1][3]:.2%}")
            print(f"{way}, minutes to 85 %: {reaches(many, 0.85)} for {reaches(one, 0.85)}")
    if figure is not None:
        draw(curves, figure)


if __name__ == "__main__":
    main(*sys.argv[1:])

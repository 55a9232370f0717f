"""Minutes of a scripted person at the page: one image at a time, and alike images at once.

    python benchmarks/person.py FOLDER --sets clothing10 --seeds 5 --out person.csv
    python benchmarks/person.py --print person.csv [--figure FIGURE.svg]

FOLDER holds sets as benchmarks/stored.py reads them; 2,000 images of each are labelled, fifty of which
measure. A single answer takes 0.9 s and is wrong once in a hundred times; a group takes 0.5 s and 0.25 s for
each image; one that does not belong is overlooked once in ten times. What was crossed out is labelled as the
rest, with another glance at each, where two at least and most of them are of one class; others come up by
themselves. Groups are those of the page (`ncenet.run.alike`), and so is how many of their answers are asked
for again singly. After 25 labels the NCE head is fitted; no time is charged for that. Herding asks. A way
says from how many labels a class on there are groups, of what, and how many single answers come between;
"one by one, always right" goes up to 300 labels.
Accuracy is on the images of the test file, and on all that nobody labels, with what is left of the other
file. What stands in the CSV is not computed again. Without arguments it prints what a model would bring that
is always right.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from effort import fitted
from scipy import stats
from stored import open_stored

from ncenet.functional import herd, typical_distance
from ncenet.ledger.again import Group
from ncenet.run.alike import LARGEST, alike_to, checks_due, kept_ratio
from ncenet.run.shares import shares, sharpness_of
from ncenet.strategies import strategies
from ncenet.web.due import GROUPED, PER_CLASS
from ncenet.web.together import EARLY
from selection import View

SINGLE, TILE, GROUP = 0.9, 0.25, 0.5
SLIP, OVERLOOKED = 0.01, 0.1
MOST = 0.6
"""From such a part of one class on what was crossed out is worth a look as the rest."""
POOL, HELD_OUT, FIRST, EVERY, STOP = 2000, 50, 25, 25, 1000
FIELDS = ("set", "way", "seed", "minutes", "labels", "accuracy", "unseen", "wrong", "in_groups")


@dataclass(frozen=True)
class Way:
    """How a person labels.

    Attributes:
        singles: up to so many labels a class one by one.
        asked: groups are made of so many images that the model asks for; 0 has them drawn by chance.
        between: of those images so many are answered by themselves after each model.
        slip: part of the single answers that is wrong.
        stop: after so many labels.
        chance: whether images come in an order of chance.
    """

    singles: int
    asked: int = 0
    between: int = 0
    slip: float = SLIP
    stop: int = STOP
    chance: bool = False


WAYS = {
    "one by one": Way(STOP),
    "one by one, in order of chance": Way(STOP, chance=True),
    "groups of what is asked for": Way(0, GROUPED, 5),
    "one by one, then groups by chance": Way(EARLY),
    "groups by chance": Way(0),
    "one by one, always right": Way(STOP, slip=0.0, stop=300),
}


class Person:
    """Answers, and counts seconds."""

    def __init__(self, targets, classes, seed, slip):
        self.slip = slip
        self.truth, self.classes, self.random = targets, classes, np.random.default_rng(seed)
        self.seconds, self.labels, self.groups, self.in_groups, self.checked = 0.0, {}, [], [], 0

    def single(self, row):
        true, slips = int(self.truth[row]), self.random.random() < self.slip
        self.seconds += SINGLE
        self.labels[row] = (
            int((true + self.random.integers(1, self.classes)) % self.classes) if slips else true
        )

    def group(self, rows, label, purity):
        self.seconds += GROUP + TILE * len(rows)
        rest = self._give(rows, label, purity)
        (most, count), *_ = Counter(int(self.truth[row]) for row in rest).most_common(1) or [(0, 0)]
        if count >= 2 and count >= MOST * len(rest):
            self.seconds += GROUP + TILE * len(rest)
            rest = self._give(rest, most, count / len(rest))
        for row in rest:
            self.single(row)

    def _give(self, rows, label, purity):
        """Label those that belong, or seem to; the others."""
        kept = [row for row in rows if self.truth[row] == label or self.random.random() < OVERLOOKED]
        if kept:
            self.groups.append(Group(len(rows), len(kept), purity))
        self.in_groups += kept
        self.labels |= dict.fromkeys(kept, label)
        return [row for row in rows if row not in set(kept)]

    def again(self):
        """Answer once more what the page asks for."""
        while self.checked < checks_due(len(self.in_groups)):
            self.single(self.in_groups[self.random.integers(len(self.in_groups))])
            self.checked += 1

    def wrong(self):
        return float(np.mean([self.truth[row] != label for row, label in self.labels.items()]))


def course(data, seed, way):
    """Rows of minutes, labels, accuracy on the test file and on all unseen images, wrong, from groups."""
    order = np.random.default_rng(seed).permutation(len(data.pool)).tolist()
    measure, start, beside = order[:HELD_OUT], order[HELD_OUT:POOL], order[POOL:]
    person, strategy = Person(data.targets.numpy(), data.classes, seed, way.slip), strategies.get("herding")()
    names = [str(c) for c in range(data.classes)]
    person.seconds = SINGLE * len(measure)
    radius = 0.35 * typical_distance(data.pool)
    first = max(FIRST, data.classes)
    for n in range(first) if way.chance else herd(data.pool[start], first, radius).indices.tolist():
        person.single(start[n])
    while True:
        before = len(person.labels)
        head = fitted(data, person.labels, 1000 * seed + before)
        left = [row for row in start if row not in person.labels]
        with torch.no_grad():
            right = (head(data.test).argmax(1) == data.test_targets).double()
            rest = (head(data.pool[beside]).argmax(1) == data.targets[beside]).double()
            likely, held = (head.probs(head(data.pool[rows])).numpy() for rows in (left, measure))
        unseen = float(torch.cat([right, rest]).mean())
        yield person.seconds / 60, before, float(right.mean()), unseen, person.wrong(), len(person.in_groups)
        if before >= min(way.stop, len(start)):
            return
        if way.chance:
            for row in left[:EVERY]:
                person.single(row)
            continue
        view = View(head, data, list(person.labels), strategy.needs)
        view.offer(left)
        rng = torch.Generator().manual_seed(1000 * seed + before)
        size = max(EVERY, way.asked and max(way.asked, PER_CLASS * data.classes))
        asked = [int(id) for id in strategy.query(view, size, rng=rng).ids]
        if before >= way.singles * data.classes:
            said = shares(likely, sharpness_of(held, data.targets[measure].tolist()))
            while len(person.labels) - before < EVERY - way.between:
                rows = [n for n, row in enumerate(left) if row not in person.labels]
                counts = Counter(person.labels.values())
                group = alike_to(
                    [str(left[n]) for n in rows],
                    said[rows],
                    names,
                    labeled=[counts[c] for c in range(data.classes)],
                    ratio=kept_ratio(person.groups),
                    asked=[str(row) for row in asked] if way.asked else (),
                )
                early = not (group and group.asked) and len(person.labels) < EARLY * data.classes
                if group is None or (way.asked and early):
                    break
                person.group([int(id) for id in group.ids], int(group.label), group.purity)
            person.again()
            if way.between:
                person.seconds += GROUP  # the page asks whether to go on
        singles = way.between if len(person.labels) > before else EVERY
        for row in [row for row in asked if row not in person.labels][:singles]:
            person.single(row)


def smooth(rows):
    """Minutes, and mean accuracy of a model and those before and after it: one alone is mostly chance."""
    right = [row["unseen"] for row in rows]
    return [(row["minutes"], np.mean(right[max(0, n - 1) : n + 2])) for n, row in enumerate(rows)]


def reaches(rows, goal):
    """Minutes until an accuracy is reached; nan when it never is."""
    return next((minutes for minutes, right in smooth(rows) if right >= goal), float("nan"))


def at(rows, minutes, column):
    """What a column holds after so many minutes; nan past the end."""
    times = [row["minutes"] for row in rows]
    return float(np.interp(minutes, times, [row[column] for row in rows], right=float("nan")))


def pace(rows, count):
    """Images a minute up to so many labels."""
    last = next((row for row in rows if row["labels"] >= count), rows[-1])
    return last["labels"] / last["minutes"]


def bound(labels, singles, right=1.0):
    """Images a minute, and those of one by one, if a model were right so often and knew when.

    >>> [round(each, 1) for each in bound(1000, 75)]
    [178.7, 66.7]
    """
    together = labels - singles
    groups = -(-together // LARGEST)
    seconds = (singles + checks_due(together)) * SINGLE + together * TILE + groups * GROUP
    return 60 * labels / (seconds + (1 - right) * together * SINGLE), 60 / SINGLE


def bounds():
    """Print them."""
    print("labels, of them one by one, part of the others that belongs: images a minute, times one by one")
    cases = ((500, 75, 1), (1000, 75, 1), (1000, 200, 1), (2000, 75, 1), (10_000, 75, 1))
    for labels, singles, right in (*cases, (1000, 75, 0.9), (1000, 75, 0.8)):
        fast, slow = bound(labels, singles, right)
        print(f"{labels}, {singles}, {right:.0%}: {fast:.0f}, {fast / slow:.2f}")


def read(file):
    """Rows by set, way and seed."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    if file is not None and file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                values = {name: float(row[name]) for name in FIELDS[3:]}
                found[row["set"]][row["way"]][int(row["seed"])].append(values)
    return found


def measure(said):
    """Write the rows of what is not there yet."""
    done, sets = read(said.out), {name: open_stored(said.folder, name) for name in said.sets}
    for seed in range(said.seeds):
        for name, data in sets.items():
            for way in said.ways:
                if seed in done[name][way]:
                    continue
                rows = list(course(data, seed, WAYS[way]))
                new = not said.out.exists()
                with said.out.open("a", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerows([FIELDS] if new else [])
                    writer.writerows((name, way, seed, *(f"{v:.5g}" for v in row)) for row in rows)
                print(name, way, seed, *(f"{value:.3g}" for value in rows[-1]), flush=True)


def tell(found):
    """What the ways come to, beside one by one: means and ranges over seeds."""
    one = found.get("one by one") or next(iter(found.values()))
    for way, every in found.items():
        runs = {seed: rows for seed, rows in every.items() if seed in one}
        print(
            f"\n{way}, {len(runs)} seeds\nminutes: labels, right on the test file, right on all unseen images"
        )
        for minutes in (2, 3, 4, 5, 6, 7, 8, 10, 14):
            columns = ("labels", "accuracy", "unseen")
            each = np.array([[at(rows, minutes, column) for column in columns] for rows in runs.values()])
            if len(each) and not np.isnan(each[:, 1]).any():
                mean, low, high = each.mean(0), each.min(0), each.max(0)
                test, rest = (f"{mean[c]:.1%} ({low[c]:.0%} to {high[c]:.0%})" for c in (1, 2))
                print(f"{minutes}: {mean[0]:.0f}, {test}, {rest}")
        for count in (100, 300):
            each = [row["accuracy"] for rows in runs.values() for row in rows if row["labels"] == count]
            if len(each) > 1:
                apart = stats.t.ppf(0.975, len(each) - 1) * np.std(each, ddof=1) / len(each) ** 0.5
                print(f"right on the test file with {count} labels: {np.mean(each):.1%} ± {apart:.1%}")
        for count in (500, STOP):
            fast, slow = (np.mean([pace(each[seed], count) for seed in runs]) for each in (runs, one))
            print(f"images a minute to {count}: {fast:.0f}, {fast / slow:.2f} times one by one")
        print(f"wrong labels at the end: {np.mean([rows[-1]['wrong'] for rows in runs.values()]):.2%}")
        for goal in (0.75, 0.8, 0.82, 0.84, 0.85):
            each = [(reaches(rows, goal), reaches(one[seed], goal)) for seed, rows in runs.items()]
            print(f"minutes to {goal:.0%}: " + "; ".join(f"{a:.1f} for {b:.1f}" for a, b in each))


def draw(found, file):
    """Labels and accuracy over minutes: a line for each way and seed."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for (way, runs), colour in zip(found.items(), ("#777777", "#d55e00", "#0072b2", "#009e73"), strict=False):
        for n, rows in enumerate(runs.values()):
            minutes, labels = ([row[name] for row in rows] for name in ("minutes", "labels"))
            label = way if n == 0 else None
            panels[0].plot(minutes, labels, color=colour, linewidth=1, label=label)
            panels[1].plot(minutes, [100 * right for _, right in smooth(rows)], color=colour, linewidth=1)
    panels[0].set(xlabel="minutes", ylabel="labels")
    panels[1].set(xlabel="minutes", ylabel="right on unseen images, %")
    panels[0].legend(frameon=False, fontsize=8)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(file)


def main():
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+", default=["clothing10"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS)[:5])
    parser.add_argument("--out", type=Path, help="CSV of rows")
    parser.add_argument("--print", type=Path, dest="show", help="print such a file")
    parser.add_argument("--figure", type=Path, help="draw the first set")
    said = parser.parse_args()
    torch.set_num_threads(1)
    if said.folder is not None:
        measure(said)
    found = read(said.show or said.out)
    if not found:
        bounds()
    for name, ways in found.items():
        print(f"\n{name}")
        tell(ways)
    if said.figure is not None:
        draw(next(iter(found.values())), said.figure)


if __name__ == "__main__":
    main()

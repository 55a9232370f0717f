"""What random images among the answers cost and tell: held-out ones that grow, and a control share.

    python benchmarks/shares.py FOLDER --sets clothing10 --seeds 5 --out shares.csv
    python benchmarks/shares.py --print shares.csv

FOLDER holds sets as benchmarks/stored.py reads them. Fifty held-out images are drawn from 2,000, and then so
many that they are the held-out share of all answers (`held`); of the others a share (`control`) is drawn at
random too, and herding asks for the rest, in batches of fifty answers. Accuracy is that of the NCE head on
test images; beside it stand the 95 % interval of the held-out images, and what choosing is said to gain
beside what it does. That is told by two heads: one learns random images, held-out ones and those of the
control share, a fifth of which is left out in turn, the other as many of the first that were chosen. Both
name what was left out, and, for the truth, the test images.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from effort import fitted
from stored import open_stored

from ncenet.compare.statistics import paired_difference
from ncenet.functional import herd, typical_distance
from ncenet.run.advice import wilson
from ncenet.run.records import Choosing
from ncenet.strategies import strategies
from selection import View

POOL, FIRST, BATCH, HELD_OUT = 2000, 50, 50, 50
HELD, CONTROL = (0.0, 0.1, 0.2), (0.0, 0.05, 0.1)
USUAL = 0.1
"""The held-out share beside which control shares are measured: that of the page."""
TOLD = (300, 600, 1000)
FIELDS = ("set", "held", "control", "seed", "answers", "labels", "measure", "accuracy", "low", "high",
          "random", "told", "told_low", "told_high", "true")  # fmt: skip


def course(data, held, control, seed, most):
    """Rows of one seed: what is known after some numbers of answers."""
    random = np.random.default_rng(seed)
    start = random.permutation(len(data.pool))[:POOL].tolist()
    aside = max(HELD_OUT, round(held * POOL))  # drawn at the start, as the page does
    measure, drawn, start = start[:HELD_OUT], start[HELD_OUT:aside], start[aside:]
    radius = 0.35 * typical_distance(data.pool)
    labels = [start[n] for n in herd(data.pool[start], FIRST, radius).indices.tolist()]
    by_chance, strategy = [], strategies.get("herding")()
    targets, room = data.targets.tolist(), 0.0
    while True:
        answers = len(labels) + len(measure)
        head = fitted(data, {row: targets[row] for row in labels}, 1000 * seed + answers)
        if answers in TOLD:
            yield answers, len(labels), len(measure), *_told(data, head, labels, by_chance, measure, seed)
        if answers >= most:
            return
        size = BATCH
        due = max(0, round(held * (answers + BATCH)) - len(measure))
        measure, drawn = [*measure, *drawn[:due]], drawn[due:]
        size -= due
        room += control * size
        known = set(labels)
        left = [row for row in start if row not in known]
        chance = random.permutation(left)[: int(room)].tolist()
        room -= len(chance)
        by_chance += chance
        view = View(head, data, labels, strategy.needs)
        view.offer([row for row in left if row not in set(chance)])
        rng = torch.Generator().manual_seed(1000 * seed + answers)
        asked = [int(id) for id in strategy.query(view, size - len(chance), rng=rng).ids]
        labels += [*chance, *asked]


def _told(data, head, labels, by_chance, measure, seed):
    """Accuracy, the interval of the held-out images, and what choosing gains, as told and indeed."""
    with torch.no_grad():
        right = float((head(data.test).argmax(1) == data.test_targets).double().mean())
        held = int((head(data.pool[measure]).argmax(1) == data.targets[measure]).sum())
    chosen = [row for row in labels if row not in set(by_chance)]
    random = np.random.default_rng(seed)
    parts = np.array_split(random.permutation([*measure, *by_chance]), 5)
    size = min(len(chosen), min(len(measure) + len(by_chance) - len(part) for part in parts))

    def taught(rows):
        return fitted(data, {row: int(data.targets[row]) for row in rows}, seed)

    def names(head, rows):
        return (head(data.pool[rows]).argmax(1) == data.targets[rows]).int()

    wins, gains, ours = [], [], taught(chosen[:size])
    for part in parts:
        drawn = [row for row in (*measure, *by_chance) if row not in set(part.tolist())]
        theirs = taught(random.permutation(drawn)[:size].tolist())
        with torch.no_grad():
            wins += (names(ours, part) - names(theirs, part)).tolist()
            true = [(h(data.test).argmax(1) == data.test_targets).double().mean() for h in (ours, theirs)]
        gains.append(float(true[0] - true[1]))
    won, lost = wins.count(1), wins.count(-1)
    told = Choosing(0, size, len(wins), won, lost, 0)
    gain = (won - lost) / len(wins)
    return right, *wilson(held, len(measure)), size, gain, *told.interval, float(np.mean(gains))


def measured(said):
    """Write the rows of what is not there yet."""
    done = {tuple(row[name] for name in FIELDS[:4]) for row in _rows(said.out)}
    sets = {name: open_stored(said.folder, name) for name in said.sets}
    arms = [(held, 0.0, 1000) for held in HELD] + [(USUAL, control, 600) for control in CONTROL if control]
    for seed in range(said.seeds):
        for name, data in sets.items():
            for held, control, most in arms:
                key = (name, f"{held}", f"{control}", f"{seed}")
                if key in done:
                    continue
                rows = list(course(data, held, control, seed, most))
                new = not said.out.exists()
                with said.out.open("a", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerows([FIELDS] if new else [])
                    writer.writerows((*key, *(f"{value:.5g}" for value in row)) for row in rows)
                print(*key, *(f"{value:.3g}" for value in rows[-1]), flush=True)


def _rows(file):
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def tables(file):
    """Beside a held-out set that does not grow, and beside no control share."""
    found = defaultdict(dict)
    for row in _rows(file):
        key = row["set"], int(row["answers"]), float(row["held"]), float(row["control"])
        found[key][int(row["seed"])] = {name: float(row[name]) for name in FIELDS[5:]}
    names = "set, answers, held-out share, control share, train, measure, right %, beside none, interval"
    _row(*names.split(", "))
    _row(*["---"] * 9)
    for (name, answers, held, control), rows in sorted(found.items()):
        base = found[name, answers, *((held, 0.0) if control else (0.0, 0.0))]
        seeds = sorted(rows.keys() & base.keys())
        mean = {field: np.mean([rows[seed][field] for seed in seeds]) for field in FIELDS[5:]}
        told = paired_difference(*([100 * each[seed]["accuracy"] for seed in seeds] for each in (rows, base)))
        between = "" if told.low is None else f" ({told.low:+.1f} to {told.high:+.1f})"
        beside = f"{told.spread.mean:+.1f}{between}, {len(seeds)} seeds" if held or control else ""
        wide = f"{100 * (mean['high'] - mean['low']):.0f} points"
        sizes = f"{mean['labels']:.0f}", f"{mean['measure']:.0f}", f"{100 * mean['accuracy']:.1f}"
        _row(name, answers, f"{held:.0%}", f"{control:.0%}", *sizes, beside, wide)
    print()
    names = "set, answers, held-out share, control share, random labels, told to gain, holds the truth, gains"
    _row(*names.split(", "))
    _row(*["---"] * 8)
    for (name, answers, held, control), rows in sorted(found.items()):
        each = list(rows.values())
        mean = {field: np.mean([row[field] for row in each]) for field in FIELDS[5:]}
        holds = sum(row["told_low"] <= row["true"] <= row["told_high"] for row in each)
        points = {field: f"{100 * mean[field]:+.1f}" for field in ("told", "told_low", "told_high", "true")}
        told = f"{points['told']} ({points['told_low']} to {points['told_high']})"
        shares = f"{held:.0%}", f"{control:.0%}", f"{mean['random']:.0f}"
        _row(name, answers, *shares, told, f"{holds} of {len(each)}", points["true"])


def _row(*cells):
    print(f"| {' | '.join(map(str, cells))} |")


def main():
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+", default=["clothing10"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--print", type=Path, dest="show")
    said = parser.parse_args()
    if said.show is not None:
        tables(said.show)
    else:
        torch.set_num_threads(1)
        measured(said)


if __name__ == "__main__":
    main()

"""Second looks or new labels: accuracy after as many answers, by a scripted annotator who errs.

    python benchmarks/effort.py FOLDER --sets clothing10 --seeds 10 --out effort.csv
    python benchmarks/effort.py --print effort.csv

FOLDER holds sets as benchmarks/stored.py reads them. The annotator is wrong in 5, 10 or 20 of 100 answers, at
a second look as at the first, and then names any other class. Fifty images are herded first; then batches of
fifty answers: a share of each goes to labels that look wrong (`ncenet.run.doubts`, from a hundred labels on,
no image twice, as on the page), the rest to images that herding chooses. Second looks that find no doubt
are new labels. An arm is that share; `0` is new labels alone. All arms of a seed begin alike, and an image
gets the same first answer in each. Accuracy is that of the NCE head on test images whose labels are true.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from stored import open_stored

from ncenet.compare.statistics import paired_difference
from ncenet.functional import herd, typical_distance
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.recipe import HeadRecipe
from ncenet.run.doubts import doubts, left_out_shares, votes
from ncenet.strategies import strategies
from selection import View

FIRST, BATCH, ANSWERS = 50, 50, 300
DOUBTED_FROM = 100
SHARES, ERRORS = (0.0, 0.05, 0.2, 0.5), (0.05, 0.1, 0.2)
FIELDS = ("set", "error", "share", "seed", "answers", "labels", "wrong", "accuracy")


class Annotator:
    """Says what an image is; wrong so often. The first answer about an image is the same in every arm."""

    def __init__(self, targets, classes, error, seed):
        random = np.random.default_rng(seed)
        self.true = np.asarray(targets)
        errs = random.random((2, len(self.true))) < error
        other = (self.true + random.integers(1, classes, (2, len(self.true)))) % classes
        self.said = np.where(errs, other, self.true)

    def first(self, row):
        return int(self.said[0, row])

    def second(self, row):
        return int(self.said[1, row])


def fitted(data, labels, seed):
    torch.manual_seed(seed)
    head = build_head(HeadRecipe(name="nce"), data.pool.shape[1], data.classes, stored=True)
    fit_head(head, data.pool[list(labels)], torch.tensor(list(labels.values())))
    return head


def suspects(data, labels):
    """Labelled images that look wrong, the worst first."""
    rows = list(labels)
    features = (data.raw[rows] / data.raw[rows].norm(dim=1, keepdim=True)).numpy()
    given = [labels[row] for row in rows]
    found = doubts(
        left_out_shares(features, given, data.classes), votes(features, given, data.classes), given
    )
    return [rows[n] for n in found]


def course(data, error, share, seed, most):
    """Rows of one arm."""
    annotator = Annotator(data.targets, data.classes, error, seed)
    strategy = strategies.get("herding")()
    start = np.random.default_rng(seed).permutation(len(data.pool))[:2000].tolist()
    radius = 0.35 * typical_distance(data.pool)
    first = [start[n] for n in herd(data.pool[start], FIRST, radius).indices.tolist()]
    labels = {row: annotator.first(row) for row in first}
    answers, looked, room = FIRST, set(), 0.0
    while True:
        head = fitted(data, labels, 1000 * seed + answers)
        with torch.no_grad():
            right = float((head(data.test).argmax(1) == data.test_targets).double().mean())
        wrong = np.mean([said != annotator.true[row] for row, said in labels.items()])
        yield answers, len(labels), float(wrong), right
        if answers >= most:
            return
        room += share * BATCH if answers >= DOUBTED_FROM else 0.0
        again = []
        if room >= 1:
            again = [row for row in suspects(data, labels) if row not in looked][: int(room)]
            room -= len(again)
        view = View(head, data, list(labels), strategy.needs)
        view.offer([row for row in start if row not in labels])
        rng = torch.Generator().manual_seed(1000 * seed + answers)
        chosen = [int(id) for id in strategy.query(view, BATCH - len(again), rng=rng).ids]
        labels |= {row: annotator.second(row) for row in again}
        labels |= {row: annotator.first(row) for row in chosen}
        looked.update(again)
        answers += BATCH


def measure(said):
    done = {tuple(row[name] for name in FIELDS[:4]) for row in _rows(said.out)}
    sets = {name: open_stored(said.folder, name) for name in said.sets}
    for seed in range(said.seeds):
        for name, data in sets.items():
            for error in said.errors:
                for share in said.shares:
                    key = (name, f"{error}", f"{share}", f"{seed}")
                    if key in done:
                        continue
                    rows = list(course(data, error, share, seed, said.answers))
                    new = not said.out.exists()
                    with said.out.open("a", encoding="utf-8", newline="") as file:
                        writer = csv.writer(file, lineterminator="\n")
                        writer.writerows([FIELDS] if new else [])
                        writer.writerows((*key, *(f"{value:.5g}" for value in row)) for row in rows)
                    print(*key, *(f"{value:.4g}" for value in rows[-1]), flush=True)


def tables(file):
    """Of each set, error and number of answers: what arms gain over new labels only."""
    found = defaultdict(dict)
    for row in _rows(file):
        answers = int(row["answers"])
        if answers in (ANSWERS, 2 * ANSWERS):
            cell = row["set"], float(row["error"]), answers, float(row["share"])
            found[cell][int(row["seed"])] = 100 * float(row["accuracy"]), 100 * float(row["wrong"])
    print("| set | annotator wrong | answers | second looks | right, % | wrong labels, % | gain, points |")
    print("|---|---|---|---|---|---|---|")
    pooled = defaultdict(list)
    for (name, error, answers, share), rows in sorted(found.items()):
        base = found[name, error, answers, 0.0]
        seeds = sorted(rows.keys() & base.keys())
        pairs = [(rows[seed][0], base[seed][0]) for seed in seeds]
        right, wrong = (np.mean([rows[seed][n] for seed in seeds]) for n in (0, 1))
        gain = f"{_gain(pairs)}, {len(pairs)} seeds" if share else ""
        print(f"| {name} | {error:.0%} | {answers} | {share:.0%} | {right:.1f} | {wrong:.1f} | {gain} |")
        if share:
            pooled[name, answers, share] += pairs
    for (name, answers, share), pairs in sorted(pooled.items()):
        print(f"| {name} | all | {answers} | {share:.0%} | | | {_gain(pairs)}, {len(pairs)} pairs |")


def _gain(pairs):
    told = paired_difference([one for one, _ in pairs], [other for _, other in pairs])
    between = "" if told.low is None else f" ({told.low:+.2f} to {told.high:+.2f})"
    return f"{told.spread.mean:+.2f}{between}"


def _rows(file):
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def main():
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+", default=["clothing10"])
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--errors", type=float, nargs="+", default=ERRORS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--print", type=Path, dest="show")
    said = parser.parse_args()
    if said.show is not None:
        tables(said.show)
    else:
        torch.set_num_threads(1)
        measure(said)


if __name__ == "__main__":
    main()

"""What a random share of each batch costs, what it tells, and what a held-out set that grows costs.

    python benchmarks/control.py FOLDER --sets clothing10 --seeds 8 --out control.csv
    python benchmarks/control.py --print control.csv

FOLDER holds sets as benchmarks/stored.py reads them. Of 2,000 images of the pool fifty are held out and 25
herded first; then batches of 25, of which a share is drawn at random and the rest chosen by herding. A row
holds the accuracy on the test set after so many labels, and, where there is a share: how far a head that
learned the random images is from one that learned as many chosen ones (mean of five draws), on the fifty
held-out images and on the test set. The first is what a user could know of whether choosing pays; the
second is the truth. --print gives the cost of a share, and of measuring more: labels that measure do not
train.
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
from ncenet.strategies import strategies
from selection import View

BATCH, HELD_OUT, LABELS, DRAWS = 25, 50, 400, 5
SHARES = (0.0, 0.1, 0.2)
FIELDS = ("set", "share", "seed", "labels", "accuracy", "random", "told", "true")


def fitted(data, rows, seed):
    torch.manual_seed(seed)
    head = build_head(HeadRecipe(name="nce"), data.pool.shape[1], data.classes, stored=True)
    fit_head(head, data.pool[rows], data.targets[rows])
    return head


def right(head, vectors, targets):
    with torch.no_grad():
        return float((head(vectors).argmax(1) == targets).double().mean())


def course(data, share, seed, most):
    """Rows of one arm."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(data.pool))[:2000].tolist()
    held_out, pool = order[:HELD_OUT], order[HELD_OUT:]
    strategy = strategies.get("herding")()
    radius = 0.35 * typical_distance(data.pool)
    first = [pool[n] for n in herd(data.pool[pool], BATCH, radius).indices.tolist()]
    chosen, drawn, room = [], [], 0.0
    while True:
        labels = [*first, *chosen, *drawn]
        head = fitted(data, labels, 1000 * seed + len(labels))
        row = [len(labels), right(head, data.test, data.test_targets), len(drawn), "", ""]
        if len(labels) % 100 == 0 and len(drawn) >= 10:
            row[3:] = compared(data, chosen, drawn, held_out, seed)
        yield row
        if len(labels) >= most:
            return
        room += share * BATCH
        count, room = int(room), room - int(room)
        view = View(head, data, labels, strategy.needs)
        open_rows = [n for n in pool if n not in set(labels)]
        view.offer(open_rows)
        rng = torch.Generator().manual_seed(1000 * seed + len(labels))
        picked = [int(id) for id in strategy.query(view, BATCH - count, rng=rng).ids]
        rest = [n for n in open_rows if n not in set(picked)]
        chosen += picked
        drawn += random.choice(rest, count, replace=False).tolist()


def compared(data, chosen, drawn, held_out, seed):
    """How much more as many chosen images teach than random ones: as held-out images and the test say."""
    of_drawn = fitted(data, drawn, seed)
    places = ((data.pool[held_out], data.targets[held_out]), (data.test, data.test_targets))
    base, gains = [right(of_drawn, *place) for place in places], []
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        head = fitted(data, random.choice(chosen, len(drawn), replace=False).tolist(), seed)
        gains.append([right(head, *place) - before for place, before in zip(places, base, strict=True)])
    return np.mean(gains, axis=0).tolist()


def measure(said):
    done = {tuple(row[name] for name in FIELDS[:3]) for row in _rows(said.out)}
    sets = {name: open_stored(said.folder, name) for name in said.sets}
    for seed in range(said.seeds):
        for name, data in sets.items():
            for share in SHARES:
                key = (name, f"{share}", f"{seed}")
                if key in done:
                    continue
                rows = list(course(data, share, seed, said.labels))
                new = not said.out.exists()
                with said.out.open("a", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerows([FIELDS] if new else [])
                    writer.writerows((*key, *row) for row in rows)
                print(*key, rows[-1], flush=True)


def tables(file):
    found = defaultdict(dict)
    told = defaultdict(list)
    for row in _rows(file):
        cell = row["set"], int(row["labels"]), float(row["share"])
        found[cell][int(row["seed"])] = 100 * float(row["accuracy"])
        if row["told"]:
            told[cell].append((int(row["random"]), 100 * float(row["told"]), 100 * float(row["true"])))
    print("| set | labels | random share | right, % | against none, points |\n|---|---|---|---|---|")
    for (name, labels, share), rows in sorted(found.items()):
        if labels % 100:
            continue
        base = found[name, labels, 0.0]
        seeds = sorted(rows.keys() & base.keys())
        against = _gap([rows[s] for s in seeds], [base[s] for s in seeds]) if share else ""
        print(f"| {name} | {labels} | {share:.0%} | {np.mean(list(rows.values())):.1f} | {against} |")
    print(
        "\n| set | labels | random share | random images | choosing gains, as told | in truth | sign told |"
    )
    print("|---|---|---|---|---|---|---|")
    for (name, labels, share), rows in sorted(told.items()):
        random, said, true = map(np.array, zip(*rows, strict=True))
        spread = f"{said.mean():+.1f}, from {said.min():+.1f} to {said.max():+.1f}"
        agree = int((np.sign(said) == np.sign(true)).sum())
        print(
            f"| {name} | {labels} | {share:.0%} | {random.mean():.0f} | {spread} | {true.mean():+.1f} | "
            f"{agree} of {len(rows)} |"
        )
    print("\n| set | answers | fifty measure | a tenth measures | a fifth measures |\n|---|---|---|---|---|")
    for name in sorted({name for name, *_ in found}):
        for answers in (250, 350, 450):
            cells = []
            for part in (0.0, 0.1, 0.2):
                labels = round((answers - max(HELD_OUT, part * answers)) / BATCH) * BATCH
                rows = found.get((name, labels, 0.0), {})
                cells.append(f"{np.mean(list(rows.values())):.1f}" if rows else "")
            print(f"| {name} | {answers} | {' | '.join(cells)} |")


def _gap(one, other):
    said = paired_difference(one, other)
    between = "" if said.low is None else f" ({said.low:+.2f} to {said.high:+.2f})"
    return f"{said.spread.mean:+.2f}{between}, {len(one)} seeds"


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
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--labels", type=int, default=LABELS)
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

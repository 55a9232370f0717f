"""Heads on stored features: ours beside scikit-learn's best logistic regression and the nearest class mean.

    python benchmarks/head_fit.py FOLDER NAME ... [--seeds 10] [--out head_fit.csv]

FOLDER holds the sets, see ``benchmarks/stored.py``. Labels are drawn at random, the same for all heads of a
seed. Of logistic regression the best is told of all C and of two preparations of the vectors, chosen on the
*test* images for each set and size: a level that nobody reaches without looking. "LR, C by folds" is the one
that users have: C and preparation are those that are right most often in five stratified folds of the labels.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from stored import Stored, open_stored
from torch import Tensor

from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.recipe import HeadRecipe

SIZES = (10, 30, 100, 300, 1000)
INVERSE_RIDGES = (1.0, 10.0, 100.0, 1000.0)
WEAKEST = (0.01, 0.1)
"""Inverse ridges that the folds may choose too."""
BY_FOLDS = "LR, C by folds"
HEADS: dict[str, dict[str, Any]] = {
    "softmax": {"name": "softmax"},
    "NCE": {},
    "NCE, no bias": {"bias": False},
    "NCE, Eq. 5 alone": {"cross_entropy": 0.0},
    "NCE, pull 0.5": {"pull": 0.5},
    "NCE, pull 50": {"pull": 50.0},
    "NCE, R per class": {"radius": "class"},
    "NCE, R = 0.5": {"radius": 0.5},
    "NCE, K = 2": {"prototypes_per_class": 2},
    "paper": {"name": "paper"},
}


def right(predicted: Tensor, targets: Tensor) -> tuple[float, float]:
    """Accuracy, and its mean over the classes, in percent."""
    hit = (predicted == targets).float()
    by_class = [float(hit[targets == c].mean()) for c in targets.unique()]
    return 100 * float(hit.mean()), 100 * mean(by_class)


def prepared(data: Stored) -> dict[str, tuple[Tensor, Tensor]]:
    """The vectors as logistic regression reads them, of the pool and of the test: two ways."""
    centre = data.raw.mean(0)
    scale = (data.raw - centre).square().sum(1).mean().sqrt()
    return {
        "raw": ((data.raw - centre) / scale, (data.raw_test - centre) / scale),
        "components": (data.pool, data.test),
    }


def regressions(data: Stored, rows: Tensor) -> dict[str, tuple[float, float, float]]:
    found = {}
    for kind, (pool, test) in prepared(data).items():
        for C in INVERSE_RIDGES:
            start = time.process_time()
            model = LogisticRegression(C=C, max_iter=1000)
            model.fit(pool[rows].numpy(), data.targets[rows].numpy())
            seconds = time.process_time() - start
            predicted = torch.from_numpy(model.predict(test.numpy()))
            found[f"LR {kind} C = {C:g}"] = (*right(predicted, data.test_targets), seconds)
    return found


def by_folds(data: Stored, rows: Tensor, seed: int) -> tuple[float, float, float]:
    """Logistic regression whose C and preparation the labels alone choose; of equals the strongest ridge."""
    start = time.process_time()
    targets = data.targets[rows].numpy()
    folds = StratifiedKFold(min(5, int(np.bincount(targets).max())), shuffle=True, random_state=seed)
    best, chosen = -1, ("raw", 1.0)
    ways = prepared(data)
    if np.bincount(targets).max() > 1:
        parts = list(folds.split(targets, targets))
        for C in (*WEAKEST, *INVERSE_RIDGES):
            for kind, (pool, _) in ways.items():
                vectors = pool[rows].numpy()
                hits = sum(
                    int((says(C, vectors[a], targets[a], vectors[b]) == targets[b]).sum()) for a, b in parts
                )
                if hits > best:
                    best, chosen = hits, (kind, C)
    pool, test = ways[chosen[0]]
    predicted = says(chosen[1], pool[rows].numpy(), targets, test.numpy())
    return (*right(torch.from_numpy(predicted), data.test_targets), time.process_time() - start)


def says(C: float, vectors: Any, targets: Any, others: Any) -> Any:
    if len(set(targets.tolist())) == 1:
        return np.full(len(others), targets[0])
    return LogisticRegression(C=C, max_iter=1000).fit(vectors, targets).predict(others)


def class_mean(data: Stored, rows: Tensor) -> tuple[float, float, float]:
    known = data.targets[rows].unique()
    means = torch.stack([data.pool[rows[data.targets[rows] == c]].mean(0) for c in known])
    predicted = known[(data.test @ torch.nn.functional.normalize(means, dim=1).T).argmax(1)]
    return (*right(predicted, data.test_targets), 0.0)


def ours(data: Stored, rows: Tensor, options: dict[str, Any], seed: int) -> tuple[float, float, float]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = build_head(HeadRecipe(**options), data.pool.shape[1], data.classes, stored=True)
    start = time.process_time()
    fit_head(head, data.pool[rows], data.targets[rows])
    seconds = time.process_time() - start
    with torch.no_grad():
        predicted = head(data.test).argmax(1)
    return (*right(predicted, data.test_targets), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--folds", action="store_true", help="with the logistic regression that users have, too"
    )
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS), help="of ours, these alone")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    records = []
    shown = [*([BY_FOLDS] if args.folds else []), *args.heads]
    print("| set | labels | best LR | ncm |", " | ".join(shown), "|")
    print("|---|---:|---:|---:|" + "---:|" * len(shown))
    for name in args.sets:
        data = open_stored(args.folder, name)
        for size in args.sizes:
            if size > 0.8 * len(data.pool):
                continue
            results: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
            for seed in range(args.seeds):
                rows = torch.randperm(len(data.pool), generator=torch.Generator().manual_seed(seed))[:size]
                said = regressions(data, rows) | {"ncm": class_mean(data, rows)}
                if args.folds:
                    said[BY_FOLDS] = by_folds(data, rows, seed)
                said |= {head: ours(data, rows, HEADS[head], seed) for head in args.heads}
                for method, result in said.items():
                    results[method].append(result)
                    records.append([name, size, seed, method, *(round(value, 4) for value in result)])
            best = max(
                (method for method in results if method.startswith("LR ")),
                key=lambda method: mean(r[0] for r in results[method]),
            )
            cells = []
            for method in [best, "ncm", *shown]:
                values = [result[0] for result in results[method]]
                cell = f"{mean(values):.1f}"
                if method in shown and args.seeds > 1:
                    apart = [a[0] - b[0] for a, b in zip(results[method], results[best], strict=True)]
                    cell += f" ({mean(apart):+.1f} ± {2.26 * stdev(apart) / len(apart) ** 0.5:.1f})"
                cells.append(cell + (f" ({best[3:]})" if method == best else ""))
            print(f"| {name} | {size} | {' | '.join(cells)} |", flush=True)
            if args.out:
                with args.out.open("w", newline="") as stream:
                    writer = csv.writer(stream)
                    writer.writerow(["set", "labels", "seed", "method", "accuracy", "balanced", "seconds"])
                    writer.writerows(records)


if __name__ == "__main__":
    main()

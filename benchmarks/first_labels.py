"""The first labels: random, typical (TypiClust) or herded images of stored features, and a head on them.

    python benchmarks/first_labels.py FOLDER --sets clothing10 cifar10 --seeds 10 --out first_labels.csv

For each seed a random four fifths of the pool are there, so that herding, which draws nothing, varies too.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

from ncenet.compare.statistics import paired_difference
from ncenet.functional import herd, typical_distance, typical_images
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.recipe import HeadRecipe
from ncenet.strategies.cover import WIDTH
from selection import open_set

EACH = (1, 2, 3, 5)
"""Labels for each class, on average; the classes are not known yet."""
HOW = ("random", "typical", "herding")


def gain(arm: np.ndarray, baseline: np.ndarray) -> str:
    """Points of an arm over its baseline, paired by seed, and half the 95 % interval."""
    difference = paired_difference((100 * arm).tolist(), (100 * baseline).tolist())
    if difference.low is None or difference.high is None:
        return f"{difference.spread.mean:+.1f}"
    return f"{difference.spread.mean:+.1f} ± {(difference.high - difference.low) / 2:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[tuple[str, int, str, str], list[tuple[float, float, int]]] = {}
    for name in args.sets:
        data = open_set(args.folder, name)
        classes = data.test_targets.unique().tolist()
        for seed in range(args.seeds):
            there = np.random.default_rng(seed).permutation(len(data.pool))[: len(data.pool) * 4 // 5]
            pool, targets = data.pool[there], data.targets[there]
            for each in EACH:
                count = each * data.classes
                rng = torch.Generator().manual_seed(seed)
                rows = {
                    "random": torch.arange(count),
                    "typical": typical_images(pool, [], count, rng=rng).rows,
                    "herding": herd(pool, count, WIDTH * typical_distance(pool)).indices,
                }
                for how, chosen in rows.items():
                    for head_name in ("softmax", "nce"):
                        torch.manual_seed(seed)
                        recipe = HeadRecipe(name=head_name)
                        head = build_head(recipe, pool.shape[1], data.classes, stored=True)
                        fit_head(head, pool[chosen], targets[chosen])
                        with torch.no_grad():
                            right = (head(data.test).argmax(1) == data.test_targets).double()
                        balanced = torch.stack([right[data.test_targets == c].mean() for c in classes])
                        row = (float(right.mean()), float(balanced.mean()), len(targets[chosen].unique()))
                        found.setdefault((name, each, head_name, how), []).append(row)
            print(f"{name}, seed {seed}", flush=True)
    with args.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "each", "head", "first", "seed", "accuracy", "balanced", "classes"])
        for key, rows in found.items():
            writer.writerows([*key, seed, *row] for seed, row in enumerate(rows))
    met_by = "classes met: random / typical / herding"
    print(f"| set | head | labels a class | {met_by} | random | typical | herding |")
    print("|---|---|---:|---|---:|---:|---:|")
    for name in args.sets:
        for head_name in ("softmax", "nce"):
            for each in EACH:
                of = {how: np.array(found[name, each, head_name, how]) for how in HOW}
                met = " / ".join(f"{of[how][:, 2].mean():.1f}" for how in HOW)
                gains = [gain(of[how][:, 1], of["random"][:, 1]) for how in HOW[1:]]
                base = f"{100 * of['random'][:, 1].mean():.1f}"
                print(f"| {name} | {head_name} | {each} | {met} | {base} | {gains[0]} | {gains[1]} |")


if __name__ == "__main__":
    main()

"""Which head should be the default? Variants of the NCE head and softmax, at equal training cost, over seeds.

    python benchmarks/head_variants.py fashion TRAIN.parquet TEST.parquet --out runs/head-fashion
    python benchmarks/head_variants.py cifar TRAIN.parquet TEST.parquet --out runs/head-cifar

Each head meets random, rejection and confusion (softmax: random, entropy, margin) on the same initial sets.
Can be killed and run again; prints a Markdown table of what is done.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.statistics import paired_difference
from ncenet.compare.trials import run
from ncenet.recipe import DataRecipe, LoopRecipe, ModelRecipe, Recipe, TrainRecipe

HEADS = {
    "softmax": {"name": "softmax"},
    "scaled": {"feature_map": "scaled"},
    "l2": {"feature_map": "l2"},
    "l2, projection": {"feature_map": "l2", "projection": True},
    "sigmoid-l2": {"feature_map": "sigmoid-l2"},
    "none": {"feature_map": "none"},
    "cosine": {"kernel": "cosine"},
    "l2, R = .5": {"feature_map": "l2", "radius": 0.5},
    "l2, K = 2": {"feature_map": "l2", "prototypes_per_class": 2},
    "l2, class-mean": {"feature_map": "l2", "init": "class-mean"},
    "l2, w = .5 (ours)": {"feature_map": "l2", "cross_entropy": 0.5},
    "l2, w = .8 (ours)": {"feature_map": "l2", "cross_entropy": 0.8},
    "scaled, w = .8 (ours)": {"feature_map": "scaled", "cross_entropy": 0.8},
    "scaled, projection": {"feature_map": "scaled", "projection": True},
    "cosine, projection": {"kernel": "cosine", "projection": True},
    "l2, projection, w = .5 (ours)": {"feature_map": "l2", "projection": True, "cross_entropy": 0.5},
}
RANDOM_ONLY = {"sigmoid-l2", "none"}
"""Heads that a first look showed to train poorly at this cost: only their accuracy is measured."""

SETTINGS = {
    "fashion": {
        "model": ModelRecipe(backbone="mlp"),
        "train": TrainRecipe(epochs=20, min_steps=400, crop_padding=0, flip=False),
        "loop": LoopRecipe(strategy="random", initial=250, query_size=250, cycles=6),
    },
    "cifar": {
        "data": {"image_size": 16},
        "train": TrainRecipe(epochs=12, min_steps=0),
        "loop": LoopRecipe(strategy="random", initial=1000, query_size=1000, cycles=3),
    },
}


def thinned(source: Path, target: Path, rows: int) -> str:
    """A random sample of a Parquet file, the same every time."""
    if not target.exists():
        table = pq.read_table(source)
        keep = np.sort(np.random.default_rng(0).permutation(len(table))[:rows])
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.take(keep), target)
    return str(target)


def comparison(setting: str, train: str, test: str, seeds: int, heads: list[str]) -> Comparison:
    parts = dict(SETTINGS[setting])
    data = DataRecipe(train=train, test=test, **parts.pop("data", {}))
    arms = []
    for head in heads:
        strategies = (
            ["random", "rejection", "confusion"] if head != "softmax" else ["random", "entropy", "margin"]
        )
        plain = {"name": "nce", "kernel": "gaussian", "feature_map": "l2", "projection": False}
        changes = {f"model.head.{key}": value for key, value in {**plain, **HEADS[head]}.items()}
        for strategy in strategies[: 1 if head in RANDOM_ONLY else 3]:
            arms.append(Arm(name=f"{head} | {strategy}", changes={**changes, "loop.strategy": strategy}))
    return Comparison(base=Recipe(data=data, **parts), arms=tuple(arms), seeds=tuple(range(seeds)))


def table(results, heads: list[str]) -> str:
    """Mean over cycles in %, with the deviation over seeds; gains over random with their 95 % interval."""
    lines = [
        "| head | first cycle | random, mean over cycles | rejection - random | confusion - random |",
        "|---|---|---|---|---|",
    ]
    for head in heads:
        random = results.curves(f"{head} | random")
        if not random:
            continue
        first = np.array([curve.accuracy[0] for curve in random.values()]) * 100
        mean = np.array([np.mean(curve.accuracy) for curve in random.values()]) * 100
        cells = [
            head,
            f"{first.mean():.2f}",
            f"{mean.mean():.2f} ± {mean.std(ddof=min(1, len(mean) - 1)):.2f}",
        ]
        names = ["entropy", "margin"] if head == "softmax" else ["rejection", "confusion"]
        for name in names:
            curves = {} if head in RANDOM_ONLY else results.curves(f"{head} | {name}")
            both = sorted(curves.keys() & random.keys())
            if not both:
                cells.append("")
                continue
            gain = paired_difference(
                [100 * float(np.mean(curves[s].accuracy)) for s in both],
                [100 * float(np.mean(random[s].accuracy)) for s in both],
            )
            interval = "" if gain.low is None else f" ({gain.low:+.2f} to {gain.high:+.2f})"
            label = f"{name}: " if head == "softmax" else ""
            interval = "" if gain.low is None else f" ({gain.low:+.2f} to {gain.high:+.2f})"
            cells.append(f"{label}{gain.spread.mean:+.2f}{interval}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("setting", choices=SETTINGS)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--heads", nargs="*", default=list(HEADS))
    parser.add_argument("--pool", type=int, default=20_000, help="images of the pool, drawn once")
    parser.add_argument("--held-out", type=int, default=5_000, help="images of the test set, drawn once")
    parser.add_argument("--processes", type=int)
    arguments = parser.parse_args()
    train = thinned(arguments.train, arguments.out / "train.parquet", arguments.pool)
    test = thinned(arguments.test, arguments.out / "test.parquet", arguments.held_out)
    plan = comparison(arguments.setting, train, test, arguments.seeds, arguments.heads)

    def show(event) -> None:
        if event["event"] == "trial":
            print("done:", event["trial"], flush=True)

    results = run(plan, arguments.out, processes=arguments.processes, on_event=show)
    print(table(results, arguments.heads))


if __name__ == "__main__":
    main()

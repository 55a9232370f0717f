"""The tables of benchmarks/results/features_selection.md, from the runs of benchmarks/selection.py.

    python benchmarks/selection_table.py benchmarks/results/features_selection.csv

Differences are paired by set and seed; an interval is of the mean over sets, each set's own mean over its
seeds counting once (Student), or, for one set, over its seeds. A win rate is over (set, seed, cycle), the
common first cycle left out, a tie counting half; its interval draws sets and their seeds again (bootstrap).
So does that of the part of the labels, of which an arm that doesn't get there counts as needing all: a mean
with such arms in it is a least one.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from ncenet.compare.statistics import paired_difference

Curve = list[tuple[int, float]]
Runs = dict[tuple[str, str, int], Curve]
BASE, RIVALS = "softmax random", ("softmax margin", "softmax uherding", "nce margin", "nce herding")
DRAWS = 2000


def read(file: Path, measure: str) -> Runs:
    """Labels and accuracy in %, by set, arm and seed."""
    runs: dict[tuple[str, str, int], Curve] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            key = row["set"], row["arm"], int(row["seed"])
            runs[key].append((int(row["labels"]), 100 * float(row[measure])))
    return dict(runs)


def area(curve: Curve) -> float:
    return float(np.mean([accuracy for _, accuracy in curve]))


def seeds_of(runs: Runs, name: str, *arms: str) -> list[int]:
    return sorted(set.intersection(*({s for n, a, s in runs if (n, a) == (name, arm)} for arm in arms)))


def ends(arm: list[float], base: list[float]) -> str:
    difference = paired_difference(arm, base)
    if difference.low is None or difference.high is None:
        return f"{difference.spread.mean:+.1f}"
    return f"{difference.spread.mean:+.1f} ± {(difference.high - difference.low) / 2:.1f}"


def labels_to(curve: Curve, level: float) -> float | None:
    """Labels at which a curve reaches a level, straight between cycles."""
    before = None
    for labels, accuracy in curve:
        if accuracy >= level:
            if before is None or before[1] == accuracy:
                return float(labels)
            return before[0] + (labels - before[0]) * (level - before[1]) / (accuracy - before[1])
        before = labels, accuracy
    return None


def part_of_labels(runs: Runs, name: str, arm: str, seeds: list[int]) -> float:
    """Part of the labels with which an arm reaches what random reaches with all; inf where it doesn't."""
    base = mean_curve(runs, name, BASE, seeds)
    needed = labels_to(mean_curve(runs, name, arm, seeds), base[-1][1])
    return np.inf if needed is None else needed / base[-1][0]


def mean_part(runs: Runs, sets: list[str], arm: str) -> str:
    """Mean over sets, with a 95 % interval."""
    seeds = {name: seeds_of(runs, name, BASE, arm) for name in sets}
    seeds = {name: some for name, some in seeds.items() if some}
    if not seeds:
        return "-"
    own = [part_of_labels(runs, name, arm, some) for name, some in seeds.items()]
    rng, names, drawn = np.random.default_rng(0), list(seeds), []
    for _ in range(DRAWS // 4):
        picked = [names[i] for i in rng.choice(len(names), len(names))]
        parts = [part_of_labels(runs, n, arm, rng.choice(seeds[n], len(seeds[n])).tolist()) for n in picked]
        drawn.append(np.minimum(parts, 1).mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    least = "at least " if np.inf in own else ""
    return f"{least}{np.minimum(own, 1).mean():.0%} ({low:.0%} to {high:.0%})"


def mean_curve(runs: Runs, name: str, arm: str, seeds: list[int]) -> Curve:
    curves = [runs[name, arm, seed] for seed in seeds]
    return [
        (points[0][0], float(np.mean([accuracy for _, accuracy in points])))
        for points in zip(*curves, strict=True)
    ]


def wins(runs: Runs, sets: list[str], arm: str, rival: str) -> str:
    """Share of (set, seed, cycle) in which an arm is ahead, with a 95 % interval."""
    won = {
        name: [
            np.mean([(a > b) + (a == b) / 2 for (_, a), (_, b) in zip(
                runs[name, arm, seed][1:], runs[name, rival, seed][1:], strict=True)])
            for seed in seeds_of(runs, name, arm, rival)
        ]
        for name in sets
    }  # fmt: skip
    won = {name: rates for name, rates in won.items() if rates}
    if not won:
        return "-"
    rng = np.random.default_rng(0)
    names, drawn = list(won), []
    for _ in range(DRAWS):
        picked = rng.choice(len(names), len(names))
        drawn.append(np.mean([np.mean(rng.choice(won[names[i]], len(won[names[i]]))) for i in picked]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.mean([np.mean(rates) for rates in won.values()]):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    for measure in ("accuracy", "balanced"):
        runs = read(args.file, measure)
        sets = list(dict.fromkeys(name for name, _, _ in runs))
        arms = list(dict.fromkeys(arm for _, arm, _ in runs))
        print(f"\n## {'Accuracy' if measure == 'accuracy' else 'Balanced accuracy'}\n")
        print(f"| arm | {' | '.join(sets)} | all sets |\n|---|{'---:|' * (len(sets) + 1)}")
        for arm in arms:
            cells, means = [], []
            for name in sets:
                seeds = seeds_of(runs, name, BASE, arm)
                if not seeds:
                    cells.append("-")
                    continue
                own, base = ([area(runs[name, each, seed]) for seed in seeds] for each in (arm, BASE))
                cells.append(f"{np.mean(own):.1f}" if arm == BASE else ends(own, base))
                means.append(float(np.mean(own) - np.mean(base)))
            total = "0" if arm == BASE else ends(means, [0.0] * len(means)) if len(means) > 1 else "-"
            print(f"| {arm} | {' | '.join(cells)} | {total} |")
        print(f"\nSeeds: {', '.join(f'{n} {len(seeds_of(runs, n, BASE))}' for n in sets)}.\n")
        if measure == "accuracy":
            print("### Win rates over (set, seed, cycle)\n")
            print(
                f"| arm | {' | '.join(f'against {rival}' for rival in RIVALS)} |\n|---{'|---' * len(RIVALS)}|"
            )
            for arm in arms:
                print(f"| {arm} | {' | '.join(wins(runs, sets, arm, rival) for rival in RIVALS)} |")
            print(f"\n### Part of the labels to reach what {BASE} reaches with all of them\n")
            print(f"| arm | {' | '.join(sets)} | mean |\n|---|{'---:|' * (len(sets) + 1)}")
            for arm in arms:
                parts = []
                for name in sets:
                    seeds = seeds_of(runs, name, BASE, arm)
                    if not seeds:
                        parts.append(None)
                        continue
                    parts.append(part_of_labels(runs, name, arm, seeds))
                shown = ["-" if p is None else "not reached" if p == np.inf else f"{p:.0%}" for p in parts]
                print(f"| {arm} | {' | '.join(shown)} | {mean_part(runs, sets, arm)} |")


if __name__ == "__main__":
    main()

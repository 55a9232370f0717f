"""Whether verdicts can be trusted: arms that are the same, compared a thousand times over.

    python benchmarks/verdicts.py
    python benchmarks/verdicts.py --stored benchmarks/results/fashion_mnist.csv

*Simulated*: arms of equal worth, runs whose accuracies vary by seed as normal numbers do, and by test image;
the truth is known. *Stored*: the seeds of one arm of a committed comparison, split into two halves at random.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np

from ncenet.compare.statistics import (
    Difference,
    Spread,
    paired_difference,
    pooled_deviation,
    seeds_to_show,
)

DEVIATION = 0.012
"""Of a run's mean over cycles about its arm's, as on Fashion-MNIST with a small network."""
IMAGES, CYCLES = 1000, 6


def runs(worth: np.ndarray, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """Means over cycles (A, S): what a seed shares, what a run has of its own, counts of test images."""
    shared = 0.02 * rng.standard_normal((1, seeds))
    own = DEVIATION * rng.standard_normal((len(worth), seeds))
    accuracy = (worth[:, None] + shared + own)[..., None].repeat(CYCLES, -1).clip(0, 1)
    return rng.binomial(IMAGES, accuracy).mean(-1) / IMAGES


def deviation_of_differences(draws: int = 20_000) -> float:
    """The true deviation of paired differences, by many draws."""
    one, other = runs(np.full(2, 0.8), draws, np.random.default_rng(99))
    return float((one - other).std())


def compare(table: np.ndarray) -> list[Difference]:
    """Each arm against the first, as a report does."""
    step, first = 1 / IMAGES / CYCLES, table[0].tolist()
    found = [paired_difference(row.tolist(), first, step=step) for row in table[1:]]
    spreads: list[Spread] = [each.spread for each in found]
    pooled = [pooled_deviation(s, spreads[:n] + spreads[n + 1 :]) for n, s in enumerate(spreads)]
    return [replace(d, pooled=p, freedom=f) for d, (p, f) in zip(found, pooled, strict=True)]


def simulated(comparisons: int, seeds: int, arms: int, gap: float = 0.0, seed: int = 0) -> dict[str, float]:
    """Shares of verdicts, coverage, and how often the number of seeds is right within a factor of two."""
    rng, true = np.random.default_rng([seed, seeds, arms]), deviation_of_differences()
    worth = np.full(arms, 0.8)
    worth[1:] += gap
    counts: dict[str, float] = defaultdict(float)
    for _ in range(comparisons):
        found = compare(runs(worth, seeds, rng))[
            0
        ]  # one of each: pairs of one comparison depend on each other
        counts[found.verdict] += 1
        assert found.low is not None and found.high is not None
        counts["covered"] += found.low <= gap <= found.high
        if found.verdict == "unclear":
            needed = seeds_to_show(found.target, true)
            alone = seeds_to_show(found.target, found.spread.deviation or 0.0)
            counts["within two, own deviation"] += needed / 2 <= max(seeds, alone) <= 2 * needed
            if found.more_seeds is not None:
                counts["said"] += 1
                counts["within two"] += needed / 2 <= seeds + found.more_seeds <= 2 * needed
    shares = {name: counts[name] / comparisons for name in ("better", "worse", "alike", "covered")}
    shares["false"] = shares["better"] + shares["worse"]
    for name, of in (("within two", "said"), ("within two, own deviation", "unclear")):
        shares[name] = counts[name] / counts[of] if counts[of] else float("nan")
    return shares


def stored(files: list[Path], comparisons: int) -> dict[str, float]:
    """Halves of the seeds of one arm against each other."""
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if row.get("accuracy") and row.get("finished", "yes") == "yes":
                    values[file.stem, row["arm"], row["seed"]].append(float(row["accuracy"]))
    arms: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (name, arm, _), accuracy in values.items():
        arms[name, arm].append(float(np.mean(accuracy)))
    usable = [means for means in arms.values() if len(means) >= 6]
    rng, wrong, alike = np.random.default_rng(0), 0, 0
    for _ in range(comparisons):
        means = rng.permutation(usable[rng.integers(len(usable))]).tolist()
        half = len(means) // 2
        verdict = paired_difference(means[:half], means[half : 2 * half], step=1 / 10_000).verdict
        wrong += verdict in ("better", "worse")
        alike += verdict == "alike"
    return {"arms": len(usable), "false": wrong / comparisons, "alike": alike / comparisons}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--stored", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = [
        "| seeds | arms | false verdicts, % | covered, % | alike, % | seeds right within 2, % | by own, % |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for seeds in (3, 5, 10, 20):
        for arms in (2, 8):
            s = simulated(given.comparisons, seeds, arms)
            numbers = (s[n] for n in ("false", "covered", "alike", "within two", "within two, own deviation"))
            lines.append(
                f"| {seeds} | {arms} | "
                + " | ".join("not said" if isnan(n) else f"{100 * n:.1f}" for n in numbers)
                + " |"
            )
    lines += [
        "",
        "| seeds | truly better by, points | called alike, % | called better, % |",
        "|---:|---:|---:|---:|",
    ]
    for seeds in (5, 20, 100):
        for gap in (0.006, 0.02):
            s = simulated(given.comparisons, seeds, 2, gap)
            alike, better = 100 * s["alike"], 100 * s["better"]
            lines.append(f"| {seeds} | {100 * gap:.1f} | {alike:.1f} | {better:.1f} |")
    if given.stored:
        s = stored(given.stored, given.comparisons)
        lines += [
            "",
            f"Stored: {int(s['arms'])} arms with six seeds or more, the seeds of one split into two halves, "
            f"{given.comparisons:,} splits: false verdicts {100 * s['false']:.1f} %, alike "
            f"{100 * s['alike']:.1f} %.",
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The tables of a result page, from the CSV file that a comparison's report leaves.

    python benchmarks/tables.py benchmarks/results/fashion_mnist.csv
    python benchmarks/tables.py benchmarks/results/clothing10.csv --measure balanced_accuracy
    python benchmarks/tables.py benchmarks/results/fashion_mnist.csv --pairs 'NCE confusion' 'softmax margin'
    python benchmarks/tables.py benchmarks/results/one_radius.csv --set clothes

Prints a row for each arm: its accuracy at each number of labels, and the difference of its mean over the
cycles to the baseline and to random with the same head, paired by seed, with Student's 95 % interval. With
--pairs, the first arm against the second, the third against the fourth. Several files are read as one; a
trial that stands in two of them is an error.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from ncenet.compare.statistics import Difference, Spread, paired_difference

Curves = dict[str, dict[int, tuple[float, ...]]]
"""Of each arm, by seed, the number of each cycle."""


def read(files: list[Path], measure: str, of_set: str | None = None) -> tuple[list[int], Curves]:
    """Sizes of the labelled set, and the curves of the trials that have come as far as the others."""
    points: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    sets: set[str] = set()
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                sets.add(row.get("set", ""))
                if of_set is not None and row.get("set") != of_set:
                    continue
                curve, labels = points[row["arm"], int(row["seed"])], int(row["labels"])
                if labels in curve:
                    raise SystemExit(f"{row['arm']}, seed {row['seed']}: stands there twice")
                curve[labels] = float(row[measure])
    if of_set is not None and of_set not in sets:
        raise SystemExit(f"no rows of the set {of_set!r}, but of {sorted(sets - {''}) or 'none by name'}")
    sizes = sorted({labels for curve in points.values() for labels in curve})
    curves: Curves = defaultdict(dict)
    for (arm, seed), curve in sorted(points.items()):
        if len(curve) == len(sizes):
            curves[arm][seed] = tuple(curve[labels] for labels in sizes)
    return sizes, curves


def difference(curves: Curves, arm: str, against: str) -> tuple[Difference, int]:
    """Of the means over the cycles, and over how many seeds."""
    seeds = [seed for seed in curves[arm] if seed in curves[against]]
    means = [[100 * fmean(curves[name][seed]) for seed in seeds] for name in (arm, against)]
    return paired_difference(*means), len(seeds)


def spell(found: Difference) -> str:
    """A difference as result pages have it: +1.16 (+0.89 to +1.44)."""
    if found.low is None:
        return f"{found.spread.mean:+.2f} (one seed)"
    return f"{found.spread.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def random_of(arm: str, curves: Curves) -> str | None:
    """The arm of the same head that picks at random; of "NCE margin, longer" perhaps "NCE random, longer"."""
    head, tail = arm.split()[0], "".join(arm.partition(",")[1:])
    return next((name for name in (f"{head} random{tail}", f"{head} random") if name in curves), None)


def table(sizes: list[int], curves: Curves, baseline: str) -> None:
    columns = [
        "arm",
        "seeds",
        *(f"{size:,}" for size in sizes),
        "mean",
        f"against {baseline}",
        "against random",
    ]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for arm, by_seed in curves.items():
        cells = [arm, str(len(by_seed))]
        for of_cycle in zip(*by_seed.values(), strict=True):
            spread = Spread.of([100 * value for value in of_cycle])
            deviation = "" if spread.deviation is None else f"±{spread.deviation:.1f}"
            cells.append(f"{spread.mean:.1f}{deviation}")
        cells.append(f"{100 * fmean(map(fmean, by_seed.values())):.2f}")
        for against in (baseline, random_of(arm, curves)):
            shared = against in curves and against != arm and set(by_seed) & set(curves[against])
            cells.append(spell(difference(curves, arm, against)[0]) if shared and against else "")
        print(f"| {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--measure", choices=["accuracy", "balanced_accuracy"], default="accuracy")
    parser.add_argument("--baseline", default="NCE random")
    parser.add_argument("--set", help="of a comparison across sets: this one alone")
    parser.add_argument("--pairs", nargs="*", default=[], metavar="ARM")
    arguments = parser.parse_args()
    sizes, curves = read(arguments.files, arguments.measure, arguments.set)
    if not arguments.pairs:
        table(sizes, curves, arguments.baseline)
    for one, other in zip(arguments.pairs[::2], arguments.pairs[1::2], strict=True):
        found, seeds = difference(curves, one, other)
        print(f"{one} - {other}: {spell(found)}, {seeds} seeds")


if __name__ == "__main__":
    main()

"""What labels buy on photographs of clothes, with pretrained features and without: the figure of the README.

    python benchmarks/features_curve.py docs/images/features-curve.svg

Drawn from two files that stand in `benchmarks/results`; `features_curve.md` there has their commands. Prints
the means that it draws.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"
LINES = (
    ("clothing10_features.csv", "nce herding", "pretrained features, herding chooses", "#1b6ca8", "-"),
    ("clothing10_features.csv", "nce random", "pretrained features, random images", "#1b6ca8", "--"),
    ("clothing10.csv", "NCE random", "a small network from scratch, random images", "#b3541e", "--"),
)


def read(file: str, arm: str) -> tuple[list[int], list[float], list[float]]:
    """Labels, mean accuracy and its deviation over the seeds, in %."""
    found = defaultdict(list)
    with (RESULTS / file).open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["arm"] == arm:
                found[int(row["labels"])].append(100 * float(row["accuracy"]))
    labels = sorted(found)
    return (
        labels,
        [float(np.mean(found[n])) for n in labels],
        [float(np.std(found[n], ddof=1)) for n in labels],
    )


def main() -> None:
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "ncenet", "font.size": 11}
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    for file, arm, name, colour, style in LINES:
        labels, mean, deviation = read(file, arm)
        print(name, dict(zip(labels, (round(value, 1) for value in mean), strict=True)))
        axes.plot(labels, mean, style, color=colour, label=name)
        low, high = np.subtract(mean, deviation), np.add(mean, deviation)
        axes.fill_between(labels, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="labels", ylabel="right on unseen images, %", xlim=(0, 1000), ylim=(30, 90))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()

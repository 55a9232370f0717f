"""The picture of docs/methods/herding.md: what margin asks for and what herding asks for, on digits.

    python benchmarks/herding_picture.py docs/images/herding.svg

Five digits in their first two principal components, a head of one radius on twelve labels. Everything is as
in a run, but that a run has more components.
"""

from __future__ import annotations

import sys

import matplotlib
import numpy as np
import torch
from sklearn.datasets import load_digits

from ncenet.functional import herd, margin
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.strategies.score import normalized

DIGITS, IMAGES, LABELED, PICKS = (0, 1, 2, 3, 4), 400, 12, 6


def main(file: str) -> None:
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "ncenet", "font.size": 9})
    from matplotlib import pyplot as plt

    pixels, digits = load_digits(return_X_y=True)
    rows = np.random.default_rng(1).permutation(np.isin(digits, DIGITS).nonzero()[0])[:IMAGES]
    centred = pixels[rows] - pixels[rows].mean(0)
    places = torch.from_numpy(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T).float()
    places /= places.std()
    targets = torch.from_numpy(digits[rows])

    head = PrototypeClassifier(
        2, 5, feature_map="none", radius="shared", init="class-mean", projection=False, pull=5.0
    )
    fit_head(head, places[:LABELED], targets[:LABELED])
    with torch.no_grad():
        doubt = (1 + margin(normalized(head.probs(head(places))))).clamp(0, 1)[LABELED:]
        R = float(head.radius[0])
    known, pool = places[:LABELED], places[LABELED:]
    picks = {
        "margin: the most doubtful images": doubt.topk(PICKS).indices,
        "herding: those that speak for most doubt": herd(
            pool, PICKS, R, weights_N=doubt, centers_LD=known
        ).indices,
    }

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.3), sharex=True, sharey=True, layout="constrained")
    for axis, (title, chosen) in zip(axes, picks.items(), strict=True):
        dots = axis.scatter(*pool.T, c=doubt, cmap="YlOrRd", s=12, vmin=0, vmax=1, linewidths=0)
        axis.scatter(*known.T, marker="x", c="black", s=28, linewidths=1.4, label="labelled")
        axis.scatter(
            *pool[chosen].T, marker="s", s=34, facecolors="none", edgecolors="tab:blue", linewidths=1.6,
            label="asked for",
        )  # fmt: skip
        for center in pool[chosen] if "herding" in title else ():
            axis.add_patch(plt.Circle(tuple(center.tolist()), R, fill=False, color="tab:blue", alpha=0.5))
        axis.set(title=title, xticks=[], yticks=[], aspect="equal")
    axes[0].legend(loc="lower left", fontsize=8)
    figure.colorbar(dots, ax=axes, label="doubt, 1 - margin", shrink=0.8)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1])

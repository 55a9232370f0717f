"""Information of subsets of the pool, softmax beside NCE (Fig. 3 of the paper, both panels)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ncenet.compare.analysis.records import Information, InformationCurve
from ncenet.compare.statistics import Spread
from ncenet.counts import count_of
from ncenet.report.figures.drawing import GREY, INK, PALETTE, dress_plot, legend
from ncenet.report.words import spread_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.0, 3.4)
"""Inches."""
GRID = 201
"""Points of a mean curve."""


def information_figure(information: Mapping[int, Information]) -> Figure:
    """Left the information of each image, right that of the most informative ones together.

    Thick lines are means over seeds, thin ones single seeds.

    Args:
        information: by seed, at least one.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    single, subset = figure.subplots(1, 2)
    for n, (arm, curves) in enumerate(_by_arm(information).items()):
        _draw(single, arm, curves, [curve.relative for curve in curves], PALETTE[n])
        _draw(subset, arm, curves, [[100 * s for s in curve.subset] for curve in curves], PALETTE[n])
    single.axhline(1, color=GREY, linestyle="--", linewidth=1)
    subset.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="all images alike")
    subset.axvline(10, color=INK, linestyle=":", linewidth=1)
    single.set_ylim(bottom=0)
    dress_plot(single, "images by falling information, %", "information, times the mean")
    dress_plot(subset, "most informative images, %", "their share of all information, %")
    legend(figure, subset, columns=3)
    return figure


def information_caption(information: Mapping[int, Information]) -> str:
    """What the figure shows, from what, and the paper's claim as a number."""
    by_arm = _by_arm(information)
    first = next(iter(by_arm.values()))
    n = len(information)
    shares = {arm: Spread.of([curve.top_tenth for curve in curves]) for arm, curves in by_arm.items()}
    said = "; ".join(f"{arm} {spread_words(share)} %" for arm, share in shares.items())
    seeds = "One seed." if n == 1 else f"Thick the means over {n} seeds, thin each of them."
    return (
        f"Information (Eq. 10) of {first[0].images:,} random unlabelled images by the networks of the first "
        f"cycle, after {count_of(first[0].labeled, 'label')}: left of each image (Eq. 11), right of the most "
        f"informative ones together (Eq. 12), as in the paper's Fig. 3. {seeds} "
        f"The most informative tenth holds: {said}.{_claim(by_arm)}"
    )


def _claim(by_arm: Mapping[str, Sequence[InformationCurve]]) -> str:
    """How many seeds have what the paper says of its own."""
    of_head = {curves[0].head: curves for curves in by_arm.values()}
    if of_head.keys() != {"nce", "softmax"}:
        return ""
    pairs = list(zip(of_head["nce"], of_head["softmax"], strict=True))
    more = sum(nce.top_tenth > softmax.top_tenth for nce, softmax in pairs)
    seeds = "seed" if len(pairs) == 1 else "seeds"
    return (
        f" The paper has more there with NCE than with softmax; that holds in {more} of {len(pairs)} {seeds}."
    )


def _by_arm(information: Mapping[int, Information]) -> dict[str, list[InformationCurve]]:
    by_arm: dict[str, list[InformationCurve]] = {}
    for measured in information.values():
        for curve in measured.curves:
            by_arm.setdefault(curve.arm, []).append(curve)
    return by_arm


def _draw(
    axes: Axes,
    arm: str,
    curves: Sequence[InformationCurve],
    values: Sequence[Sequence[float]],
    colour: str,
) -> None:
    import numpy as np

    # Seeds may differ in how many images they have: they meet at parts of all images.
    parts = np.linspace(100 / GRID, 100, GRID)
    lines = [
        np.interp(parts, [100 * rank / curve.images for rank in curve.ranks], value)
        for curve, value in zip(curves, values, strict=True)
    ]
    if len(lines) > 1:
        for line in lines:
            axes.plot(parts, line, color=colour, linewidth=0.6, alpha=0.4)
    axes.plot(parts, np.mean(lines, 0), color=colour, linewidth=1.8, label=arm)

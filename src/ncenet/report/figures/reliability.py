"""The reliability diagram: accuracy over confidence, beside the line on which they are equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.report.figures.drawing import GREY, PALETTE, dress_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 3.6
"""Inches."""
LARGEST = 120.0
"""Points squared of the dot of the bin that has most images."""


def reliability_diagram(bins: Sequence[tuple[int, float, float]]) -> Figure:
    """Draw a dot for each bin, the larger the more images it has.

    Args:
        bins: images, mean confidence and part that is right, both in [0, 1].
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIDE, SIDE), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle="--")
    most = max(images for images, _, _ in bins)
    axes.scatter(
        [100 * confidence for _, confidence, _ in bins],
        [100 * right for _, _, right in bins],
        s=[max(6.0, LARGEST * images / most) for images, _, _ in bins],
        color=PALETTE[0],
        zorder=3,
    )
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    dress_plot(axes, "How sure, %", "Right, %")
    return figure

"""The critical-difference diagram of Demsar (2006): mean ranks on a line, bars over what is alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.compare.across.ranks import Ranks
from ncenet.report.figures.drawing import FONT_POINTS, GREY, INK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW = 8.6, 0.24
"""Inches of the figure, and of a row of it."""


def rank_diagram(arms: Sequence[str], ranked: Ranks, finer: Ranks | None = None) -> Figure:
    """Draw mean ranks with their critical difference.

    Args:
        arms: names.
        ranked: where they stand, and whose groups are drawn thick.
        finer: whose groups are drawn thin below, at the places of ``ranked``.
    """
    from matplotlib.figure import Figure

    order = sorted(range(len(arms)), key=lambda a: float(ranked.mean[a]))
    half = (len(order) + 1) // 2
    groups = [(group, True) for group in ranked.alike()]
    groups += [(group, False) for group in finer.alike()] if finer is not None else []
    rows = half + 0.6 * len(groups) + 3
    figure = Figure(figsize=(WIDTH, ROW * rows + 0.3), layout="constrained")
    axes = figure.add_subplot()
    last = len(arms)
    _scale(axes, last, ranked.critical)
    depth = 0.0
    for group, thick in groups:
        depth += 0.6
        places = [float(ranked.mean[a]) for a in group]
        axes.plot(
            [min(places) - 0.03, max(places) + 0.03],
            [-depth, -depth],
            color=PALETTE[0] if thick else GREY,
            linewidth=4 if thick else 1.6,
            solid_capstyle="butt",
        )
    for n, a in enumerate(order):
        left = n < half
        row = -depth - 1 - (n if left else len(order) - 1 - n)
        edge = 1 - 0.08 * last if left else last + 0.08 * last
        place = float(ranked.mean[a])
        axes.plot([place, place, edge], [0, row, row], color=INK, linewidth=0.8)
        axes.text(
            edge,
            row,
            f"{arms[a]}  {place:.2f} " if left else f" {place:.2f}  {arms[a]}",
            ha="right" if left else "left",
            va="center",
            color=INK,
            fontsize=FONT_POINTS,
            parse_math=False,
        )
    axes.set_ylim(-depth - half - 0.7, 2.3)
    axes.set_xlim(1 - 0.55 * last, last + 0.55 * last)
    axes.axis("off")
    return figure


def _scale(axes: Axes, last: int, critical: float | None) -> None:
    axes.plot([1, last], [0, 0], color=INK, linewidth=1)
    for rank in range(1, last + 1):
        axes.plot([rank, rank], [0, 0.22], color=INK, linewidth=1)
        axes.text(rank, 0.35, str(rank), ha="center", va="bottom", color=INK, fontsize=FONT_POINTS - 1)
    if critical is None:
        return
    shown = min(critical, last - 1)
    axes.plot([1, 1 + shown], [1.5, 1.5], color=PALETTE[0], linewidth=2)
    more = " (beyond the scale)" if critical > last - 1 else ""
    axes.text(
        1 + shown / 2,
        1.6,
        f"CD = {critical:.2f}{more}",
        ha="center",
        va="bottom",
        color=INK,
        fontsize=FONT_POINTS - 1,
    )

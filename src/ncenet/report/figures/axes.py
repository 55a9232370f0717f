"""Axes in the ink of the page, which follows light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.report.figures.drawing import FONT_POINTS, GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS = 200
"""Dots per inch of what is drawn as pixels within an SVG."""


def dress_plot(axes: Axes, x: str, y: str) -> None:
    """Name the axes, and draw them as the learning curves are drawn."""
    axes.set_xlabel(x, color=INK, fontsize=FONT_POINTS)
    axes.set_ylabel(y, color=INK, fontsize=FONT_POINTS)
    axes.tick_params(colors=INK, labelsize=FONT_POINTS - 1)
    axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)


def dress_picture(axes: Axes, title: str = "") -> None:
    """A square without ticks, for coordinates that mean nothing by themselves."""
    axes.set_title(title, color=INK, fontsize=FONT_POINTS, parse_math=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1)
    for spine in axes.spines.values():
        spine.set_color(GREY)
        spine.set_linewidth(0.6)


def legend(figure: Figure, axes: Axes, columns: int) -> None:
    """The names that the drawings on some axes have, above the figure."""
    handles, names = axes.get_legend_handles_labels()
    shown = figure.legend(
        handles,
        names,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        markerscale=1.6,
        handletextpad=0.4,
        fontsize=FONT_POINTS,
        labelcolor=INK,
    )
    for text in shown.get_texts():
        text.set_parse_math(False)

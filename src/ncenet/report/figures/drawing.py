"""How figures and their axes look, and how they become files: readable small, in grey and in the dark."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from ncenet.report.figures.glyphs import with_glyphs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#A0522D")
"""Okabe and Ito's colours (2008), told apart by the colour-blind; their yellow, lost on white, is a brown."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
GREY = "#7F7F7F"
INK = "#1A1B1C"
"""Text and axes. A colour that nothing else has: in an SVG it becomes the colour of the text around it."""
FONT_POINTS = 10
DOTS = 200
"""Dots per inch of what is drawn as pixels within an SVG, and of a PNG."""


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG on white, 200 dots per inch."""
    file = io.BytesIO()
    with with_glyphs(figure, told=True):
        figure.savefig(file, format="png", dpi=DOTS)
    return file.getvalue()


def as_svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element without background, its text in the colour and font of the page.

    Several of them can stand on one page: the ids that are left name what they hold, by a hash.
    """
    import matplotlib

    file = io.StringIO()
    # Text stays text, and ids don't change from one time to the next.
    svg_settings = matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ncenet"})
    with svg_settings, with_glyphs(figure, told=False):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK.lower(), "currentColor")
    return re.sub(r'<g id="[^"]*"', "<g", svg)


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

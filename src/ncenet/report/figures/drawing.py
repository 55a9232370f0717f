"""How figures look, and how they become files: readable small, in grey and in the dark."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#A0522D")
"""Okabe and Ito's colours (2008), told apart by the colour-blind; their yellow, lost on white, is a brown."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
GREY = "#7F7F7F"
INK = "#1A1B1C"
"""Text and axes. A colour that nothing else has: in an SVG it becomes the colour of the text around it."""
FONT_POINTS = 10


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG on white, 200 dots per inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=200)
    return file.getvalue()


def as_svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element without background, its text in the colour and font of the page.

    Several of them can stand on one page: the ids that are left name what they hold, by a hash.
    """
    import matplotlib

    file = io.StringIO()
    # Text stays text, and ids don't change from one time to the next.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ncenet"}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK.lower(), "currentColor")
    return re.sub(r'<g id="[^"]*"', "<g", svg)

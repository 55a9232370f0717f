"""Decision regions in a plane, and what each score finds informative there (Fig. 1 and 2 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ncenet.compare.analysis.records import Regions
from ncenet.report.figures.drawing import DOTS, GREY, INK, PALETTE, dress_picture, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.0, 2.85)
"""Inches."""
COLOURS = (PALETTE[0], PALETTE[1], PALETTE[2])
TINT, SHADE = 0.3, 0.75
"""Opacity of a class where the score is 0, and of the grey where it is as large as can be."""
HALF = 50
"""Percent of the largest score; the line is drawn there."""


def regions_figure(regions: Regions) -> Figure:
    """Three panels: softmax with entropy, prototypes with rejection, prototypes with confusion."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained", dpi=DOTS)
    panels = figure.subplots(1, 3)
    for axes, (title, classes, score) in zip(panels, _panels(regions), strict=True):
        _draw_plane(axes, regions, classes, score)
        _draw_images(axes, regions)
        dress_picture(axes, title)
    for axes in panels[1:]:
        _draw_prototypes(axes, regions)
    legend(figure, panels[1], columns=6)
    return figure


def regions_caption(regions: Regions) -> str:
    """What was trained on what, and how much of the plane each score finds informative."""
    shares = [sum(s >= HALF for s in score) / len(score) for _, _, score in _panels(regions)]
    said = "{} % for entropy, {} % for rejection, {} % for confusion".format(
        *(f"{100 * s:.0f}" for s in shares)
    )
    names = ", ".join(regions.class_names)
    return (
        "Two small heads, softmax (Eq. 1) and prototypes with a Gaussian kernel (Eq. 6), trained for this "
        f"figure on the same {len(regions.x):,} labelled images of {len(regions.class_names)} classes "
        f"({names}): their features by the network of {regions.arm}, seed {regions.seed}, cycle "
        f"{regions.cycle}, in the plane through the class means. Small dots are {len(regions.pool_x):,} "
        "unlabelled images of all classes. Colour is the predicted class, grey what the score finds "
        f"informative; where it is above half its range, beyond the line, lie {said} of the plane shown. "
        "Dashed circles are the radii. A picture of the idea behind the paper's Fig. 1 and 2, not of a "
        "network that was compared."
    )


def _panels(regions: Regions) -> list[tuple[str, Sequence[int], Sequence[int]]]:
    return [
        ("softmax, entropy", regions.softmax_class, regions.entropy),
        ("NCE, rejection", regions.nce_class, regions.rejection),
        ("NCE, confusion", regions.nce_class, regions.confusion),
    ]


def _draw_plane(axes: Axes, regions: Regions, classes: Sequence[int], score: Sequence[int]) -> None:
    import numpy as np
    from matplotlib.colors import to_rgb

    square = (regions.side, regions.side)
    class_SS = np.array(classes).reshape(square)
    part_SS1 = np.array(score).reshape(*square, 1) / 100
    tints: Any = np.array([to_rgb(colour) for colour in COLOURS])[class_SS]
    pixels = np.empty((*square, 4))
    pixels[..., :3] = (1 - part_SS1) * tints + part_SS1 * np.array(to_rgb(GREY))
    pixels[..., 3:] = (1 - part_SS1) * TINT + part_SS1 * SHADE
    axes.imshow(pixels, origin="lower", extent=regions.window, interpolation="none", aspect="auto")
    x = np.linspace(regions.window[0], regions.window[1], regions.side)
    y = np.linspace(regions.window[2], regions.window[3], regions.side)
    for c in range(len(regions.class_names)):  # where the predicted class changes
        axes.contour(x, y, class_SS == c, levels=[0.5], colors=[GREY], linewidths=0.8)
    if part_SS1.min() < HALF / 100 < part_SS1.max():
        axes.contour(x, y, part_SS1[..., 0], levels=[HALF / 100], colors=[INK], linewidths=1.0)


def _draw_images(axes: Axes, regions: Regions) -> None:
    axes.scatter(
        regions.pool_x,
        regions.pool_y,
        s=2.5,
        color=INK,
        alpha=0.6,
        linewidths=0,
        label="pool",
    )
    for c, name in enumerate(regions.class_names):
        members = [n for n, target in enumerate(regions.targets) if target == c]
        axes.scatter(
            [regions.x[n] for n in members],
            [regions.y[n] for n in members],
            s=13,
            color=COLOURS[c],
            edgecolors="white",
            linewidths=0.4,
            label=name,
        )


def _draw_prototypes(axes: Axes, regions: Regions) -> None:
    from matplotlib.patches import Circle

    x, y = zip(*regions.prototypes, strict=True)
    axes.scatter(x, y, s=70, marker="*", color=INK, linewidths=0, label="prototype", zorder=3)
    for place, radius in zip(regions.prototypes, regions.radius, strict=True):
        axes.add_patch(Circle(place, radius, fill=False, color=INK, linestyle="--", linewidth=0.8))
    axes.set_xlim(regions.window[:2])
    axes.set_ylim(regions.window[2:])

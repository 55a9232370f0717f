"""t-SNE over the cycles in one frame, NCE beside softmax (Fig. 4 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.compare.analysis.records import Embedding, Panel
from ncenet.counts import count_of
from ncenet.report.figures.drawing import DOTS, FONT_POINTS, GREY, INK, PALETTE, dress_picture, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW, TOP = 7.0, 2.35, 0.5
"""Inches: of the figure, of a row of panels, of what is above them."""
LOOKS = {
    "p": ("pool", GREY, 5.0, 0.45),
    "l": ("labelled", PALETTE[0], 9.0, 0.9),
    "q": ("queried next", PALETTE[1], 9.0, 0.9),
}
"""Name, colour, area in square points and opacity; in the order in which they are drawn."""


def embedding_figure(embedding: Embedding) -> Figure:
    """A row of panels for each arm, a column for each cycle."""
    from matplotlib.figure import Figure

    arms = list(dict.fromkeys(panel.arm for panel in embedding.panels))
    columns = len(embedding.panels) // len(arms)
    size = (WIDTH, ROW * len(arms) * 3 / max(columns, 2) + TOP)
    figure = Figure(figsize=size, layout="constrained", dpi=DOTS)
    grid = figure.subplots(len(arms), columns, squeeze=False, sharex=True, sharey=True)
    for axes, panel in zip(grid.flat, embedding.panels, strict=True):
        _draw(axes, panel)
        dress_picture(axes, count_of(panel.labeled, "label"))
    for axes, arm in zip(grid[:, 0], arms, strict=True):
        axes.set_ylabel(arm, color=INK, fontsize=FONT_POINTS, parse_math=False)
    legend(figure, grid[0, 0], columns=3)
    return figure


def embedding_caption(embedding: Embedding) -> str:
    """What the figure shows, from how many images, and how far queries lie from the labelled."""
    marked = "; ".join(
        f"{arm} {', '.join(f'{p.farther:.2f}' for p in panels if p.farther is not None)}"
        for arm, panels in _by_arm(embedding).items()
        if any(p.farther is not None for p in panels)
    )
    said = (
        "How likely a queried image is farther from its nearest labelled image, in the features themselves, "
        f"than one that stays in the pool, panel by panel (0.50: spread like the pool): {marked}."
        if marked
        else "No cycle has made a query yet."
    )
    return (
        f"t-SNE of the features of {len(embedding.panels[0].x):,} of {embedding.pool:,} images, the same in "
        f"each panel, seed {embedding.seed}, as in the paper's Fig. 4. All are in one frame: each panel "
        "starts from the places in the one beside it, so an image keeps its place as far as the network lets "
        f"it. Labelled and queried images are at most half of the points, drawn at random from more. {said}"
    )


def _by_arm(embedding: Embedding) -> dict[str, list[Panel]]:
    by_arm: dict[str, list[Panel]] = {}
    for panel in embedding.panels:
        by_arm.setdefault(panel.arm, []).append(panel)
    return by_arm


def _draw(axes: Axes, panel: Panel) -> None:
    for letter, (name, colour, area, opacity) in LOOKS.items():
        places = [n for n, status in enumerate(panel.status) if status == letter]
        axes.scatter(
            [panel.x[n] for n in places],
            [panel.y[n] for n in places],
            s=area,
            color=colour,
            alpha=opacity,
            linewidths=0,
            label=name,
            rasterized=True,  # thousands of circles would make a page of megabytes
        )

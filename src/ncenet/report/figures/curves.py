"""Learning curves over labels or boxes, one line for each arm, readable small, in grey and in the dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ncenet.compare.heads import head_name, heads
from ncenet.compare.records import HEADLINE, Results, RunResults
from ncenet.compare.statistics import per_cycle
from ncenet.recipe import BudgetUnit
from ncenet.report.figures.drawing import FONT_POINTS, GREY, INK, MARKERS, PALETTE, dress_plot
from ncenet.report.words import counted, metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.0, 4.2)
"""Inches."""
PANEL = (5.6, 3.7)
"""Inches of one of several panels, the names at the ends of its lines included."""
TOGETHER = 7
"""As many lines can be told apart in one panel: there are so many colours."""


@dataclass(frozen=True)
class Line:
    """One line of the figure.

    Attributes:
        name: stands at its end.
        labeled: sizes of the labelled set.
        mean: accuracy in [0, 1] at each.
        deviation: over seeds, at each; None draws no band.
        group: lines of one group share a panel when there are many; the head of an arm.
    """

    name: str
    labeled: Sequence[int]
    mean: Sequence[float]
    deviation: Sequence[float] | None
    group: str = ""


def lines_of_comparison(results: Results) -> list[Line]:
    """Mean and deviation over finished seeds, for each arm that has one."""
    lines = []
    of_arm = heads(results.comparison)
    for arm in results.comparison.arms:
        if curves := results.curves(arm.name):
            cycles = per_cycle(curves)
            deviations = [s.deviation for s in cycles if s.deviation is not None]
            means = [s.mean for s in cycles]
            group = head_name(of_arm[arm.name])
            lines.append(Line(arm.name, results.labeled, means, deviations or None, group))
    return lines


def lines_of_run(run: RunResults) -> list[Line]:
    """The one line of a run; none without held-out images."""
    curve = run.curve(run.recipe.loop.strategy)
    return [Line(curve.arm, curve.labeled, curve.accuracy, None)] if curve.labeled else []


def learning_curves(
    lines: Sequence[Line],
    *,
    baseline: str | None = None,
    metric: str = HEADLINE,
    unit: BudgetUnit = "image",
) -> Figure:
    """Draw the lines.

    Up to :data:`TOGETHER` lines share their axes. More are told apart by a panel for each group: its own
    lines in colour, all others in grey behind them, for comparison.

    Args:
        lines: at least one.
        baseline: the line that is drawn in grey and dashed, in every panel.
        metric: what is drawn, as :attr:`ncenet.compare.records.RunResults.metric` names it.
        unit: over what it is drawn, as :attr:`ncenet.compare.records.RunResults.unit` names it.
    """
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(line.group for line in lines))
    if len(lines) <= TOGETHER or len(groups) == 1:
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        _panel(axes, lines, [], baseline, height=SIZE[1])
        _dress(axes, lines, metric, unit)
        return figure
    rows = ceil(len(groups) / 2)
    figure = Figure(figsize=(PANEL[0] * 2, PANEL[1] * rows), layout="constrained")
    panels = figure.subplots(rows, 2, sharey=True, squeeze=False).flat
    for group, axes in zip(groups, panels, strict=False):
        own = [line for line in lines if line.group == group or line.name == baseline]
        others = [line for line in lines if line not in own]
        _panel(axes, own, others, baseline, height=PANEL[1])
        _dress(axes, own, metric, unit)
        axes.set_title(group, color=INK, fontsize=FONT_POINTS + 1, loc="left")
    for axes in list(panels):
        axes.set_visible(False)
    return figure


def is_wide(lines: Sequence[Line]) -> bool:
    """Whether :func:`learning_curves` draws panels side by side."""
    return len(lines) > TOGETHER and len({line.group for line in lines}) > 1


def _panel(
    axes: Axes,
    lines: Sequence[Line],
    behind: Sequence[Line],
    baseline: str | None,
    *,
    height: float,
) -> None:
    """One pair of axes; ``height`` of the panel in inches, to keep the names apart."""
    coloured = [line.name for line in lines if line.name != baseline]
    looks = {
        name: (PALETTE[n % len(PALETTE)], MARKERS[n % len(MARKERS)], "-") for n, name in enumerate(coloured)
    }
    if baseline is not None:
        looks[baseline] = (GREY, "o", "--")
    for line in behind:
        axes.plot(line.labeled, [100 * a for a in line.mean], color=GREY, alpha=0.35, linewidth=0.8)
    for line in lines:
        colour, marker, dash = looks[line.name]
        mean = [100 * a for a in line.mean]
        if line.deviation is not None:
            low = [m - 100 * d for m, d in zip(mean, line.deviation, strict=True)]
            high = [m + 100 * d for m, d in zip(mean, line.deviation, strict=True)]
            axes.fill_between(line.labeled, low, high, color=colour, alpha=0.13, linewidth=0)
        axes.plot(
            line.labeled, mean, color=colour, marker=marker, linestyle=dash, linewidth=1.8, markersize=5.5
        )
    _name_lines(axes, lines, {name: (c, marker) for name, (c, marker, _) in looks.items()}, height)


def _dress(axes: Axes, lines: Sequence[Line], metric: str, unit: BudgetUnit) -> None:
    labeled = sorted({n for line in lines for n in line.labeled})
    dress_plot(axes, counted(unit), f"test {metric_name(metric)}, %")
    if len(labeled) <= 10:
        axes.set_xticks(labeled)
    axes.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")


def _name_lines(axes: Axes, lines: Sequence[Line], looks: dict[str, tuple[str, str]], height: float) -> None:
    """Write each name to the right of its line's end, moved as little as keeps the names apart."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    ordered = sorted(lines, key=lambda line: line.mean[-1])
    bottom, top = axes.get_ylim()
    ends = np.array([(100 * line.mean[-1] - bottom) / (top - bottom) for line in ordered])
    steps = np.arange(len(ordered)) * 1.35 * FONT_POINTS / (height * 72 * 0.82)  # the axes are about so high
    # Least squares under "each at least one step above the one below" is isotonic regression.
    places = np.clip(isotonic_regression(ends - steps).x, 0, max(0.0, 1 - steps[-1])) + steps
    for line, place in zip(ordered, places, strict=True):
        colour, marker = looks[line.name]
        axes.annotate(
            "",
            (line.labeled[-1], 100 * line.mean[-1]),
            (1.035, place),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4},
        )
        axes.plot(1.035, place, marker, color=colour, markersize=5.5, transform=axes.transAxes, clip_on=False)
        axes.text(
            1.06,
            place,
            line.name,
            color=INK,
            fontsize=FONT_POINTS,
            va="center",
            transform=axes.transAxes,
            parse_math=False,
        )

"""Tables of classes and queries: how well each class is known, what was asked for, and who asked the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from ncenet.compare.queries import Overlap, evenness_of_arm, overlap
from ncenet.compare.records import Results, RunResults, Table
from ncenet.report.words import NOTHING, percent

MOST_COLUMNS = 12
"""As many classes stand side by side; more of them stand one below the other."""


def accuracy_per_class(results: Results) -> Table:
    """The headline number of each class in the last cycle, in %: mean over the finished seeds of each arm."""
    names = labelled_classes(results.runs.values())
    cells = {}
    for arm in results.comparison.arms:
        last = [results.runs[arm.name, seed].tested[-1].per_class for seed in results.curves(arm.name)]
        cells[arm.name] = [
            percent(fmean(known)) if (known := [c[name] for c in last if name in c]) else NOTHING
            for name in names
        ]
    return _by_class(names, cells)


def queried_per_class(results: Results) -> Table:
    """How many images of each class an arm has queried, mean over its seeds, and how even that is."""
    names = labelled_classes(results.runs.values())
    means: dict[str, list[float]] = {}
    for arm in results.comparison.arms:
        counts = [results.runs[arm.name, seed].queried_per_class for seed in results.curves(arm.name)]
        means[arm.name] = [fmean(of_run.get(name, 0) for of_run in counts) for name in names if counts]
    digits = 0 if all(mean == int(mean) for of_arm in means.values() for mean in of_arm) else 1
    cells = {
        arm: [f"{mean:,.{digits}f}" for mean in of_arm] or [NOTHING] * len(names)
        for arm, of_arm in means.items()
    }
    return _by_class(names, cells)


def evenness_by_arm(results: Results) -> Table:
    """For each arm how evenly what it queried falls on the classes, from 0 to 1."""
    names = labelled_classes(results.runs.values())
    rows = []
    for arm in results.comparison.arms:
        found = evenness_of_arm(results, arm.name, names)
        if found is None:
            rows.append((arm.name, NOTHING))
        else:
            deviation = "" if found.deviation is None else f" ± {found.deviation:.3f}"
            rows.append((arm.name, f"{found.mean:.3f}{deviation}"))
    return Table(("Arm", "Evenness of the queried classes"), tuple(rows))


def overlap_table(results: Results) -> Table:
    """How much of what each two finished arms queried is the same, in %: a triangle, columns by number."""
    arms = [arm.name for arm in results.comparison.arms if results.curves(arm.name)]
    rows = []
    for n, one in enumerate(arms):
        found = [overlap(results, one, other) for other in arms[:n]]
        cells = [NOTHING if each is None else percent(each.jaccard, 0) for each in found]
        rows.append((f"{n + 1} {one}", *cells, *[""] * (len(arms) - 1 - n)))
    return Table(("Arm", *(str(n + 1) for n in range(len(arms) - 1))), tuple(rows))


def chance_overlap_percent(results: Results) -> float | None:
    """Overlap expected of arms that pick at random, in [0, 1]; None where it is unknown."""
    arms = [arm.name for arm in results.comparison.arms]
    found: Iterable[Overlap | None] = (overlap(results, arms[0], other) for other in arms[1:])
    return next((each.chance for each in found if each is not None), None)


def labelled_classes(runs: Iterable[RunResults]) -> list[str]:
    """Classes of some runs: those that were tested in their order, then others that were labelled."""
    runs = list(runs)
    tested = [name for run in runs for cycle in run.cycles[-1:] for name in cycle.per_class]
    labeled = sorted({name for run in runs for name in (*run.initial_per_class, *run.queried_per_class)})
    return list(dict.fromkeys([*tested, *labeled]))


def _by_class(names: Sequence[str], cells: dict[str, list[str]]) -> Table:
    if len(names) <= MOST_COLUMNS:
        return Table(("Arm", *names), tuple((arm, *row) for arm, row in cells.items()))
    columns = zip(*cells.values(), strict=True)
    return Table(("Class", *cells), tuple((name, *row) for name, row in zip(names, columns, strict=True)))

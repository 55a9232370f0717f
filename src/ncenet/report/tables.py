"""Tables of results: made once as text, shown in every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import fmean

from ncenet.compare.bootstrap import Interval
from ncenet.compare.heads import reads_the_test
from ncenet.compare.records import Results, RunResults, Table
from ncenet.compare.replay import ReplayNoise
from ncenet.compare.statistics import Measure, Spread, difference_to_baseline, mean_over_cycles, per_cycle
from ncenet.report.queried import labelled_classes
from ncenet.report.words import (
    NOTHING,
    counted,
    ends,
    interval,
    metric_name,
    outlook_words,
    percent,
    points,
    spread_words,
)
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_predicted

VERDICT = frozenset({"Verdict"})
"""The column of words that most tables have."""
_QUERY_SECONDS = ("score_seconds", "select_seconds")


def summary(
    results: Results, images: Mapping[str, Interval] | None = None, replay: ReplayNoise | None = None
) -> Table:
    """For each arm its mean over cycles and its difference to the baseline, with interval and verdict.

    Args:
        results: of the comparison.
        images: by arm, the interval over seeds and test images; a column more.
        replay: how far runs are from themselves; a column more.
    """
    baseline = results.comparison.baseline_arm
    columns = ["Arm", "Mean over cycles, %", f"Against {baseline}", "95 % interval"]
    columns += ["over images too"] * bool(images) + ["Replay noise"] * bool(replay) + ["Verdict"]
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name).values()
        mean = spread_words(Spread.of([mean_over_cycles(c) for c in curves]), 2) if curves else NOTHING
        found = None if arm.name == baseline else difference_to_baseline(results, arm.name)
        if found is None:
            said = "baseline" if arm.name == baseline else "not finished"
            cells = [NOTHING] * (len(columns) - 3)
        else:
            more = outlook_words(found)
            said = found.verdict + (f": {more}" if more else "")
            if reads_the_test(results.comparison, arm.name):
                said = "oracle"
            cells = [points(found.spread.mean), interval(found)]
            if images:
                of = images.get(arm.name)
                cells.append(NOTHING if of is None else ends(of.low, of.high))
            if replay:
                cells.append(f"± {percent(replay.of_mean(found.spread.seeds), 2)}")
        rows.append((arm.name, mean, *cells, said))
    return Table(tuple(columns), tuple(rows), VERDICT)


def by_cycle(results: Results, measure: Measure = "accuracy") -> Table:
    """For each arm its accuracy at each size of the labelled set: mean and deviation over seeds, in %."""
    rows = []
    for arm in results.comparison.arms:
        cells = [spread_words(cycle) for cycle in per_cycle(results.curves(arm.name), measure)]
        rows.append((arm.name, *(cells or [NOTHING] * len(results.labeled))))
    return Table((counted(results.unit).capitalize(), *(f"{n:,}" for n in results.labeled)), tuple(rows))


def seconds(results: Results) -> Table:
    """For each arm the mean wall time of a cycle by what it went to, and its training to the baseline's."""
    reference = _mean(
        t for c in results.curves(results.comparison.baseline_arm).values() for t in c.fit_seconds
    )
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name).values()
        fit = _mean(t for c in curves for t in c.fit_seconds)
        times = fit, *(_mean(t for c in curves for t in getattr(c, part)) for part in _QUERY_SECONDS)
        whole = _mean(sum(c.fit_seconds) + sum(c.score_seconds) + sum(c.select_seconds) for c in curves)
        ratio = NOTHING if not fit or not reference else f"{fit / reference:.2f}"
        minutes = NOTHING if whole is None else f"{whole / 60:,.1f}"
        rows.append((arm.name, *(NOTHING if t is None else f"{t:,.2f}" for t in times), ratio, minutes))
    columns = ("training", "scoring the pool", "selecting", "Training, of the baseline's", "Minutes a trial")
    return Table(("Seconds a cycle", *columns), tuple(rows))


def without_empty(table: Table) -> Table:
    """The table without the rows that hold no number, those of arms that have not finished a seed.

    As it is if no row holds one.

    >>> without_empty(Table(("Arm", "%"), (("a", "50"), ("b", NOTHING)))).rows
    (('a', '50'),)
    """
    numbers = [n for n, column in enumerate(table.columns) if n and column not in table.words]
    rows = tuple(row for row in table.rows if any(row[n] != NOTHING for n in numbers))
    return replace(table, rows=rows or table.rows)


def of_run(run: RunResults) -> Table:
    """The cycles of one run."""
    rows = tuple(
        (
            f"{c.labeled:,}",
            NOTHING if c.accuracy is None else percent(c.accuracy),
            NOTHING if c.balanced_accuracy is None else percent(c.balanced_accuracy),
            NOTHING if c.fit_accuracy is None else percent(c.fit_accuracy),
            NOTHING if c.loss is None else f"{c.loss:.3f}",
            f"{c.fit_seconds:.1f}",
            NOTHING if c.score_seconds is None else f"{c.score_seconds:.1f}",
        )
        for c in run.cycles
    )
    columns = ("Test, %", "balanced, %", "Training, %", "loss", "Training, s", "Scoring, s")
    return Table((counted(run.unit).capitalize(), *columns), rows)


def classes_of_run(run: RunResults) -> Table:
    """What one run had of each class, and how well it knows it in the end."""
    last = run.cycles[-1].per_class if run.cycles else {}
    rows = tuple(
        (
            name,
            f"{run.initial_per_class.get(name, 0):,}",
            f"{run.queried_per_class.get(name, 0):,}",
            percent(last[name]) if name in last else NOTHING,
        )
        for name in labelled_classes([run])
    )
    return Table(
        (
            "Class",
            "In the initial set",
            "Queried since",
            f"Test {metric_name(run.metric)} in the last cycle, %",
        ),
        rows,
    )


def confusions_of_run(run: RunResults) -> Table | None:
    """Held-out images by class and by what the last model takes them for; None where no class was kept."""
    pairs = next((found for n in reversed(run.cycles) if (found := _predicted(run, n.number))), None)
    if pairs is None:
        return None
    names = sorted({name for pair in pairs for name in pair})
    counts = Counter(pairs)
    known = {name: sum(counts[name, other] for other in names) for name in names}
    return Table(
        ("Class", *names, "Right"),
        tuple(
            (
                name,
                *(f"{counts[name, other]:,}" if counts[name, other] else NOTHING for other in names),
                f"{counts[name, name]:,} of {known[name]:,}" if known[name] else NOTHING,
            )
            for name in names
        ),
    )


def _predicted(run: RunResults, cycle: int) -> list[tuple[str, str]]:
    """Class and predicted class of each held-out image that had a label."""
    rows = read_predicted(RunFolder(run.folder).cycle(cycle)) or ()
    return [(row.label, row.predicted) for row in rows if row.label is not None]


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return fmean(values) if values else None

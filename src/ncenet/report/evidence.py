"""Tables of what can be said of arms: cycle by cycle, labels saved, rivals, head and selection apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ncenet.compare.cycles import Duel
from ncenet.compare.efficiency import Target, areas, saving
from ncenet.compare.factorial import effects, squares
from ncenet.compare.heads import against_baseline, random_arm, reads_the_test
from ncenet.compare.records import Results, Table
from ncenet.compare.rivals import Rival, best_rival, best_softmax_rival
from ncenet.compare.statistics import Difference, Spread, difference, mean_over_cycles
from ncenet.report.tables import VERDICT
from ncenet.report.words import NOTHING, counted, interval, percent, points, spread_words

DIFFER = 5e-5
"""Accuracy and balanced accuracy are told apart when they differ by more, in the last digit shown."""


def won_tied_lost(results: Results, of_arms: Mapping[str, Sequence[Duel]]) -> Table:
    """For each arm the cycles won, tied and lost, and the difference in each, in points."""
    rows = []
    for arm, duels in of_arms.items():
        outcomes = [duel.outcome for duel in duels]
        counts = [str(outcomes.count(kind)) if duels else NOTHING for kind in ("win", "tie", "loss")]
        cells = [_duel(duel) for duel in duels] or [NOTHING] * len(results.labeled)
        rows.append((arm, *counts, *cells))
    return Table(("Arm", "Won", "Tied", "Lost", *(f"{n:,}" for n in results.labeled)), tuple(rows))


def savings(results: Results, goal: Target) -> Table:
    """For each arm the area under its curve, and the labels (or boxes) that it needs to reach a target."""
    rows = []
    for arm in results.comparison.arms:
        area, found = areas(results, arm.name), saving(results, arm.name, goal)
        if area is None or found is None:
            rows.append((arm.name, *[NOTHING] * 4))
            continue
        reached = "not reached" if found.labels is None else f"{found.labels:,.0f}"
        share = NOTHING if found.share is None else f"{percent(found.share, 0)} %"
        seeds = f"{found.seeds_that_reach} of {found.seeds}"
        rows.append((arm.name, spread_words(area, 2), reached, share, seeds))
    columns = (
        "Area under the curve, %",
        f"{counted(results.unit).capitalize()} to reach {percent(goal.accuracy)} %",
        "Saved",
        "Seeds that do",
    )
    return Table(("Arm", *columns), tuple(rows))


def rivals(results: Results) -> Table:
    """For each arm the softmax arm and the arm of any head against which it fares worst."""
    rows = []
    for arm in results.comparison.arms:
        if reads_the_test(results.comparison, arm.name):
            continue
        found = best_softmax_rival(results, arm.name), best_rival(results, arm.name)
        rows.append((arm.name, *(cell for rival in found for cell in _rival(rival))))
    columns = (
        "Best softmax rival",
        "difference",
        "95 % interval",
        "Best rival",
        "difference",
        "95 % interval",
    )
    return Table(("Arm", *columns), tuple(rows), frozenset({"Best softmax rival", "Best rival"}))


def selection_gains(results: Results) -> Table:
    """For each arm that selects what it gains over the random arm of its own head."""
    rows = []
    for arm in results.comparison.arms:
        random = random_arm(results.comparison, arm.name)
        if random is None or random == arm.name or reads_the_test(results.comparison, arm.name):
            continue
        found = difference(results, arm.name, random)
        cells = (NOTHING, NOTHING, "not finished") if found is None else (*_difference(found), found.verdict)
        rows.append((arm.name, random, *cells))
    columns = ("Arm", "Beside", "Selection gains", "95 % interval", "Verdict")
    return Table(columns, tuple(rows), VERDICT | {"Beside"})


def two_by_two(results: Results) -> Table:
    """For each NCE arm that selects: what its head brings, what selection brings, and what both do."""
    rows = []
    for square in squares(results):
        found = effects(results, square)
        numbers = (
            [NOTHING] * 4
            if found is None
            else [_with_interval(d) for d in (found.head, found.selection, found.both, found.interaction)]
        )
        rows.append((square.nce_selected, square.softmax_selected, *numbers))
    columns = ("Beside", "Head alone", "Selection alone", "Both", "Interaction")
    return Table(("Arm", *columns), tuple(rows), frozenset({"Beside"}))


def is_unbalanced(results: Results) -> bool:
    """Whether some accuracy differs from its balanced one, as it does when test classes differ in size."""
    return any(
        abs(plain - balanced) > DIFFER
        for run in results.runs.values()
        for cycle in run.tested
        if (plain := cycle.accuracy) is not None and (balanced := cycle.balanced_accuracy) is not None
    )


def balanced_summary(results: Results) -> Table:
    """For each arm its mean balanced accuracy over cycles beside the plain one, and against the baseline."""
    baseline, judged = results.comparison.baseline_arm, against_baseline(results.comparison)
    rows = []
    for arm in results.comparison.arms:
        curves = results.curves(arm.name).values()
        means = [
            spread_words(Spread.of([mean_over_cycles(c, measure) for c in curves]), 2) if curves else NOTHING
            for measure in ("accuracy", "balanced_accuracy")
        ]
        found = difference(results, arm.name, baseline, "balanced_accuracy") if arm.name in judged else None
        compared = (NOTHING,) * 3 if found is None else (*_difference(found), found.verdict)
        rows.append((arm.name, *means, *compared))
    columns = ("Accuracy, %", "Balanced, %", f"Balanced, against {baseline}", "95 % interval", "Verdict")
    return Table(("Arm", *columns), tuple(rows), VERDICT)


def _duel(duel: Duel) -> str:
    mark = {"win": " win", "tie": "", "loss": " loss"}[duel.outcome]
    return f"{points(duel.spread.mean)}{mark}"


def _difference(found: Difference) -> tuple[str, str]:
    return points(found.spread.mean), interval(found)


def _with_interval(found: Difference) -> str:
    return f"{points(found.spread.mean, 1)} ({interval(found, 1)})"


def _rival(rival: Rival | None) -> tuple[str, str, str]:
    return (NOTHING,) * 3 if rival is None else (rival.name, *_difference(rival.difference))

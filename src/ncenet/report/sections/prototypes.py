"""Accuracy over the number of prototypes per class (Table 2 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ncenet.compare.comparison import Comparison
from ncenet.compare.records import Results, Table
from ncenet.compare.statistics import per_cycle
from ncenet.recipe import Recipe
from ncenet.report.blocks import Note, ReportSection
from ncenet.report.sections import comparison_sections
from ncenet.report.words import NOTHING, spread_words

FIELD = "model.head.prototypes_per_class"


@comparison_sections.register("prototypes", order=6)
def section(results: Results) -> ReportSection | None:
    """The table, if arms differ in the number of prototypes and in nothing else."""
    groups = groups_of_arms(results.comparison)
    if not groups:
        return None
    note = (
        "As in the paper's Table 2: arms that differ in K, the prototypes per class, and in nothing else. "
        "Live ones, of K, are the nearest to one labelled image at least; the others no longer learn. They "
        "are counted after the last cycle; mean over classes and seeds."
    )
    return ReportSection("Prototypes per class", (table(results, groups), Note(note)))


def groups_of_arms(comparison: Comparison) -> list[list[tuple[int, str]]]:
    """Arms with an NCE head that are alike but for K: K and name of each, by rising K."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for arm in comparison.arms:
        recipe = comparison.recipe(arm.name, comparison.seeds[0])
        if recipe.model.head.name == "nce":
            groups.setdefault(_rest(recipe), []).append((recipe.model.head.prototypes_per_class, arm.name))
    return [sorted(group) for group in groups.values() if len({K for K, _ in group}) > 1]


def table(results: Results, groups: Sequence[Sequence[tuple[int, str]]]) -> Table:
    """A row for each arm of the groups, a column for each number of labels; mean and deviation, in %."""
    rows = []
    for K, arm in (row for group in groups for row in group):
        curves = results.curves(arm)
        cells = [spread_words(s) for s in per_cycle(curves)] if curves else [NOTHING] * len(results.labeled)
        rows.append((arm, str(K), *cells, _live(results, arm, K)))
    return Table(("Arm", "K", *(f"{n:,}" for n in results.labeled), "live"), tuple(rows))


def _live(results: Results, arm: str, K: int) -> str:
    if K == 1:
        return "1"  # the only one of its class is the nearest
    counts = [
        count
        for seed in results.curves(arm)
        for count in results.runs[arm, seed].cycles[-1].live_prototypes.values()
    ]
    return f"{fmean(counts):.1f}" if counts else NOTHING


def _rest(recipe: Recipe) -> str:
    return recipe.with_changes({FIELD: 1}).to_yaml()

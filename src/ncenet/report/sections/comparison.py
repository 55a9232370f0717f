"""The sections of a comparison's report, each made from its records."""

from __future__ import annotations

from itertools import chain

from ncenet.compare.bootstrap import bootstrap_differences, tests_differ
from ncenet.compare.cycles import duels, family_size
from ncenet.compare.efficiency import target
from ncenet.compare.factorial import squares
from ncenet.compare.heads import against_baseline
from ncenet.compare.records import Results, RunResults, Table
from ncenet.compare.replay import replay_noise
from ncenet.counts import count_of
from ncenet.report import evidence, protocol, tables, words
from ncenet.report import queried as queries
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, ReportSection, Verdicts
from ncenet.report.figures import curves
from ncenet.report.figures.drawing import as_svg
from ncenet.report.sections import comparison_sections

MOST_ROWS = 200
"""Rows of a table of bad images or duplicates; the whole of it stands in the run folder."""
MOST_CLASSES = 20
"""As many classes fit on a screen; tables of more are folded."""


@comparison_sections.register("verdicts", order=1)
def verdicts(results: Results) -> ReportSection | None:
    """What was asked, what was found, and what is missing."""
    blocks: list[Block] = [Note(results.comparison.about)] if results.comparison.about else []
    if said := words.verdict_lines(results):
        blocks.append(Verdicts(said))
    if results.unfinished:
        blocks.append(Note(words.missing_trials(results)))
    return ReportSection("", tuple(blocks)) if blocks else None


@comparison_sections.register("summary", order=2)
def summary(results: Results) -> ReportSection:
    """Means over the cycles, differences to the baseline, intervals, verdicts."""
    images = bootstrap_differences(results, against_baseline(results.comparison))
    replay = replay_noise(results)
    blocks: list[Block] = [tables.summary(results, images, replay)]
    if images:
        tested = " or ".join(f"{n:,}" for n in sorted({each.images for each in images.values()}))
        blocks.append(
            Note(
                "The first interval is Student's over the seeds, and decides the verdict. The second draws"
                f" seeds and the {tested} test images again (bootstrap): what other test images might "
                "have shown. With few seeds it is too narrow."
            )
        )
    if tests_differ(results):
        blocks.append(
            Note(
                "Each seed is tested on images of its own, so the interval over seeds holds what other test "
                "images would do; where several seeds are compared, there is none that draws images apart."
            )
        )
    if replay:
        blocks.append(
            Note(
                "Training does not repeat to the bit here: two runs of one arm and one seed are "
                f"{words.percent(replay.apart, 2)} points apart in the mean over cycles (root mean square of "
                f"{count_of(replay.pairs, 'pair')}). What that does to a mean difference stands beside it, "
                "as a deviation; the intervals over seeds hold it already."
            )
        )
    return ReportSection("Summary", tuple(blocks))


@comparison_sections.register("learning-curves", order=3)
def learning_curves(results: Results) -> ReportSection:
    """The learning curves, one figure."""
    lines = curves.lines_of_comparison(results)
    if not lines:
        return ReportSection("Learning curves", (Note("No trial has come far enough to draw."),))
    figure = curves.learning_curves(
        lines, baseline=results.comparison.baseline_arm, metric=results.metric, unit=results.unit
    )
    caption = "Lines are means over seeds, bands one deviation."
    wide = curves.is_wide(lines)
    if wide:
        caption += " A panel for each head; the lines of the other heads stand behind in grey."
    return ReportSection("Learning curves", (Figure("curves", as_svg(figure), caption, wide),))


@comparison_sections.register("by-cycle", order=4)
def by_cycle(results: Results) -> ReportSection:
    """The headline number at each size of the labelled set."""
    name = words.metric_name(results.metric)
    return ReportSection(
        f"Test {name} at each number of {words.counted(results.unit)}, %",
        (tables.without_empty(tables.by_cycle(results)),),
    )


@comparison_sections.register("balanced", order=5)
def balanced(results: Results) -> ReportSection | None:
    """Balanced accuracy, where it is another number than accuracy."""
    if not evidence.is_unbalanced(results):
        return None
    note = Note(
        "The held-out classes differ in size. Balanced accuracy is the mean over classes of the accuracy "
        "on each, so that a rare class counts as much as a frequent one."
    )
    return ReportSection(
        "Balanced accuracy",
        (
            note,
            tables.without_empty(evidence.balanced_summary(results)),
            tables.without_empty(tables.by_cycle(results, "balanced_accuracy")),
        ),
    )


@comparison_sections.register("cycle-by-cycle", order=7)
def cycle_by_cycle(results: Results) -> ReportSection | None:
    """Cycles won, tied and lost against the baseline."""
    of_arms = duels(results, against_baseline(results.comparison))
    if not any(of_arms.values()):
        return None
    tests, paired = family_size(of_arms), [duel.spread.seeds for duel in chain(*of_arms.values())]
    corrected = f"corrected by Holm for the {count_of(tests, 'test')} of this table"
    if not tests:
        corrected = "which one seed cannot show" if max(paired) == 1 else "and nothing differs in any seed"
    note = Note(
        f"Differences to {results.comparison.baseline_arm} in percentage points. A cycle is won or lost at "
        f"p < .05 of a paired t test over seeds, {corrected}; all else is tied."
    )
    return ReportSection(
        "Cycle by cycle", (tables.without_empty(evidence.won_tied_lost(results, of_arms)), note)
    )


@comparison_sections.register("labels-saved", order=8)
def labels_saved(results: Results) -> ReportSection | None:
    """The labels (or boxes) that it takes to reach what random reaches with all of them."""
    goal, unit = target(results), words.counted(results.unit)
    if goal is None:
        return None
    note = Note(
        f"{goal.arm} reaches {words.percent(goal.accuracy)} % with all {goal.labels:,} {unit}. The numbers "
        "are of mean curves, straight between cycles; the last column counts the seeds whose own curve "
        f"gets there. The area is taken by trapezoids and divided by the range of {unit}."
    )
    return ReportSection(
        f"{unit.capitalize()} saved", (tables.without_empty(evidence.savings(results, goal)), note)
    )


@comparison_sections.register("head-and-selection", order=9)
def head_and_selection(results: Results) -> ReportSection | None:
    """What selection gains with each head, and the 2x2 that tells the head from the selection."""
    blocks: list[Block] = []
    gains = evidence.selection_gains(results)
    if gains.rows:
        note = (
            "Each arm that selects beside the arm that picks at random with the same head; percentage points."
        )
        blocks += [tables.without_empty(gains), Note(note)]
    if squares(results):
        note = (
            "Softmax with random images is the start; percentage points of the mean over cycles, with 95 % "
            "intervals over the seeds that all four arms have finished. Head alone: NCE, random images. "
            "Selection alone: softmax, images chosen by the arm named beside. Both: the arm itself. "
            "Interaction: what is left of both when the two are taken off."
        )
        blocks += [tables.without_empty(evidence.two_by_two(results)), Note(note)]
    return ReportSection("Head and selection apart", tuple(blocks)) if blocks else None


@comparison_sections.register("best-rivals", order=10)
def best_rivals(results: Results) -> ReportSection | None:
    """Each arm against the best of the others, picked afterwards."""
    if len(results.comparison.arms) < 3:
        return None
    note = Note(
        "Picked afterwards: of all other arms the one that this arm fares worst against, over the seeds "
        "that both have finished. The pick favours the rival; a difference that is positive all the same "
        "is a strong one."
    )
    return ReportSection("Against the best rival", (tables.without_empty(evidence.rivals(results)), note))


@comparison_sections.register("classes", order=11)
def classes(results: Results) -> ReportSection:
    """How well each class is known in the last cycle."""
    name = words.metric_name(results.metric)
    table = tables.without_empty(queries.accuracy_per_class(results))
    return ReportSection(f"Test {name} of each class in the last cycle, %", (folded_if_long(table),))


@comparison_sections.register("queried", order=12)
def queried(results: Results) -> ReportSection:
    """Which classes were queried, and how evenly."""
    note = Note(
        "Evenness is the entropy of the class distribution over its largest value: 1 if all classes were "
        "queried equally often, 0 if only one was."
    )
    counts = folded_if_long(tables.without_empty(queries.queried_per_class(results)))
    return ReportSection(
        "What was queried", (counts, tables.without_empty(queries.evenness_by_arm(results)), note)
    )


@comparison_sections.register("overlap", order=13)
def overlap(results: Results) -> ReportSection | None:
    """How much of what two arms queried is the same."""
    table = queries.overlap_table(results)
    if len(table.rows) < 2:
        return None
    chance = queries.chance_overlap_percent(results)
    by_chance = "" if chance is None else f" Two random draws would share {words.percent(chance, 0)} %."
    note = Note(
        "Images that both arms have queried by the last cycle, of those that either has, in % (Jaccard), "
        f"mean over seeds; the initial set apart.{by_chance}"
    )
    return ReportSection("Overlap of queries", (table, note))


@comparison_sections.register("cost", order=17)
def cost(results: Results) -> ReportSection:
    """Seconds spent."""
    note = Note("Wall times of trials that may have shared the machine: compare them within this table only.")
    return ReportSection("What it cost", (tables.without_empty(tables.seconds(results)), note))


@comparison_sections.register("protocol-of-all", order=18)
def protocol_of_all(results: Results) -> ReportSection:
    """What must be stated with every number."""
    used_up = any(run.used_up for run in results.runs.values())
    facts = protocol.protocol_of_comparison(results.comparison, results.labeled[-1] if used_up else None)
    return ReportSection("What these numbers are", (Facts(facts),))


@comparison_sections.register("compared", order=19)
def compared(results: Results) -> ReportSection:
    """The arms, and the file that runs them again."""
    changes = Table(
        ("Arm", "Changes in the recipe"),
        tuple(
            (arm.name, ", ".join(f"{path}: {value}" for path, value in arm.changes.items()) or "none")
            for arm in results.comparison.arms
        ),
        frozenset({"Changes in the recipe"}),
    )
    recipe = Folded("The recipe", (Code(results.comparison.to_yaml()),))
    return ReportSection("What was compared", (changes, recipe))


@comparison_sections.register("images", order=21)
def images(results: Results) -> ReportSection | None:
    """Images of the first run that somebody should look at."""
    return next((images_to_look_at(run) for run in results.runs.values()), None)


def folded_if_long(table: Table) -> Block:
    """The table, out of sight if it has more rows than fit on a screen."""
    return table if len(table.rows) <= MOST_CLASSES else Folded(f"{len(table.rows)} classes", (table,))


def images_to_look_at(run: RunResults) -> ReportSection | None:
    """What was wrong with the images; None when nothing was."""
    bad, twins = run.bad_images, run.duplicates
    groups = len({row[0] for row in twins.rows})
    blocks: list[Block] = []
    if run.copied:
        blocks.append(Note(f"{words.copied(run.copied)}."))
    if bad.rows:
        images = len({row[:-1] for row in bad.rows})  # of one there may be several mistakes
        blocks.append(Folded(f"{images:,} cannot be used: left out", (_shortened(bad),)))
    if twins.rows:
        count = f"{len(twins.rows):,} are duplicates: {count_of(groups, 'group')} of the same bytes"
        blocks.append(Folded(count, (_shortened(twins),)))
    return ReportSection("Images to look at", tuple(blocks)) if blocks else None


def _shortened(table: Table) -> Table:
    rows, more = table.rows, len(table.rows) - MOST_ROWS
    if more > 0:
        rows = (*rows[:MOST_ROWS], (f"and {more:,} more", *[""] * (len(table.columns) - 1)))
    return Table(table.columns, rows, frozenset(table.columns))

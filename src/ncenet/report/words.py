"""Numbers and verdicts as words: what can be said, with what must be said beside it."""

from __future__ import annotations

from collections import Counter
from math import isnan
from pathlib import Path

from ncenet.compare.across.ranks import TIED
from ncenet.compare.heads import against_baseline
from ncenet.compare.records import HEADLINE, Results, RunResults
from ncenet.compare.statistics import Difference, Spread, Verdict, difference_to_baseline
from ncenet.counts import count_of
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import Kind
from ncenet.recipe import BudgetUnit
from ncenet.run.advice import wilson
from ncenet.run.askers import who_asked
from ncenet.run.findings import contradicting
from ncenet.run.folder import RunFolder
from ncenet.run.records import Choosing, LeftOut
from ncenet.run.second_look import second_looks

MINUS = "\N{MINUS SIGN}"
MOST_SENTENCES = 7
"""As many arms get a sentence each; of more, those with the same verdict share one."""
NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""


def metric_name(metric: str) -> str:
    """The headline number of a test as it stands within a sentence or a heading.

    Args:
        metric: its key in ``test.json``, see :attr:`ncenet.compare.records.RunResults.metric`.

    >>> f"Test {metric_name('accuracy')}, %", f"Test {metric_name('mAP')}, %"
    ('Test accuracy, %', 'Test mAP, %')
    >>> metric_name("balanced_accuracy")
    'balanced accuracy'
    """
    return metric.replace("_", " ")


def counted(unit: BudgetUnit) -> str:
    """What the sizes of the labelled set count, as it stands at an axis or within a sentence.

    Args:
        unit: see :attr:`ncenet.compare.records.RunResults.unit`.

    >>> counted("image"), counted("box")
    ('labels', 'boxes')
    """
    return "boxes" if unit == "box" else "labels"


def percent(accuracy: float, digits: int = 1) -> str:
    """An accuracy in [0, 1], or a share, in percent, without the sign.

    >>> percent(0.8125), percent(-0.125, 0)
    ('81.2', '−12')
    """
    return f"{_untied(accuracy):.{digits}f}".replace("-", MINUS)


def points(difference: float, digits: int = 2) -> str:
    """A difference of accuracies in percentage points, with its sign.

    >>> points(0.0123), points(-0.004), points(0.1 + 0.2 - 0.3), points(0.3 - (0.1 + 0.2))
    ('+1.23', '−0.40', '+0.00', '+0.00')
    """
    return f"{_untied(difference):+.{digits}f}".replace("-", MINUS)


def _untied(share: float) -> float:
    """In percent; what sums in another order differ by is no difference, and has no sign."""
    return round(100 * share, TIED - 2) + 0.0


def spread_words(values: Spread, digits: int = 1) -> str:
    """Mean and deviation over seeds, in percent.

    >>> spread_words(Spread(0.8, 0.012, 3))
    '80.0 ± 1.2'
    """
    mean = percent(values.mean, digits)
    return mean if values.deviation is None else f"{mean} ± {percent(values.deviation, digits)}"


def interval(difference: Difference, digits: int = 2) -> str:
    """The 95 % interval in percentage points.

    >>> interval(Difference(Spread(0.01, 0.01, 3), -0.015, 0.035))
    '−1.50 to +3.50'
    """
    if difference.low is None or difference.high is None:
        return "none: one seed"
    return ends(difference.low, difference.high, digits)


def ends(low: float, high: float, digits: int = 2) -> str:
    """Ends of an interval in percentage points; that there is none if they are no numbers.

    >>> ends(-0.015, 0.035), ends(float("nan"), float("nan"))
    ('−1.50 to +3.50', '–')
    """
    if isnan(low) or isnan(high):
        return NOTHING
    return f"{points(low, digits)} to {points(high, digits)}"


def percents(low: float, high: float) -> str:
    """Ends of an interval in percent; that there is none if they are no numbers.

    >>> percents(0.25, 0.75)
    '25 to 75'
    """
    if isnan(low) or isnan(high):
        return NOTHING
    return f"{percent(low, 0)} to {percent(high, 0)}"


def outlook_words(difference: Difference) -> str:
    """What it would take to turn ``unclear`` into a verdict; empty if there is one.

    >>> outlook_words(Difference(Spread(0.012, 0.02, 10), -0.002, 0.026))
    'about 14 more seeds would show a difference of 1.2 points'
    >>> outlook_words(Difference(Spread(0.012, 0.02, 3), -0.038, 0.062))
    'how many more seeds would show it, 3 seeds of so few arms do not tell'
    """
    if difference.verdict != "unclear":
        return ""
    if difference.spread.deviation is None:
        return "one seed shows nothing: run at least two more"
    if difference.more_seeds is None:
        return (
            f"how many more seeds would show it, {difference.spread.seeds} seeds of so few arms do not tell"
        )
    target = f"{percent(difference.target)} points"
    if difference.more_seeds == 0:
        return f"a difference of {target} would have shown"
    seeds = "1 more seed" if difference.more_seeds == 1 else f"{difference.more_seeds:,} more seeds"
    return f"about {seeds} would show a difference of {target}"


def verdict(arm: str, baseline: str, difference: Difference) -> str:
    """The comparison of two arms in one or two sentences.

    >>> print(verdict("rejection", "random", Difference(Spread(0.02, 0.005, 3), 0.008, 0.032)))
    rejection is better than random: +2.00 points, 95 % interval +0.80 to +3.20, 3 seeds.
    """
    said = {
        "better": f"{arm} is better than {baseline}",
        "worse": f"{arm} is worse than {baseline}",
        "alike": f"{arm} and {baseline} are alike, within half a point",
        "unclear": f"{arm} against {baseline} is unclear",
    }[difference.verdict]
    if difference.spread.deviation is None:
        return f"{said}: {points(difference.spread.mean)} points; {outlook_words(difference)}."
    numbers = f"{points(difference.spread.mean)} points, 95 % interval {interval(difference)}"
    more = outlook_words(difference)
    more = f" {more[0].upper()}{more[1:]}." if more else ""
    return f"{said}: {numbers}, {difference.spread.seeds} seeds.{more}"


def copied(count: int) -> str:
    """That so many images of the pool, one at least, have the bytes of test images.

    >>> copied(1)
    '1 image of the pool is a copy of a test image, which flatters the test'
    """
    if count == 1:
        return "1 image of the pool is a copy of a test image, which flatters the test"
    return f"{count:,} images of the pool are copies of test images, which flatters the test"


def headline(run: RunResults) -> str:
    """What one run shows, and what it doesn't."""
    curve = run.curve(run.recipe.loop.strategy)
    if not run.cycles:
        return "No model was trained yet, so nothing can be said of how good it is."
    if not curve.labeled:
        return "Nothing was tested on held-out images: how good the network is cannot be said."
    last, first, grew = percent(curve.accuracy[-1]), percent(curve.accuracy[0]), len(curve.labeled) > 1
    size = f"{curve.labeled[-1]:,} {counted(run.unit)}"
    if run.metric == HEADLINE:
        said = (
            f"With {size} the network is right on {last} % of the held-out images"
            f"{f'; with the first {curve.labeled[0]:,} it was on {first} %' if grew else ''}."
        )
    else:
        said = (
            f"With {size} the {metric_name(run.metric)} on the held-out images is "
            f"{last} %{f'; with the first {curve.labeled[0]:,} it was {first} %' if grew else ''}."
        )
    return f"{said} One run cannot show whether its query strategy helped; a comparison with random can."


def left_out_words(found: LeftOut) -> str:
    """What labels that were left out in turn say, and what is wrong with it."""
    low, high = found.interval
    right = f"{percent(found.right / found.labeled)} % right ({percent(low)} to {percent(high)})"
    return (
        f"The first {found.labeled:,} labels were dealt into {found.folds} parts, and the images of each "
        f"named by a model that had learned the others: {right}, {percent(found.balanced_accuracy)} % on "
        "average over the classes. This is no test on held-out images: most labels are of images that were "
        "chosen and are not like the pool, and each model learned fewer labels than the last one."
    )


def choosing_words(found: Choosing) -> str:
    """Whether choosing was worth it, as far as random images can tell."""
    low, high = found.interval
    told = "does not pay" if high < 0 else "can't be told apart from drawing by chance"
    verdict, n = "pays" if low > 0 else told, found.images
    right = [f"{percent(count / n)} % right" for count in (found.chosen, found.random)]
    return (
        f"Choosing {verdict}: of {n:,} random images a model of the first {found.labeled:,} chosen labels "
        f"named {right[0]}, one of as many random labels {right[1]} ({100 * low:+.1f} to {100 * high:+.1f} "
        "points, 95 %). Neither had learned what it named."
    )


def verdicts(results: Results) -> dict[str, tuple[Difference | None, str]]:
    """Difference to the baseline and its sentence, for each other arm but the oracle."""
    said: dict[str, tuple[Difference | None, str]] = {}
    for arm, baseline in against_baseline(results.comparison).items():
        difference = difference_to_baseline(results, arm)
        if difference is None:
            said[arm] = None, f"{arm} against {baseline}: no seed has finished both yet."
        else:
            said[arm] = difference, verdict(arm, baseline, difference)
    return said


def verdict_lines(results: Results) -> tuple[tuple[Verdict, str], ...]:
    """The verdicts as sentences: one for each arm, or for many arms one for each verdict."""
    said = verdicts(results)
    if len(said) <= MOST_SENTENCES:
        return tuple(
            ("unclear" if found is None else found.verdict, sentence) for found, sentence in said.values()
        )
    baseline = results.comparison.baseline_arm
    heads: dict[Verdict, str] = {
        "better": f"Better than {baseline}",
        "worse": f"Worse than {baseline}",
        "alike": f"Alike with {baseline}, within half a point",
        "unclear": f"Unclear against {baseline}",
    }
    lines: list[tuple[Verdict, str]] = []
    for kind, head in heads.items():
        means = {
            arm: found.spread.mean
            for arm, (found, _) in said.items()
            if found is not None and found.verdict == kind
        }
        if means:
            best_first = sorted(means, key=lambda arm: -means[arm])
            arms = ", ".join(f"{arm} ({points(means[arm])})" for arm in best_first)
            lines.append((kind, f"{head}: {arms}."))
    waiting = [arm for arm, (found, _) in said.items() if found is None]
    if waiting:
        lines.append(("unclear", f"No seed to compare yet: {', '.join(waiting)}."))
    return tuple(lines)


def missing_trials(results: Results) -> str:
    """Which trials are not finished, arm by arm, and how far those are that have begun."""
    missing: dict[str, list[str]] = {}
    begun = {arm.name for arm in results.comparison.arms if results.curves(arm.name)}
    for arm, seed in results.unfinished:
        run, said = results.runs.get((arm, seed)), str(seed)
        if run is not None and run.tested:
            said += f" ({len(run.tested)} of {count_of(run.recipe.loop.cycles, 'cycle')} so far)"
            begun.add(arm)
        missing.setdefault(arm, []).append(said)
    parts = [f"{arm}, seed {', '.join(seeds)}" for arm, seeds in missing.items() if arm in begun]
    if wholly := [arm for arm in missing if arm not in begun]:
        parts.append(f"all of {', '.join(wholly)}")
    count, total = len(results.unfinished), len(results.comparison.trials)
    are = "trial is" if total == 1 else "trials is" if count == 1 else "trials are"
    return f"{count} of {total} {are} not finished and left out: {'; '.join(parts)}"


_ASKED = {
    Kind.HELD_OUT: "held-out images, drawn at random",
    Kind.INITIAL: "a first batch, drawn at random",
    Kind.TYPICAL: "typical images",
    Kind.MEANWHILE: "drawn at random",
}


def answers(folder: Path) -> dict[str, str]:
    """What happened in a run that people labelled: who answered, and what had asked, by subject."""
    with Ledger(RunFolder(folder).ledger, read_only=True) as ledger:
        closed, kinds = ledger.closed_ids(), Counter[str](event.kind for event in ledger.answers())
        together, checks = ledger.again.together(), ledger.again.outcomes("check")
        looks, efforts = second_looks(ledger), ledger.review.efforts()
        copies = ledger.review.differing_copies()
        by = {id: asked for id, asked in who_asked(ledger).items() if id in closed and id not in together}
        asked = Counter(_ASKED.get(each.kind, f"asked for by {each}") for each in by.values())
    said = {
        "Answers": ", ".join(
            f"{count:,} {word}"
            for kind, word in (("answer", "labelled"), ("skip", "skipped"), ("unsure", "unsure"))
            if (count := kinds[kind])
        ),
        "By whom": ", ".join(f"{effort.who} {effort.answers:,}" for effort in efforts),
        "What had asked": ", ".join(
            f"{count:,} {words}"
            for words, count in [*asked.items(), ("not asked for", len(closed - by.keys() - together))]
            if count
        ),
    }
    if together:
        said["In groups"] = count_of(len(together), "label") + _wrong(
            sum(twice.after != twice.before for twice in checks), len(checks)
        )
    looked = [
        f"{look.answered:,} {what}; {look.changed:,} were changed"
        for look, what in ((looks.labels, "labels that looked wrong"), (looks.disputes, "images in dispute"))
        if look.answered
    ]
    if looked:
        said["Looked at again"] = ", ".join(looked)
    if copies:
        said["Contradictions"] = contradicting(copies)
    return said


def _wrong(wrong: int, checked: int) -> str:
    if not checked:
        return ", none of them asked for again yet"
    low, high = wilson(wrong, checked)
    return f"; {checked:,} of them were asked for again one by one: {percent(low)} to {percent(high)} % wrong"

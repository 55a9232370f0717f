"""Numbers and verdicts as words: what can be said, with what must be said beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ncenet.compare.comparison import Comparison
from ncenet.compare.records import Results, Run
from ncenet.compare.statistics import Difference, Spread, difference_to_baseline
from ncenet.recipe import Recipe

MINUS = "\N{MINUS SIGN}"


def percent(accuracy: float, digits: int = 1) -> str:
    """An accuracy in [0, 1] in percent, without the sign.

    >>> percent(0.8125)
    '81.2'
    """
    return f"{100 * accuracy:.{digits}f}"


def points(difference: float) -> str:
    """A difference of accuracies in percentage points, with its sign.

    >>> points(0.0123), points(-0.004)
    ('+1.23', '−0.40')
    """
    return f"{100 * difference:+.2f}".replace("-", MINUS)


def spread(values: Spread, digits: int = 1) -> str:
    """Mean and deviation over seeds, in percent.

    >>> spread(Spread(0.8, 0.012, 3))
    '80.0 ± 1.2'
    """
    mean = percent(values.mean, digits)
    return mean if values.deviation is None else f"{mean} ± {percent(values.deviation, digits)}"


def interval(difference: Difference) -> str:
    """The 95 % interval in percentage points.

    >>> interval(Difference(Spread(0.01, 0.01, 3), -0.015, 0.035))
    '−1.50 to +3.50'
    """
    if difference.low is None or difference.high is None:
        return "none: one seed"
    return f"{points(difference.low)} to {points(difference.high)}"


def outlook(difference: Difference) -> str:
    """What it would take to turn ``unclear`` into a verdict; empty if there is one.

    >>> outlook(Difference(Spread(0.012, 0.02, 3), -0.038, 0.062))
    'about 21 more seeds would show a difference of 1.2 points'
    """
    if difference.verdict != "unclear":
        return ""
    if difference.more_seeds is None:
        return "one seed shows nothing: run at least two more"
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
        "unclear": f"{arm} against {baseline} is unclear",
    }[difference.verdict]
    if difference.spread.deviation is None:
        return f"{said}: {points(difference.spread.mean)} points; {outlook(difference)}."
    numbers = f"{points(difference.spread.mean)} points, 95 % interval {interval(difference)}"
    more = outlook(difference)
    more = f" {more[0].upper()}{more[1:]}." if more else ""
    return f"{said}: {numbers}, {difference.spread.seeds} seeds.{more}"


def headline(run: Run) -> str:
    """What one run shows, and what it doesn't."""
    curve = run.curve(run.recipe.loop.strategy)
    if not curve.labeled:
        return "Nothing was tested on held-out images: how good the network is cannot be said."
    return (
        f"With {curve.labeled[-1]:,} labels the network is right on {percent(curve.accuracy[-1])} % of the "
        f"held-out images; with the first {curve.labeled[0]:,} it was on {percent(curve.accuracy[0])} %. One "
        "run cannot show whether its query strategy helped; a comparison with random can."
    )


def verdicts(results: Results) -> dict[str, tuple[Difference | None, str]]:
    """Difference to the baseline and its sentence, for each other arm."""
    baseline = results.comparison.baseline_arm
    said: dict[str, tuple[Difference | None, str]] = {}
    for arm in results.comparison.arms:
        if arm.name != baseline:
            difference = difference_to_baseline(results, arm.name)
            if difference is None:
                said[arm.name] = None, f"{arm.name} against {baseline}: no seed has finished both yet."
            else:
                said[arm.name] = difference, verdict(arm.name, baseline, difference)
    return said


def protocol_of_comparison(comparison: Comparison) -> dict[str, str]:
    """What must be stated with every number of a comparison, by subject."""
    recipes = {arm.name: comparison.recipe(arm.name, comparison.seeds[0]) for arm in comparison.arms}
    n = len(comparison.seeds)
    return _facts(recipes) | {
        "Initial set": f"{comparison.base.loop.initial:,} random images, the same for all arms of a seed",
        "Seeds": f"{', '.join(map(str, comparison.seeds))} ({n} {'run' if n == 1 else 'runs'} of each arm)",
        "Mean over cycles": "each cycle counts the same; it is the area under the learning curve",
        "±": "standard deviation over seeds",
        "Intervals": "95 %, Student's t on differences paired by seed. Each stands alone: of many arms that "
        "are all the same, one in twenty comes out as better or worse",
    }


def protocol_of_run(recipe: Recipe) -> dict[str, str]:
    """What must be stated with every number of a run, by subject."""
    return _facts({"": recipe}) | {
        "Initial set": f"{recipe.loop.initial:,} random images",
        "Seeds": f"{recipe.loop.seed} (a single run)",
    }


def _facts(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    facts: dict[str, Callable[[Recipe], str]] = {
        "Images": lambda r: f"{r.data.train}, tested on {r.data.test or 'its own held-out images'}",
        "Network": lambda r: f"{r.model.backbone}, {r.model.head.name} head",
        "Query strategy": lambda r: r.loop.strategy,
        "Labels": lambda r: (
            f"{r.loop.initial:,} in the first cycle, {r.loop.query_size:,} more in each of the "
            f"{r.loop.cycles - 1} that follow"
        ),
        "Weights": lambda r: (
            "carried over between cycles (warm)" if r.train.warm else "reset before every cycle (cold)"
        ),
        "Training": lambda r: (
            f"{r.train.epochs} epochs, at least {r.train.min_steps:,} steps, of {r.train.batch_size} images"
        ),
        "Tested network": lambda r: "the one of the last epoch; no checkpoint is chosen on the test images",
        "Pool": lambda r: (
            "scored whole"
            if r.loop.pool_subset is None
            else f"a fresh random subset of {r.loop.pool_subset:,} is scored in each cycle"
        ),
        "Scoring": lambda r: "under the test transform, without augmentation",
    }
    return {subject: _agreed({arm: fact(r) for arm, r in recipes.items()}) for subject, fact in facts.items()}


def _agreed(by_arm: Mapping[str, str]) -> str:
    """One fact if all arms share it, else each with the arms that it holds for."""
    arms: dict[str, list[str]] = {}
    for arm, fact in by_arm.items():
        arms.setdefault(fact, []).append(arm)
    if len(arms) == 1:
        return next(iter(arms))
    return "; ".join(f"{fact} ({', '.join(names)})" for fact, names in arms.items())

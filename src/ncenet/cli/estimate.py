"""``--dry-run``: what a run would cost, measured on a few steps of the real network."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from rich.console import Console

from ncenet.cli.console import plain_console
from ncenet.compare.comparison import Comparison
from ncenet.recipe import Recipe

WALL_CLOCK = "clock      a few steps were timed by the wall, on this machine as busy as it is now"
"""Said with the minutes, which a busy machine makes more of."""


def print_estimate(recipe: Recipe, trials: int) -> None:
    """Print labels, cycles, estimated minutes and memory of so many trials."""
    from ncenet.loop.estimate import estimate

    cost = estimate(recipe)
    console = plain_console()
    console.print(f"labels     {cost.labels:,} of a pool of {cost.pool:,} (initial {recipe.loop.initial:,})")
    console.print(f"cycles     {recipe.loop.cycles}, {cost.steps:,} training steps in all")
    console.print(
        f"minutes    about {cost.seconds * trials / 60:.1f}"
        + (f" for {trials} trials one after the other" if trials > 1 else "")
        + f" (training {cost.train_seconds * trials / 60:.1f},"
        + f" scoring {cost.score_seconds * trials / 60:.1f})"
    )
    console.print(
        f"memory     about {cost.megabytes:,.0f} MB a trial (network {cost.parameters:,} parameters)"
    )
    console.print(WALL_CLOCK)
    _print_left_out(console, [recipe])


def print_comparison_estimate(
    comparison: Comparison, folder: Path, *, arms: Collection[str] | None, seeds: int | None
) -> None:
    """Print trials, labels, estimated minutes and memory of what is left of a comparison.

    Arms that differ in their strategy alone cost the same when both read predictions, or neither does, and
    the same is trained beside the network. What the strategy itself does is not in the estimate; where that
    is much, it is said.
    """
    from ncenet.compare.trials import check_strategies, planned
    from ncenet.loop.estimate import estimate, reads_predictions
    from ncenet.loop.oracle import OracleLine, open_simulated

    trials = planned(comparison, folder, arms=arms, seeds=seeds)
    unfinished = {name: trial for name, trial in trials.items() if not trial.finished}
    check_strategies(unfinished)
    left = list(unfinished.values())
    alike: dict[tuple[object, ...], list[Recipe]] = {}
    for trial in left:
        plain = trial.recipe.with_changes({"loop.seed": 0, "loop.strategy": "random"})
        strategy = open_simulated(trial.recipe)
        beside = strategy.auxiliary
        key = plain.model_dump_json(), reads_predictions(strategy), beside, isinstance(strategy, OracleLine)
        alike.setdefault(key, []).append(trial.recipe)
    costs = [(recipes[0], estimate(recipes[0]), len(recipes)) for recipes in alike.values()]
    console = plain_console()
    done = len(trials) - len(left)
    console.print(f"trials     {len(trials)}" + (f", {done} of them finished" if done else ""))
    if not costs:
        return
    for name, part in (comparison.sets or {"": comparison}).items():
        cost = next((cost for recipe, cost, _ in costs if recipe.data == part.base.data), None)
        if cost is not None:
            on = f" on {name}" if name else ""
            initial = part.base.loop.initial
            console.print(
                f"labels     {cost.labels:,} of a pool of {cost.pool:,} in each trial{on} "
                f"(initial {initial:,})"
            )
    train = sum(cost.train_seconds * count for _, cost, count in costs) / 60
    score = sum(cost.score_seconds * count for _, cost, count in costs) / 60
    console.print(
        f"minutes    about {train + score:.1f} for {len(left)} trials one after the other "
        f"(training {train:.1f}, scoring {score:.1f})"
    )
    megabytes = max(cost.megabytes for _, cost, _ in costs)
    console.print(f"memory     about {megabytes:,.0f} MB a trial")
    console.print(WALL_CLOCK)
    _print_left_out(console, [trial.recipe for trial in left])


def _print_left_out(console: Console, recipes: Iterable[Recipe]) -> None:
    """Say which strategies train models of their own, whose time nobody has measured here."""
    from ncenet.loop.oracle import open_simulated
    from ncenet.strategies.adversarial import Adversarial

    steps = {
        (recipe.loop.strategy, trained.options.steps)
        for recipe in recipes
        if recipe.loop.cycles > 1 and isinstance(trained := open_simulated(recipe), Adversarial)
    }
    for strategy, count in sorted(steps):
        console.print(
            f"left out   what {strategy} trains in each query, a model of its own in {count:,} steps "
            "(--option steps=N)"
        )

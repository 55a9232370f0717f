"""``--dry-run``: what a run would cost, measured on a few steps of the real network."""

from __future__ import annotations

from rich.console import Console

from ncenet.recipe import Recipe


def print_estimate(recipe: Recipe, trials: int) -> None:
    """Print labels, cycles, estimated minutes and memory of so many trials."""
    from ncenet.loop.estimate import estimate

    cost = estimate(recipe)
    console = Console(highlight=False, soft_wrap=True)
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

"""``ncenet run``: a recipe from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import Beside, DryRun, Engine, RecipeFlags, apply_flags
from ncenet.cli.simulate import start
from ncenet.errors import RecipeError, UsageError
from ncenet.recipe import Recipe


def run(
    recipe: Path,
    /,
    *,
    beside: Beside = (),
    seeds: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    out: Path | None = None,
    engine: Engine = "local",
    processes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: DryRun = False,
    flags: Annotated[RecipeFlags | None, Parameter(name="*")] = None,
) -> None:
    """Simulate what a recipe file describes; run it again to go on after an interrupt.

    On several GPUs: `accelerate launch -m ncenet run RECIPE`.

    For example:

    `ncenet run runs/digits-confusion/recipe.yaml --out runs/again`

    `ncenet run my-recipe.yaml --strategy confusion --seed 1 --dry-run`

    Args:
        recipe: YAML file; `ncenet run --help` describes its fields, all of which are flags too. Every run
            folder holds one. Files with arms and seeds are for `ncenet compare`.
        beside: Further strategies to run on the same initial sets, for instance random.
        seeds: Trials of each strategy, with the seeds from --seed on.
        out: Run folder. Default: runs/RECIPE-STRATEGY, and of several trials runs/RECIPE-STRATEGY-compared.
        engine: Where trials run: in processes on this machine, or on Ray (RAY_ADDRESS names the cluster).
        processes: Trials run at a time. Default: one per core.
        dry_run: Print labels, cycles, estimated minutes and memory, and train nothing.
    """
    try:
        loaded = Recipe.load(recipe)
    except RecipeError:
        if _is_comparison(recipe):
            raise UsageError(f"{recipe} holds arms and seeds: ncenet compare {recipe}") from None
        raise
    whole = apply_flags(loaded, flags)
    start(whole, beside, seeds, out, recipe.stem, engine, processes, dry_run)


def _is_comparison(file: Path) -> bool:
    from ncenet.compare.comparison import Comparison

    try:
        Comparison.load(file)
    except RecipeError:
        return False
    return True

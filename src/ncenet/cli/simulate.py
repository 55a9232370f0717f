"""``ncenet simulate``: the loop on labelled images, with an oracle for the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import Beside, DryRun, Engine, SimulateFlags, changes_of
from ncenet.cli.people import say
from ncenet.cli.trials import print_cost, run_comparison, run_single
from ncenet.compare.beside import beside_comparison
from ncenet.engines import engines
from ncenet.errors import UsageError
from ncenet.recipe import Recipe
from ncenet.run.people import with_features


def simulate(
    data: str,
    /,
    *,
    beside: Beside = (),
    seeds: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    out: Path | None = None,
    engine: Engine = "local",
    processes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: DryRun = False,
    flags: Annotated[SimulateFlags | None, Parameter(name="*")] = None,
) -> None:
    """Simulate active learning on images whose labels are known, and say what it would have reached.

    The labels are hidden behind an oracle that hands out only those that are queried. On photographs a head
    learns on pretrained features where the extra features is installed, and herding chooses; --backbone NAME
    and any setting of training have a network trained. Interrupted or killed, the same command goes on where
    it stopped.

    For example:

    `ncenet simulate digits`

    `ncenet simulate photos/ --test held-out/ --strategy confusion --beside random --seeds 5`

    Args:
        data: Built-in name (`ncenet datasets`), class folders, Parquet file or CSV manifest; with --task
            detection also a VOC folder, a YOLO folder or a COCO file.
        beside: Further strategies to run on the same initial sets, for instance random.
        seeds: Trials of each strategy, with the seeds from --seed on.
        out: Run folder. Default: runs/DATA-STRATEGY, and of several trials runs/DATA-STRATEGY-compared.
        engine: Where trials run: in processes on this machine, or on Ray (RAY_ADDRESS names the cluster).
        processes: Trials run at a time. Default: one per core.
        dry_run: Print labels, cycles, estimated minutes and memory, and train nothing.
    """
    recipe = with_features(Recipe(), {"data.train": data} | changes_of(flags), say=say)
    start(recipe, beside, seeds, out, Path(data).stem, engine, processes, dry_run)


def start(
    recipe: Recipe,
    beside: tuple[str, ...],
    seeds: int,
    out: Path | None,
    of: str,
    engine: str,
    processes: int | None,
    dry_run: bool,
) -> None:
    """Run a recipe alone, or beside other strategies and over seeds.

    Args:
        recipe: what to run.
        beside, seeds, engine, processes, dry_run: as the command takes them.
        out: the folder, if one is named.
        of: the data or the recipe, in the name of the folder otherwise; a comparison has one of its own.

    Raises:
        UsageError: there is one trial alone, and an engine to share it out to.
    """
    single = seeds == 1 and not beside
    if single and engine != "local":
        engines.get(engine)
        raise UsageError(
            f"--engine {engine} shares trials out, and this is a single one: add --beside or --seeds"
        )
    whole = recipe if single else beside_comparison(recipe, beside, seeds)
    folder = out or Path("runs") / f"{of}-{recipe.loop.strategy}{'' if single else '-compared'}"
    if dry_run:
        print_cost(whole, folder)
    elif isinstance(whole, Recipe):
        run_single(whole, folder)
    else:
        run_comparison(whole, folder, processes, engine=engine)

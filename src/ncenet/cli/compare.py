"""``ncenet compare``: arms and seeds from a file, and what can be said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import DryRun, Engine
from ncenet.compare.comparison import Comparison


def compare(
    file: Path,
    /,
    *,
    data: str | None = None,
    test: str | None = None,
    arms: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = (),
    seeds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    out: Path | None = None,
    engine: Engine = "local",
    processes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: DryRun = False,
) -> None:
    """Compare heads and strategies over paired seeds, and say what the numbers can and cannot show.

    The file names the arms, each a change to one recipe, and the seeds. Interrupted or killed, the same
    command goes on where it stopped; an arm or a seed that was added to the file runs alone.

    For example:

    `ncenet compare recipes/demo.yaml`

    `ncenet compare recipes/demo.yaml --arms 'NCE random' 'NCE rejection' --seeds 2 --dry-run`

    Args:
        file: YAML file with base, arms and seeds.
        data: Other images to choose from than the file names.
        test: Other held-out images than the file names.
        arms: Run only these now. The folder and its report keep all.
        seeds: Run only the first so many seeds of the file.
        out: Folder for runs and report. Default: runs/FILE.
        engine: Where trials run: in processes on this machine, or on Ray (RAY_ADDRESS names the cluster).
        processes: Trials run at a time. Default: one per core.
        dry_run: Print trials, labels, estimated minutes and memory, and train nothing.
    """
    from ncenet.compare.heads import check_random_arms

    comparison = Comparison.load(file)
    given = {"data.train": data, "data.test": test}
    changes = {path: source for path, source in given.items() if source is not None}
    comparison = comparison.model_copy(update={"base": comparison.base.with_changes(changes)})
    check_random_arms(comparison)
    folder = out or Path("runs") / file.stem
    if dry_run:
        from ncenet.cli.estimate import print_comparison_estimate

        print_comparison_estimate(comparison, folder, arms=arms or None, seeds=seeds)
    else:
        from ncenet.cli.trials import run_comparison

        run_comparison(comparison, folder, processes, engine=engine, arms=arms or None, seeds=seeds)

"""``ncenet compare``: arms and seeds from a file, and what can be said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from pydantic import ValidationError

from ncenet.cli.flags import DryRun, Engine
from ncenet.compare.comparison import Comparison
from ncenet.compare.data_sets import of_sources, with_tests
from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.recipe import DataRecipe
from ncenet.section import explain, mistakes

DEFAULT_DATA: str = DataRecipe.model_fields["train"].default


Several = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]


def compare(
    file: Path,
    /,
    *,
    data: Several = (),
    test: Several = (),
    arms: Several = (),
    seeds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    out: Path | None = None,
    engine: Engine = "local",
    processes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: DryRun = False,
) -> None:
    """Compare heads and strategies over paired seeds, and say what the numbers can and cannot show.

    The file names the arms, each a change to one recipe, the seeds, and perhaps several data sets: then it
    is also said what holds across them. Interrupted or killed, the same command goes on where it stopped; an
    arm, a seed or a data set that was added to the file runs alone.

    For example:

    `ncenet compare recipes/demo.yaml`

    `ncenet compare recipes/features-suite.yaml --data pets/ cars.csv --test held-out/ more.csv`

    `ncenet compare recipes/demo.yaml --arms 'NCE random' 'NCE rejection' --seeds 2 --dry-run`

    Args:
        file: YAML file with base, arms and seeds.
        data: Other images to choose from than the file names; several are compared across.
        test: Other held-out images than the file names, one for each of --data.
        arms: Run only these now. The folder and its report keep all.
        seeds: Run only the first so many seeds of the file.
        out: Folder for runs and report. Default: runs/FILE.
        engine: Where trials run: in processes on this machine, or on Ray (RAY_ADDRESS names the cluster).
        processes: Trials run at a time. Default: one per core.
        dry_run: Print trials, labels, estimated minutes and memory, and train nothing.
    """
    from ncenet.compare.heads import check_random_arms

    comparison = Comparison.load(file)
    comparison = with_sources(comparison, data, test)
    check_random_arms(comparison)
    folder = out or Path("runs") / file.stem
    if dry_run:
        from ncenet.cli.trials import print_cost

        print_cost(comparison, folder, arms=arms or None, seeds=seeds)
    else:
        from ncenet.cli.trials import run_comparison

        run_comparison(comparison, folder, processes, engine=engine, arms=arms or None, seeds=seeds)


def with_sources(comparison: Comparison, data: tuple[str, ...], test: tuple[str, ...]) -> Comparison:
    """The comparison on other images.

    Args:
        comparison: on those that its file names.
        data: images to choose from, one for each set; none leaves those of the file.
        test: held-out images, none or one for each set.

    Raises:
        UsageError: there are not as many ``test`` as sets, or the arms don't fit the sets.
    """
    listed = comparison.data
    if not data and not test:
        return comparison
    if test and len(test) != len(data or listed or (comparison.base.data.train,)):
        sets = count_of(len(data or listed) or 1, "data set")
        raise UsageError(f"{len(test)} --test for {sets}: one for each, in order")
    if len(data) > 1 or listed:
        base = comparison.base.with_changes({"data.train": DEFAULT_DATA, "data.test": None})
        listed = of_sources(data, test) if data else with_tests(comparison.data, test)
        changes: dict[str, object] = {"data": listed, "base": base}
    else:
        sources = {"data.train": data, "data.test": test}
        given: dict[str, object] = {path: values[0] for path, values in sources.items() if values}
        changes = {"base": comparison.base.with_changes(given)}
    try:
        return Comparison.model_validate({**dict(comparison), **changes})
    except ValidationError as error:
        raise UsageError("\n".join(explain(each) for each in mistakes(error))) from None

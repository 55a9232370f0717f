"""``ncenet repair``: a run folder in which something is broken goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.cli.console import plain_console
from ncenet.errors import UsageError


def repair(
    folder: Path,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Check a run folder, and set aside what is broken, so that the run can go on; answers are never deleted.

    Checks the ledger, the recipe, the models and the records of each cycle. What is broken moves into the
    folder set-aside of the run, and what the ledger knows is written anew. A model that is gone is trained
    again when the run goes on. Of a comparison, all its runs are looked at.

    For example: `ncenet repair runs/pets --dry-run`

    Args:
        folder: Run folder, or that of a comparison.
        dry_run: Say what is broken, and change nothing.
    """
    from ncenet.compare.repair import is_comparison, repair_comparison
    from ncenet.files import alone
    from ncenet.learners.model_file import check_model
    from ncenet.learners.training import read_checkpoint
    from ncenet.run.repair import repair as repaired

    def check(file: Path) -> None:
        if file.suffix == ".pt":
            read_checkpoint(file)
        else:
            check_model(file)

    console = plain_console()
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    with alone(folder):
        look = repair_comparison if is_comparison(folder) else repaired
        found = look(folder, check, dry_run=dry_run)
    for each in found:
        console.print(str(each))
    if not found:
        console.print(f"{folder}: nothing is broken")
    elif dry_run:
        console.print("nothing was changed: a dry run")
    else:
        console.print("the run goes on with the command that it stopped at")

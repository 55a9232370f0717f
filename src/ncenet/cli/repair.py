"""``ncenet repair``: a run folder in which something is broken goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.console import plain_console


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
    from ncenet.api.run import Run

    console = plain_console()
    found = Run.repair(folder, dry_run=dry_run)
    for each in found:
        console.print(str(each))
    if not found:
        console.print(f"{folder}: nothing is broken")
    elif dry_run:
        console.print("nothing was changed: a dry run")
    else:
        console.print("the run goes on with the command that it stopped at")

"""What is broken in the folder of a comparison: in each of its runs, and in what says which runs they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ncenet.compare.comparison import Comparison
from ncenet.errors import RecipeError
from ncenet.files import COMPARISON_FILE
from ncenet.run.folder import RunFolder
from ncenet.run.repair import Repaired, holds_a_run, repair_run, set_aside


def runs_in(folder: Path) -> list[Path]:
    """Folders of the runs of a comparison, also where nothing says any more which they are."""
    return sorted(path for depth in ("*", "*/*") for path in folder.glob(f"{depth}/seed-*") if path.is_dir())


def is_comparison(folder: Path) -> bool:
    """Whether a folder is that of a comparison, perhaps of several data sets."""
    if (folder / COMPARISON_FILE).exists():
        return True
    # A folder that says nothing and holds comparisons is any folder, such as `runs`.
    whole = (folder / "cycles").exists() or any(folder.glob(f"*/{COMPARISON_FILE}"))
    return bool(runs_in(folder)) and not whole


def repair_comparison(
    folder: Path, sound_model: Callable[[Path], object], *, dry_run: bool = False
) -> list[Repaired]:
    """Look through the runs of a comparison; as :func:`ncenet.run.repair.repair_run` does with each.

    Args:
        folder: of the comparison; nobody else may be at work in it.
        sound_model: raises a :class:`~ncenet.errors.NcenetError` for a file that is no whole model.
        dry_run: say what would be done, and do nothing.

    Raises:
        LedgerError: the ledger of a run is broken, which only a copy can mend.
    """
    found = []
    for file in sorted({folder / COMPARISON_FILE, *folder.glob(f"*/{COMPARISON_FILE}")}):
        try:
            Comparison.load(file)
        except RecipeError as error:
            why = str(error).removeprefix(f"{file}").lstrip(": ").splitlines()[0]
            if file.exists() or file.is_symlink():
                found.append(set_aside(folder, file, why, dry_run=dry_run))
            found.append(
                Repaired(file, "says which runs there are", "written anew by the command that made it")
            )
    for run in runs_in(folder):
        if holds_a_run(RunFolder(run)):  # what was stopped before its run began has nothing to mend
            found += repair_run(run, sound_model, dry_run=dry_run)
    return found

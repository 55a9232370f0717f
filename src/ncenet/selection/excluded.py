"""Ids that a query passes over: those that have a label, or that somebody lists."""

from __future__ import annotations

from pathlib import Path

from ncenet.errors import UsageError
from ncenet.ledger.ledger import Ledger
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import set_apart
from ncenet.text_files import read_text


def answered(ledger: Ledger) -> set[str]:
    """Ids of a run that are not to be asked for: answered, unreadable, or held out."""
    return ledger.closed_ids() | ledger.problems().keys() | set_apart(ledger)


def ids_in(source: str, column: str) -> set[str]:
    """The ids in a run folder, in files with a column of them, or in a text file, one a line.

    Raises:
        UsageError: there is no such file, or no such column.
    """
    from ncenet.selection.choose import open_files

    run = RunFolder(Path(source))
    if run.ledger.exists():
        with Ledger(run.ledger, read_only=True) as ledger:
            return answered(ledger)
    if source.lower().endswith(".txt"):
        if not Path(source).is_file():
            raise UsageError(f"{source}: there is no such file")
        return {line for line in read_text(Path(source)).splitlines() if line}
    files = open_files([source], column)
    return {id for chunk in files.chunks([column]) for id in files.named(chunk.table[column])}

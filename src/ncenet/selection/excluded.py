"""Ids that a query passes over: those that have a label, or that somebody lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ncenet.errors import UsageError
from ncenet.ledger.ledger import Ledger
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import set_apart
from ncenet.run.recipe_record import is_begun
from ncenet.tables import pyarrow
from ncenet.text_files import read_text

NAMED = 3
"""Ids that are named where some are not there (ours)."""


class Excluded(NamedTuple):
    """Ids that are passed over because somebody lists them.

    Attributes:
        source: run folder or file that does.
        ids: those in it.
    """

    source: str
    ids: frozenset[str]


class Sightings:
    """Which of the ids that are to be passed over are among the scores at all.

    Args:
        lists: where such ids stand.
    """

    def __init__(self, lists: Sequence[Excluded]) -> None:
        self._lists = [each for each in lists if each.ids]
        self.missing = {id for each in self._lists for id in each.ids}
        self._example: str | None = None

    @cached_property
    def _wanted(self) -> Any:
        pa = pyarrow("reading scores")
        return pa.array(sorted(self.missing), pa.string())

    def see(self, column: Any) -> None:
        """Look at ids of the scores, a column of pyarrow."""
        if not self.missing:
            return
        pa = pyarrow("reading scores")
        texts = column.cast(pa.string())
        if self._example is None:
            self._example = next((id for id in texts.slice(0, 1).to_pylist() if id is not None), None)
        there = pa.compute.is_in(texts, value_set=self._wanted)
        self.missing.difference_update(texts.filter(there).to_pylist())

    def notes(self) -> list[str]:
        """How many were found of each list, in a sentence, and some that were not.

        Raises:
            UsageError: none of a list is among the scores: ids that are written otherwise pass nothing over.
        """
        said = []
        for source, ids in self._lists:
            lost = sorted(ids & self.missing)
            if not lost:
                said.append(f"{source}: passed over {_counted(len(ids))}, all of them among the scores")
                continue
            if len(lost) == len(ids) and self._example is not None:
                raise UsageError(
                    f"{source}: none of {_counted(len(ids))} is among the scores: here {lost[0]!r}, there "
                    f"{self._example!r}; write them alike, or leave `exclude` out if nothing is to be passed "
                    "over"
                )
            said.append(
                f"{source}: passed over {len(ids) - len(lost):,} of {_counted(len(ids))}; not among the "
                f"scores {_some(lost)}"
            )
        return said


def _counted(ids: int) -> str:
    return f"{ids:,} {'id' if ids == 1 else 'ids'}"


def _some(ids: Collection[str]) -> str:
    few = ", ".join(repr(id) for id in list(ids)[:NAMED])
    return f"{few} and {len(ids) - NAMED:,} more" if len(ids) > NAMED else few


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
        if not is_begun(run):
            return set()
        with Ledger(run.ledger, read_only=True) as ledger:
            return answered(ledger)
    if source.lower().endswith(".txt"):
        if not Path(source).is_file():
            raise UsageError(f"{source}: there is no such file")
        return {line for line in read_text(Path(source)).splitlines() if line}
    files = open_files([source], column)
    return {id for chunk in files.chunks([column]) for id in files.named(chunk.table[column])}

"""The file of a query, whose last column people fill in: not replaced while it holds what only they know."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ncenet.boxes import Boxes
from ncenet.counts import count_of
from ncenet.errors import DataError, NcenetError, UsageError
from ncenet.ledger import Event, Ledger
from ncenet.run.folder import refuse_own
from ncenet.tables import read_csv, write_csv
from ncenet.types import Query

COLUMNS = ("id", "score", "label")


def check_replaceable(file: Path, ledger: Ledger | None) -> None:
    """Make sure that a new query may take the place of what is there.

    Nothing is there, or a query whose labels were all told: each stands in the ledger or stood there once.

    Args:
        file: where the new query goes.
        ledger: what was told; None when the run isn't there yet.

    Raises:
        UsageError: it holds a label that was not told, or is something else than a query.
    """
    if not file.exists():
        return
    if not file.is_file():
        raise UsageError(f"{file}: is there already, and is no file; name another")
    if not file.stat().st_size:
        return
    another = "name another file, or move this one away"
    try:
        columns, rows = read_csv(file)
    except DataError as error:
        raise UsageError(f"{error}; so it is not replaced: {another}") from error
    if tuple(columns) != COLUMNS:
        raise UsageError(
            f"{file}: is there already, and no query: its columns are {', '.join(columns)}, not "
            f"{', '.join(COLUMNS)}; {another}"
        )
    told = {_said(event) for event in ledger.events()} if ledger is not None else set()
    untold = [id for id, _, label in rows if label.strip() and not _spellings(id, label) & told]
    if untold:
        raise UsageError(
            f"{file}: {count_of(len(untold), 'label in it was', 'labels in it were')} not told yet, the "
            f"first about {untold[0]!r}, and would be lost: tell them first (ncenet tell), or {another}"
        )


def write_query_file(file: Path, query: Query, ledger: Ledger | None, *, raw: bool = False) -> None:
    """Write a query as a table to be filled in: id, score, and a label with nothing in it.

    People fill in the last one while a model trains or scores are read, so what is there is looked up now.

    Args:
        file: where it goes.
        query: ids and scores.
        ledger: of the run that asks; None when none does.
        raw: leave ids as they are that a spreadsheet would take for formulas.

    Raises:
        UsageError: as :func:`check_replaceable`.
    """
    check_replaceable(file, ledger)
    write_csv(
        file, COLUMNS, ((id, score, "") for id, score in zip(query.ids, query.scores, strict=True)), raw=raw
    )


def refuse_loss(file: Path, ledger: Ledger | None) -> None:
    """Make sure that a table of another kind takes the place of nothing that stands there alone.

    Args:
        file: where the table goes; whatever else is there is replaced.
        ledger: what was told; None when that isn't known.

    Raises:
        UsageError: a file of a run is there, or a query with labels that were not told.
    """
    refuse_own(file)
    with suppress(DataError):
        if file.is_file() and tuple(read_csv(file)[0]) == COLUMNS:
            check_replaceable(file, ledger)


def _said(event: Event) -> tuple[str, str]:
    return event.id, event.label if event.label is not None else event.kind


def _spellings(id: str, label: str) -> set[tuple[str, str]]:
    """What a ledger may hold of a label in a file: as it is, bare, or the one text of its boxes."""
    spelled = {(id, label), (id, label.strip())}
    with suppress(NcenetError):  # it is no text of boxes
        spelled.add((id, Boxes.from_label(label).to_label()))
    return spelled

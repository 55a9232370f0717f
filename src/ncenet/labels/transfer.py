"""Labels out of a run, and into one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ncenet.errors import DataError, UsageError
from ncenet.files import whole
from ncenet.labels.changes import Change, effects_of
from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.query_file import refuse_loss
from ncenet.labels.records import Known, Labels, Record, distinct
from ncenet.recipe import Task
from ncenet.run.held_out import set_apart
from ncenet.run.opening import OpenRun
from ncenet.tables import write_csv

NOTE = ("id", "who", "at", "note")
"""Columns of a table of notes."""


def format_of(path: Path, name: str | None, task: Task | None = None) -> Format:
    """The format of that name, or that which a path is of.

    Args:
        path: the file or folder.
        name: of the format; None looks at the path: what is there, or else how its name ends.
        task: whose labels are read.

    Raises:
        UnknownName: there is no such format.
        UsageError: no name was given, and the path looks like none.
    """
    if name is not None:
        return formats.use(name, lambda make: make())

    def look(make: Callable[[], Format]) -> tuple[Format, str, bool] | None:
        format = make()
        if task not in (None, *format.tasks):
            return None
        return format, format.suffix, path.exists() and format.recognises(path)

    fitting = [looked for _, looked in formats.each(look) if looked is not None]
    for format, _, found in fitting:
        if found:
            return format
    known = {suffix: format for format, suffix, _ in fitting if suffix}
    if path.suffix.lower() not in known:
        raise UsageError(
            f"{path}: looks like no format; name one of {', '.join(formats.names())} as format. Only names "
            f"that end in {', '.join(sorted(known))} say it themselves"
        )
    return known[path.suffix.lower()]


def labels_of(run: OpenRun, *, link: bool = False, raw: bool = False) -> Labels:
    """The standing answers of a run, for a format to write; see :class:`Labels` for the options."""
    apart = set_apart(run.ledger)
    records = [Record.of(event, held_out=event.id in apart) for event in run.ledger.answers()]
    return Labels(records, run.class_names, lambda: run.pool, run.task, link, raw)


def known_of(run: OpenRun) -> Known:
    """The images and classes of a run, for a format to lean on when it reads."""
    return Known(run.ledger.items(), run.class_names, lambda: run.pool)


def export_labels(
    run: OpenRun, out: Path, *, format: str | None = None, link: bool = False, raw: bool = False
) -> int:
    """Write the standing answers of a run, whole or not at all.

    Args:
        run: the run.
        out: file or folder to write. A file is replaced.
        format: name of the format. Default: what the end of ``out`` means.
        link: links to image files instead of copies.
        raw: leave cells of CSV alone that a spreadsheet would take for formulas.

    Returns:
        How many answers were written.

    Raises:
        UsageError: the format can't hold labels of this task, writes no images to link to or no CSV to leave
            raw, or the folder is there already.
        DataError: there are no answers, or the format can't hold one of them.
    """
    chosen = format_of(out, format)
    labels = labels_of(run, link=link, raw=raw)
    if labels.task not in chosen.tasks:
        tasks = formats.each(lambda make: make().tasks)
        fitting = [name for name, held in tasks if labels.task in held]
        raise UsageError(
            f"this format holds no labels of {labels.task}; those that do are {', '.join(fitting)}"
        )
    if link and not chosen.copies_images:
        raise UsageError("`link` is for formats that copy images; this one writes labels alone")
    if raw and not chosen.writes_csv:
        raise UsageError("`raw` is for CSV; this format writes none")
    if out.is_dir():
        raise UsageError(f"{out}: is there already; remove it or name another")
    refuse_loss(out, run.ledger)
    if not labels.records:
        raise DataError(f"{run.folder}: nothing to export, there are no answers yet")
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole(out) as partial:
        chosen.write(labels, partial)
    return len(labels.records)


def export_notes(run: OpenRun, out: Path, *, raw: bool = False) -> int:
    """Write the last note on each image as CSV, columns id, who, at and note; whole or not at all.

    Args:
        run: the run.
        out: the file; replaced when it is there.
        raw: leave cells alone that a spreadsheet would take for formulas.

    Returns:
        How many notes were written.

    Raises:
        UsageError: a folder of that name is there already.
        DataError: there are no notes, or the file is one of the run's own.
    """
    if out.is_dir():
        raise UsageError(f"{out}: is there already; remove it or name another")
    refuse_loss(out, run.ledger)
    notes = run.ledger.notes.of()
    if not notes:
        raise DataError(f"{run.folder}: nothing to export, there are no notes yet")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(out, NOTE, notes.values(), raw=raw)
    return len(notes)


def read_labels(
    run: OpenRun,
    source: Path,
    *,
    format: str | None = None,
    who: str | None = None,
    otherwise: str,
    listed_is_empty: bool = False,
) -> list[Change]:
    """Read answers from files, and say what they would do to a run.

    :func:`ncenet.labels.changes.apply` then does it.

    Args:
        run: the run.
        source: file or folder.
        format: name of the format. Default: the one that ``source`` looks like.
        who: the annotator. Default: whom the file names.
        otherwise: the annotator when the file names none.
        listed_is_empty: see :func:`ncenet.labels.changes.effects_of`.

    Raises:
        UsageError: there is no such file or folder.
        DataError: it is not of this format, or answers one image twice.
    """
    if not source.exists():
        raise UsageError(f"{source}: there is no such file or folder")
    chosen = format_of(source, format, run.recipe.task)
    records = distinct(chosen.read(source, known_of(run)), source)
    run.enter([record.id for record in records])
    return effects_of(run, records, who=who, otherwise=otherwise, listed_is_empty=listed_is_empty)

"""``ncenet tell``: answers to a query."""

from __future__ import annotations

import getpass
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ncenet.cli.changes import said_of_cuts
from ncenet.cli.console import plain_console
from ncenet.cli.people import opened
from ncenet.errors import DataError
from ncenet.text_files import open_text, parse_json

if TYPE_CHECKING:
    from ncenet.labels.records import Known, Record
    from ncenet.ledger import Answer
    from ncenet.types import Label

UNDO = "undo"
"""The word that takes an answer back, unless a class is called so."""
SHOWN = 20


def tell(
    folder: Path,
    answers: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    who: str | None = None,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Record answers; each is on disk when this returns, or none of them is.

    Answers may be partial, late, or corrections of earlier ones. An empty label is no answer; the words skip
    and unsure close an image without a label, and undo takes its answer back (unless a class is called so).
    The same answers told again change nothing, so an interrupted command can be repeated. Columns who and
    hash of a table count, as they do for ncenet import: an answer about other bytes is refused.

    For example:

    `ncenet tell runs/pets answers.csv`

    `echo '{"a.jpg": "cat"}' | ncenet tell runs/pets -`

    With --task detection a label is a JSON list of boxes, empty when there is no object:

    `echo '{"a.jpg": [{"box": [10, 20, 110, 220], "label": "cat"}], "b.jpg": []}' | ncenet tell runs/pets -`

    Args:
        folder: Run folder.
        answers: CSV file with columns id and label, JSON file of labels by id or of objects with id and
            label, or - for standard input.
        who: Name of the annotator. Default: the user's login.
        json_output: Print JSON.
    """
    name = "standard input" if answers == "-" else answers

    from ncenet.labels.records import distinct
    from ncenet.labels.transfer import known_of

    with opened(folder) as run:
        ledger, class_names = run.ledger, run.class_names
        records = distinct(_read(answers, name, known_of(run)), name)
        run.enter([record.id for record in records])  # before anybody has to wait
        known = known_of(run)
        for record in records:
            _check_hash(record, known, name)
        given = {record.id: record.answer for record in records}
        taken_back = {id for id, label in given.items() if label == UNDO and UNDO not in class_names}
        told: dict[str, dict[str, Label | Answer | None]] = {}
        for record in records:
            label = None if record.id in taken_back else record.answer
            told.setdefault(who or record.who or getpass.getuser(), {})[record.id] = label
        gate, changed = run.sizes.gate(), set[str]()
        with ledger.transaction():
            for annotator, labels in told.items():
                changed |= run.tell(labels, who=annotator, gate=gate)
        labeled = len(ledger.labeled())
    before = sorted(taken_back - changed)
    if json_output:
        undone = {"taken_back_before": before} if taken_back else {}
        print(json.dumps({"answers": len(given), "labeled": labeled, "cut": gate.cut, **undone}))
        return
    console = plain_console()
    console.print(
        f"{len(given)} answers recorded; {labeled} images have a label{said_of_cuts(gate.cut)}",
        highlight=False,
    )
    if before:
        shown = ", ".join(before[:SHOWN]) + (f" and {len(before) - SHOWN} more" if before[SHOWN:] else "")
        console.print(f"taken back before, and not once more: {shown}")


def _check_hash(record: Record, known: Known, name: str) -> None:
    item = known.by_id.get(record.id)
    if item is not None and record.hash not in (None, item.hash):
        raise DataError(
            f"{name}: {record.id!r} was another image when it was labelled: {record.hash}, now {item.hash}; "
            "nothing was recorded"
        )


def _read(source: str, name: str, known: Known) -> Iterator[Record]:
    """The answers of a file or of standard input, by the rules of every table and label."""
    from ncenet.labels.table import answers_in

    try:
        if source == "-":
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        else:
            with open_text(Path(source)) as lines:
                text = "".join(lines)
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not text in UTF-8: {error}; save it as CSV UTF-8") from error
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text, name, known)
    return (record for record, _ in answers_in(io.StringIO(text, newline=""), name, known))


def _from_json(text: str, name: str, known: Known) -> Iterator[Record]:
    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for key, value in pairs:
            if key in record and record[key] != value:
                raise DataError(f"{name}: {key!r} stands there a second time, and differently")
            record[key] = value
        return record

    record = parse_json(text, name, record=once)
    if isinstance(record, dict):
        rows = [{"id": id, "label": label} for id, label in record.items()]
    else:  # rows, as `ncenet ask --json` prints them, with a label put in
        if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in record):
            raise DataError(f"{name}: a list of answers holds objects with id and label")
        rows = [{**row, "label": "" if row.get("label") is None else row["label"]} for row in record]
    for row in rows:
        # Boxes are JSON themselves, and may stand there as they are; no object at all is an answer too.
        label = json.dumps(row["label"]) if isinstance(row["label"], list) else row["label"]
        if not isinstance(label, str):
            raise DataError(f"{name}: the label of {row['id']!r} is neither text nor a list of boxes")
        if (answer := known.record({**row, "label": label}, f"{name}: {row['id']!r}:")) is not None:
            yield answer

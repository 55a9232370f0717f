"""Answers to a query from a file: a filled-in table or JSON, recorded together or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ncenet.errors import DataError
from ncenet.labels.records import Known, Record, distinct
from ncenet.labels.table import answers_in
from ncenet.labels.transfer import known_of
from ncenet.ledger import Answer
from ncenet.run.opening import OpenRun
from ncenet.text_files import parse_json
from ncenet.types import Label

UNDO = "undo"
"""The word that takes an answer back, unless a class is called so."""


@dataclass(frozen=True)
class Receipt:
    """What answers from a file did.

    Attributes:
        answers: how many there were.
        labeled: images that have a label now.
        cut: boxes that rounding put beyond the edge of their image, and that were cut there.
        taken_back: images whose answer was to be taken back, in this file.
        before: of those, such as had none any more.
    """

    answers: int
    labeled: int
    cut: int
    taken_back: tuple[str, ...]
    before: tuple[str, ...]


def record_answers(run: OpenRun, text: str, name: str, *, who: str | None = None, otherwise: str) -> Receipt:
    """Record the answers of a table with columns id and label, or of JSON.

    An empty label is no answer; the words skip and unsure close an image without a label, and undo takes its
    answer back. JSON is labels by id, or a list of objects with id and label. The same answers recorded again
    change nothing.

    Args:
        run: the run.
        text: of the file.
        name: of the file, for messages.
        who: the annotator. Default: whom the file names.
        otherwise: the annotator when the file names none.

    Raises:
        LedgerError, UnknownName: as :meth:`ncenet.run.opening.OpenRun.tell`.
        DataError: it is neither form, answers an image twice, or is about other bytes than an image has now.
            Nothing is recorded then.
    """
    known = known_of(run)
    from_json = text.lstrip()[:1] in ("{", "[")
    read = _from_json(text, name, known) if from_json else _from_table(text, name, known)
    records = distinct(read, name)
    run.enter([record.id for record in records])  # before anybody has to wait
    known = known_of(run)
    for record in records:
        _check_hash(record, known, name)
    given = {record.id: record.answer for record in records}
    taken_back = {id for id, label in given.items() if label == UNDO and UNDO not in run.class_names}
    told: dict[str, dict[str, Label | Answer | None]] = {}
    for record in records:
        label = None if record.id in taken_back else record.answer
        told.setdefault(who or record.who or otherwise, {})[record.id] = label
    gate, changed = run.sizes.gate(), set[str]()
    with run.ledger.transaction():
        for annotator, labels in told.items():
            changed |= run.tell(labels, who=annotator, gate=gate)
    before = tuple(sorted(taken_back - changed))
    return Receipt(len(given), len(run.ledger.labeled()), gate.cut, tuple(sorted(taken_back)), before)


def _check_hash(record: Record, known: Known, name: str) -> None:
    item = known.by_id.get(record.id)
    if item is not None and record.hash not in (None, item.hash):
        raise DataError(
            f"{name}: {record.id!r} was another image when it was labelled: {record.hash}, now {item.hash}; "
            "nothing was recorded"
        )


def _from_table(text: str, name: str, known: Known) -> Iterator[Record]:
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

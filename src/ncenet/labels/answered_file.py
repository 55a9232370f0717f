"""Answers to a query from a file: a filled-in table or JSON, recorded together or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ncenet.class_names import shown
from ncenet.errors import DataError
from ncenet.labels.changes import as_called_now
from ncenet.labels.records import WORDS, Known, Record, distinct
from ncenet.labels.table import answers_in
from ncenet.labels.transfer import known_of
from ncenet.ledger import Answer, Event
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
        known: images that had this answer, of this annotator, already.
        corrected: images that had another answer, and which, for people.
        taken_back: images whose answer was to be taken back, in this file.
        before: of those, such as were taken back by the same annotator before.
        uncovered: of those, such as have an answer all the same, an earlier one, and which, for people.
    """

    answers: int
    labeled: int
    cut: int
    known: tuple[str, ...]
    corrected: dict[str, str]
    taken_back: tuple[str, ...]
    before: tuple[str, ...]
    uncovered: dict[str, str]


def record_answers(run: OpenRun, text: str, name: str, *, who: str | None = None, otherwise: str) -> Receipt:
    """Record the answers of a table with columns id and label, or of JSON.

    An empty label is no answer; the words skip and unsure close an image without a label, and undo takes its
    answer back. JSON is labels by id, or a list of objects with id and label. A class that was renamed or
    merged since goes by its name of before, too. The same answers recorded again change nothing.

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
    gate, changed = run.sizes.gate(), set[str]()
    with run.ledger.transaction():
        renamed, classes = run.ledger.classes.renamed(), frozenset(run.class_names)
        given = {record.id: as_called_now(record, renamed, classes).answer for record in records}
        taken_back = {id for id, label in given.items() if label == UNDO and UNDO not in classes}
        _check_words(given, classes, name)
        told: dict[str, dict[str, Label | Answer | None]] = {}
        for record in records:
            label = None if record.id in taken_back else given[record.id]
            told.setdefault(who or record.who or otherwise, {})[record.id] = label
        stood = _standing(run, given)
        for annotator, labels in told.items():
            changed |= run.tell(labels, who=annotator, gate=gate)
        stands = _standing(run, given)
    return Receipt(
        len(given),
        len(run.ledger.labeled()),
        gate.cut,
        tuple(sorted(given.keys() - taken_back - changed)),
        {
            id: f"{_said(stands[id])}, stood as {_said(stood[id])} by {stood[id].who}"
            for id in sorted(changed - taken_back)
            if id in stood and (stood[id].kind, stood[id].label) != (stands[id].kind, stands[id].label)
        },
        tuple(sorted(taken_back)),
        tuple(sorted(taken_back - changed)),
        {id: f"{_said(stands[id])} by {stands[id].who}" for id in sorted(taken_back) if id in stands},
    )


def _check_words(given: Mapping[str, Label | Answer], classes: Collection[str], name: str) -> None:
    """Refuse what a spreadsheet makes of the words that are no classes, with the word that is meant."""
    for id, label in given.items():
        if label in classes or label in WORDS or not isinstance(label, str) or label.lower() not in WORDS:
            continue
        raise DataError(
            f"{name}: {id!r}: {label!r} is no class; the word that is none is written {label.lower()!r}. "
            "Nothing was recorded"
        )


def _standing(run: OpenRun, ids: Collection[str]) -> dict[str, Event]:
    """The standing answers of these images."""
    return {event.id: event for event in run.ledger.answers() if event.id in ids}


def _said(event: Event) -> str:
    """The label of an answer, or that it is none, in a line that isn't long."""
    return shown(event.label) if event.label is not None else event.kind


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

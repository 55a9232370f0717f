"""What reading answers into a ledger would change, said before anything is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from ncenet.box_gate import BoxGate
from ncenet.counts import count_of
from ncenet.errors import DataError, UnknownName
from ncenet.labels.records import Record
from ncenet.ledger import Answer, Event, Item, Ledger
from ncenet.run.opening import OpenRun
from ncenet.types import Label

Status: TypeAlias = Literal[
    "new",
    "same",
    "changed",
    "conflicting",
    "unknown id",
    "hash differs",
    "unreadable",
    "unknown class",
    "no such boxes",
    "unsaid",
]
"""What an answer would do.

========================  ===========================================================================
new                       the image has no answer yet
same                      it has this answer already, whoever gave it
changed                   the annotator corrects an answer of their own, as of the time it was given
conflicting               it has another answer, by somebody else or given later than the file's
unknown id                no image of the run is called so
hash differs              the image has other bytes than those that were labelled
unreadable                the image cannot be read
unknown class             the label is no class of the run
no such boxes             the label is no boxes, or those of another image: see :mod:`ncenet.box_gate`
unsaid                    a file lists the image without a box, and nobody may have looked at it
========================  ===========================================================================
"""

WRITTEN: frozenset[Status] = frozenset({"new", "changed"})
MISMATCHES: frozenset[Status] = frozenset(
    {"unknown id", "hash differs", "unreadable", "unknown class", "no such boxes"}
)
_SHOWN = 20


@dataclass(frozen=True)
class Change:
    """One answer that was read, and what it would do.

    Attributes:
        record: the answer, its boxes cut where rounding put them beyond their image.
        who: the annotator under whose name it would be recorded.
        status: what it would do.
        before: the answer that stands; None when there is none.
        why: more about it, for people.
        cut: how many boxes were cut.
    """

    record: Record
    who: str
    status: Status
    before: Event | None = None
    why: str = ""
    cut: int = 0

    def __str__(self) -> str:
        said = self.record.label if self.record.kind == "answer" else self.record.kind
        text = f"{self.record.id!r}: {said}"
        if self.before is not None and self.status != "same":
            stands = self.before.label if self.before.kind == "answer" else self.before.kind
            text += f", stands as {stands} by {self.before.who}, {self.before.at}"
        return f"{text} ({self.why})" if self.why else text


def effects_of(
    run: OpenRun,
    records: Iterable[Record],
    *,
    who: str | None = None,
    otherwise: str,
    listed_is_empty: bool = False,
) -> list[Change]:
    """What each answer would do to the ledger of a run; nothing is written.

    Args:
        run: the run.
        records: the answers; one an image.
        who: the annotator; None takes whom the record names.
        otherwise: the annotator of records that name none.
        listed_is_empty: an image that is merely listed has no object; otherwise nothing is said of it.
    """
    items = {item.id: item for item in run.ledger.items()}
    standing = {event.id: event for event in run.ledger.answers()}
    renamed = run.ledger.classes.renamed()
    classes, gate = frozenset(run.class_names), run.sizes.gate() if run.task == "detection" else None
    changes = []
    for record in records:
        record = as_called_now(record, renamed, classes)
        name, before, cut = who or record.who or otherwise, standing.get(record.id), gate.cut if gate else 0
        try:
            passed = _passed(record, items.get(record.id), classes, gate)
        except _Misfit as error:
            changes.append(Change(record, name, error.status, before, error.why))
        else:
            cut = gate.cut - cut if gate else 0
            unsaid = record.unsaid and not listed_is_empty
            status = "unsaid" if unsaid else _status(passed, name, before)
            changes.append(Change(passed, name, status, before, cut=cut))
    return changes


def apply(
    ledger: Ledger,
    changes: Sequence[Change],
    *,
    on_conflict: Literal["stop", "keep", "replace"] = "stop",
    on_mismatch: Literal["stop", "skip"] = "stop",
) -> int:
    """Record the answers that are new or changed, as events; nothing that stands is overwritten unasked.

    All are recorded or none. What each would do is looked up again in the transaction that writes, so that an
    answer that somebody gave since :func:`effects_of` counts as one that stands, and a class that somebody
    renamed, merged or deleted since is called as it is now, or unknown. What was recorded is the same the
    next time, so an import that was interrupted can be run again.

    Args:
        ledger: the ledger that they were compared with.
        changes: what :func:`effects_of` said.
        on_conflict: whether conflicting answers stop the import, leave what stands, or replace it.
        on_mismatch: whether answers that fit no image or class stop the import or are left out.

    Returns:
        How many answers were recorded.

    Raises:
        DataError: something stops the import; nothing is recorded then.
    """
    with ledger.transaction():
        changes = _as_of_now(ledger, changes)
        if on_mismatch == "stop":
            _stop(changes, MISMATCHES, "leave them out with `on_mismatch=skip`")
        if on_conflict == "stop":
            what_to_do = "choose with `on_conflict`: keep what stands, or replace it"
            _stop(changes, frozenset({"conflicting"}), what_to_do)
        write = WRITTEN | ({"conflicting"} if on_conflict == "replace" else frozenset())
        cycles = ledger.cycles()
        by_annotator: dict[str, dict[str, Label | Answer]] = {}
        for change in changes:
            if change.status in write:
                by_annotator.setdefault(change.who, {})[change.record.id] = change.record.answer
        for who, answers in by_annotator.items():
            ledger.tell(answers, who=who, cycle=cycles[-1].number if cycles else 0)
    return sum(map(len, by_annotator.values()))


def counts(changes: Iterable[Change]) -> dict[Status, int]:
    """How many answers do what, in the order of :data:`Status`; what does not occur is left out."""
    found = Counter(change.status for change in changes)
    return {status: found[status] for status in _ORDER if found[status]}


_ORDER: tuple[Status, ...] = get_args(Status)


def _as_of_now(ledger: Ledger, changes: Sequence[Change]) -> list[Change]:
    """The same changes, held against what the ledger says of their images now."""
    items = ledger.review.items(change.record.id for change in changes)
    standing = {event.id: event for event in ledger.answers()}
    renamed, classes = ledger.classes.renamed(), frozenset(ledger.class_names())
    by_class = ledger.recall("task") != "detection"  # classes of boxes are never changed
    fresh = []
    for change in changes:
        if change.status not in MISMATCHES and by_class:
            change = replace(change, record=as_called_now(change.record, renamed, classes))
        record, before = change.record, standing.get(change.record.id)
        mismatch = None if change.status in MISMATCHES else _of_image(record, items.get(record.id))
        if mismatch is None and change.status not in MISMATCHES and by_class:
            mismatch = _of_class(record, classes)
        if mismatch is not None:
            change = replace(change, status=mismatch[0], before=before, why=mismatch[1])
        elif change.status not in MISMATCHES | {"unsaid"}:
            change = replace(change, status=_status(record, change.who, before), before=before)
        fresh.append(change)
    return fresh


def _status(record: Record, who: str, before: Event | None) -> Status:
    if before is None:
        return "new"
    if (before.kind, before.label) == (record.kind, record.label):
        return "same"
    # Both times are ISO 8601 in UTC, so they compare as text.
    stale = record.at is not None and record.at < before.at
    return "changed" if before.who == who and not stale else "conflicting"


class _Misfit(Exception):
    """An answer that fits no image or class."""

    def __init__(self, status: Status, why: str = "") -> None:
        super().__init__(status, why)
        self.status, self.why = status, why


def _passed(record: Record, item: Item | None, classes: frozenset[str], gate: BoxGate | None) -> Record:
    """The record as it may be recorded."""
    mismatch = _of_image(record, item)
    if mismatch is not None:
        raise _Misfit(*mismatch)
    if record.kind != "answer" or record.label is None:
        return record
    if gate is None:
        if (unknown := _of_class(record, classes)) is not None:
            raise _Misfit(*unknown)
        return record
    try:
        return replace(record, label=gate(record.id, record.label, record.drawn_on))
    except UnknownName as error:
        raise _Misfit("unknown class", str(error)) from error
    except DataError as error:
        raise _Misfit("no such boxes", str(error)) from error


def as_called_now(record: Record, renamed: Mapping[Label, Label], classes: Collection[Label]) -> Record:
    """The record under the name of today, where its class was renamed or merged since."""
    if record.label is not None and record.label in renamed and record.label not in classes:
        return replace(record, label=renamed[record.label])
    return record


def _of_class(record: Record, classes: Collection[Label]) -> tuple[Status, str] | None:
    """Why an answer can't be a class of the run."""
    if record.kind != "answer" or record.label in classes:
        return None
    return "unknown class", f"classes: {', '.join(sorted(classes))}"


def _of_image(record: Record, item: Item | None) -> tuple[Status, str] | None:
    """Why an answer can't be about the image that is there."""
    if item is None:
        return "unknown id", ""
    if record.hash is not None and record.hash != item.hash:
        return "hash differs", f"{record.hash} was labelled, {item.hash} is there"
    return None if item.problem is None else ("unreadable", item.problem)


def _stop(changes: Sequence[Change], statuses: frozenset[Status], what_to_do: str) -> None:
    found = [change for change in changes if change.status in statuses]
    if found:
        shown = "\n".join(f"  {change.status}: {change}" for change in found[:_SHOWN])
        more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise DataError(
            f"{count_of(len(found), 'answer does', 'answers do')} not fit, nothing was "
            f"recorded:\n{shown}{more}\n{what_to_do}"
        )

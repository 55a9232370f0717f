"""Where each image is to go, written down before the first one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ncenet.errors import DataError, UsageError
from ncenet.labels.images import paths_of
from ncenet.labels.names import folder_names
from ncenet.labels.records import Record
from ncenet.run.held_out import held_out_ids
from ncenet.run.opening import OpenRun
from ncenet.sorting.expected import Expected, expect
from ncenet.tables import read_rows, write_csv
from ncenet.text_files import open_text

REVIEW, SKIPPED = "review", "skipped"
TABLE, HEADER, PLACING = "sorted.csv", "sorting.json", ".placing"
"""Names within a sorted folder; a class of such a name gets another folder."""
COLUMNS = ("id", "to", "class", "likelihood", "by", "hash")


class Opinion(NamedTuple):
    """What a model says of an image: its likeliest class, and the share of that in [0, 1]."""

    label: str
    likelihood: float


class Placed(NamedTuple):
    """One image.

    Attributes:
        id: the image.
        to: path within the folder; "" when it goes nowhere.
        label: the class; "" when there is none.
        likelihood: of the class by the model; None when it has no say.
        by: ``person``, ``model``, or why it isn't sorted: ``unlikely``, ``unsure``, ``skipped`` or
            ``unreadable``.
        hash: of the bytes.
    """

    id: str
    to: str
    label: str
    likelihood: float | None
    by: str
    hash: str


@dataclass(frozen=True)
class Evidence:
    """What is known of the images of a run.

    Attributes:
        labels: what people say, by id.
        unsure: ids that somebody looked at and could not tell.
        skipped: ids that somebody left out.
        unreadable: ids of images that can't be read.
        opinions: what the model says, by id; of all others, and of the held-out ones.
        held_out: ids of the held-out images.
    """

    labels: Mapping[str, str]
    unsure: frozenset[str]
    skipped: frozenset[str]
    unreadable: frozenset[str]
    opinions: Mapping[str, Opinion]
    held_out: frozenset[str]

    def expected(self, above: float) -> Expected:
        """What sorting from a likelihood on would do."""
        closed = self.labels.keys() | self.skipped | self.unsure
        likelihoods = [o.likelihood for id, o in self.opinions.items() if id not in closed]
        measured = [
            (self.opinions[id].likelihood, self.opinions[id].label == self.labels[id])
            for id in sorted(self.held_out)
            if id in self.labels and id in self.opinions
        ]
        found = expect(above, likelihoods, measured, by_people=len(self.labels))
        return found if not self.unsure else _with_more(found, len(self.unsure))


def _with_more(found: Expected, unsorted: int) -> Expected:
    return Expected(**{**found.__dict__, "of": found.of + unsorted})


def evidence_of(run: OpenRun, opinions: Mapping[str, Opinion]) -> Evidence:
    """What the ledger knows, beside what a model says."""
    kinds = {event.id: event.kind for event in run.ledger.answers()}
    return Evidence(
        labels=dict(run.ledger.labeled()),
        unsure=frozenset(id for id, kind in kinds.items() if kind == "unsure"),
        skipped=frozenset(id for id, kind in kinds.items() if kind == "skip"),
        unreadable=frozenset(run.ledger.problems()),
        opinions=opinions,
        held_out=frozenset(held_out_ids(run.ledger)),
    )


def plan(run: OpenRun, known: Evidence, above: float, *, skipped_too: bool = False) -> list[Placed]:
    """Where each image goes.

    Args:
        run: the run.
        known: what is known of its images.
        above: what the model says goes to the folder of its class from this likelihood on, else to review.
        skipped_too: what was skipped goes to a folder of its own, in the place of nowhere.

    Raises:
        DataError: the images are feature vectors.
    """
    folders = folder_names((REVIEW, SKIPPED, TABLE, HEADER, *run.class_names))
    items = run.ledger.items()
    left = known.unreadable if skipped_too else known.unreadable | known.skipped
    sound = [item for item in items if item.id not in left]
    paths = paths_of(run.pool, [Record(item.id, None) for item in sound])
    rows = []
    for item in items:
        opinion = known.opinions.get(item.id)
        likelihood = None if opinion is None else opinion.likelihood
        if item.id in known.unreadable:
            rows.append(Placed(item.id, "", "", None, "unreadable", item.hash))
            continue
        if item.id in known.skipped:
            to = f"{SKIPPED}/{paths[item.id]}" if skipped_too else ""
            rows.append(Placed(item.id, to, "", None, "skipped", item.hash))
            continue
        if item.id in known.labels:
            label, by, folder = known.labels[item.id], "person", folders[known.labels[item.id]]
        else:
            label = "" if opinion is None else opinion.label
            by = "unsure" if item.id in known.unsure else "unlikely"
            if by == "unlikely" and likelihood is not None and likelihood >= above:
                by = "model"
            folder = folders[label] if by == "model" else REVIEW
            if by != "model" and label:
                folder = f"{REVIEW}/{folders[label]}"
        rows.append(Placed(item.id, f"{folder}/{paths[item.id]}", label, likelihood, by, item.hash))
    return rows


def write_plan(file: Path, rows: list[Placed]) -> None:
    """Write ``sorted.csv``, whole or not at all."""
    write_csv(
        file,
        COLUMNS,
        (
            row._replace(likelihood=None if row.likelihood is None else round(row.likelihood, 4))
            for row in rows
        ),
    )


def read_plan(file: Path) -> list[Placed]:
    """Read it back.

    Raises:
        DataError: it is no such table.
    """
    found = []
    with open_text(file) as lines:
        for where, cells in read_rows(lines, file, needs=COLUMNS):
            to = cells["to"]
            if to.startswith("/") or ".." in to.split("/"):
                raise DataError(f"{where} to: {to!r} leads out of the folder")
            try:
                likelihood = float(cells["likelihood"]) if cells["likelihood"] else None
            except ValueError:
                raise DataError(f"{where} likelihood: no number: {cells['likelihood']!r}") from None
            found.append(Placed(cells["id"], to, cells["class"], likelihood, cells["by"], cells["hash"]))
    return found


def check_place(run: OpenRun, out: Path) -> None:
    """Sorted images within the folder of the images would be images of the pool.

    Raises:
        UsageError: the folder lies there, or the run asks for boxes.
    """
    from ncenet.data.pools import FolderPool

    if run.task == "detection":
        raise UsageError(f"{run.folder}: this run asks for boxes, which ncenet export writes")
    pool = run.pool
    if isinstance(pool, FolderPool) and out.absolute().resolve().is_relative_to(pool.root.resolve()):
        raise UsageError(f"{out}: lies within the images themselves, {pool.root}: name a folder elsewhere")

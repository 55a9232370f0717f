"""Taking stock: the state of a run as the page shows it. Reads records alone, on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ncenet.boxes import Boxes
from ncenet.errors import DamagedRecord
from ncenet.ledger.ledger import Ledger
from ncenet.run.advice import outlook, wilson
from ncenet.run.findings import contradicting
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import held_out_ids, measuring, set_apart
from ncenet.run.record_files import last_choosing, last_left_out, read_predicted, read_test
from ncenet.run.records import BoxTest
from ncenet.run.second_look import second_looks
from ncenet.web.together import told

T = TypeVar("T")


class Tested(NamedTuple):
    """A model as it was measured.

    Attributes:
        cycle: which one.
        labeled: L, how many labels it learned from.
        predicted: what it says of each held-out image.
    """

    cycle: int
    labeled: int
    predicted: dict[str, str]


class Stock:
    """Counts, learning curve and advice of a run. A damaged record is left out, and named.

    Args:
        folder: the run folder.
        ledger: its ledger, opened for reading alone.
    """

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder, self._run, self._ledger = folder, RunFolder(folder), ledger
        self._tested = cache(self._read_tested)
        self._advised: tuple[Any, dict[str, Any]] = (None, {})
        self._damaged: dict[str, str] = {}

    def take(self) -> dict[str, Any]:
        """Everything, as JSON."""
        labels = dict(self._ledger.labeled())
        held_out, apart = held_out_ids(self._ledger), set_apart(self._ledger)
        closed = self._ledger.closed_ids()
        counts = self._ledger.review.counts()
        names = self._ledger.class_names()
        detection = self._ledger.recall("task") == "detection"
        of_class = (
            self._ledger.review.objects() if detection else {n: counts.get(("answer", n), 0) for n in names}
        )
        truth = {id: labels[id] for id in held_out if id in labels}
        copies = self._ledger.review.differing_copies()
        self._damaged = {}
        measured = self._boxes() if detection else self._measured(truth)
        return {
            "classes": list(names),
            "looks": self._ledger.classes.looks(),
            "changed": _last_change(self._ledger),
            "counts": {name: of_class.get(name, 0) for name in names},
            "empty": counts.get(("answer", Boxes().to_label()), 0) if detection else 0,
            "skipped": counts.get(("skip", None), 0),
            "unsure": counts.get(("unsure", None), 0),
            "labeled": sum(id not in apart for id in labels),
            "answered": len(closed),
            "heldOut": {
                "answered": sum(id in closed for id in held_out),
                "size": len(measuring(self._ledger)),
                "copies": len(self._ledger.apart.ids()),
            },
            "annotators": [effort._asdict() for effort in self._ledger.review.efforts()],
            "disputed": self._ledger.review.disputed(),
            "contradictions": contradicting(copies) if copies else "",
            "together": told(self._ledger),
            "doubted": {name: told._asdict() for name, told in second_looks(self._ledger)._asdict().items()},
            **measured,
            "leftOut": self._left_out(),
            "choosing": self._choosing(),
            "damaged": [f"{file}: {why}" for file, why in self._damaged.items()],
        }

    def _spared(self, read: Callable[..., T | None], *of: object) -> T | None:
        """What a record says; None when it is missing, or can't be read, which is told."""
        try:
            return read(*of)
        except DamagedRecord as error:
            self._damaged[error.file.relative_to(self._folder).as_posix()] = error.why
            return None

    def _left_out(self) -> dict[str, Any] | None:
        found = self._spared(last_left_out, self._run.cycles())
        if found is None:
            return None
        low, high = found.interval
        return {"labeled": found.labeled, "accuracy": found.right / found.labeled, "low": low, "high": high}

    def _choosing(self) -> dict[str, Any] | None:
        found = self._spared(last_choosing, self._run.cycles())
        if found is None:
            return None
        return {"labeled": found.labeled, "images": found.images, "interval": found.interval}

    def _boxes(self) -> dict[str, Any]:
        """Learning curve of a detector, from the records of its cycles.

        Each point was measured when its model was trained, on the labels that the held-out images had then,
        and has the interval that was drawn from them. Nothing is forecast: the law by which accuracies are
        extrapolated, and the comparison of errors on queried and random images, count images that are right
        or wrong, which an mAP doesn't.
        """
        tests = [self._spared(read_test, self._run.cycle(c.number)) for c in self._ledger.cycles()]
        curve = [
            {
                "labeled": test.labeled,
                "accuracy": test.mAP,
                "low": test.mAP_interval[0],
                "high": test.mAP_interval[1],
                "images": test.images,
            }
            for test in tests
            if isinstance(test, BoxTest) and test.mAP_interval is not None
        ]
        return {"curve": curve, "outlook": None, "matrix": None}

    def _measured(self, truth: dict[str, str]) -> dict[str, Any]:
        """Learning curve and advice, by today's labels of the held-out images."""
        cycles = [cycle.number for cycle in self._ledger.cycles()]
        now = self._ledger.classes.renamed()
        models = [
            tested._replace(predicted={id: now.get(name, name) for id, name in tested.predicted.items()})
            for cycle in cycles
            if self._run.cycle(cycle).test.exists() and (tested := self._spared(self._tested, cycle))
        ]
        key = (len(models), tuple(truth.items()))
        if self._advised[0] != key:
            self._advised = key, self._advise(models, truth)
        return self._advised[1]

    def _advise(self, models: list[Tested], truth: dict[str, str]) -> dict[str, Any]:
        # Images that the first models were not tested on yet are left out: all points share their images.
        if not truth:  # held-out images that were brought along, whose labels stand in the records
            truth = self._spared(self._labels_of_records, models) or {}
        common = [id for id in truth if all(id in model.predicted for model in models)]
        if not models or not common:
            return {"curve": [], "outlook": None, "matrix": None}
        right = np.array([[m.predicted[id] == truth[id] for id in common] for m in models])
        curve = [
            {
                "labeled": model.labeled,
                "accuracy": float(row.mean()),
                "low": wilson(int(row.sum()), len(row))[0],
                "high": wilson(int(row.sum()), len(row))[1],
                "images": len(row),
            }
            for model, row in zip(models, right, strict=True)
        ]
        sizes = [model.labeled for model in models]
        ahead = outlook(sizes, right) if len(set(sizes)) == len(sizes) else None
        return {
            "curve": curve,
            "outlook": ahead and ahead.__dict__,
            "matrix": _matrix({id: truth[id] for id in common}, models[-1].predicted),
        }

    def _read_tested(self, cycle: int) -> Tested | None:
        files = self._run.cycle(cycle)
        test, rows = read_test(files), read_predicted(files)
        if test is None:
            return None
        if rows is None:
            raise DamagedRecord(files.predicted, "it is missing")
        return Tested(cycle, test.labeled, {row.id: row.predicted for row in rows})

    def _labels_of_records(self, models: list[Tested]) -> dict[str, str]:
        rows = read_predicted(self._run.cycle(models[-1].cycle)) if models else None
        return {row.id: row.label for row in rows or () if row.label is not None}


def _last_change(ledger: Ledger) -> dict[str, Any] | None:
    """The last change of a class, which can be undone."""
    last = next(reversed(ledger.classes.changes()), None)
    return None if last is None else {"kind": last.kind, "name": last.name, "value": last.value}


def _matrix(truth: dict[str, str], predicted: dict[str, str]) -> dict[str, Any]:
    """How many held-out images of each class the last model takes for which."""
    names = sorted({*truth.values(), *(predicted[id] for id in truth)})
    row = {name: n for n, name in enumerate(names)}
    counts = [[0] * len(names) for _ in names]
    for id, label in truth.items():
        counts[row[label]][row[predicted[id]]] += 1
    return {"classes": names, "counts": counts}

"""Taking stock: the state of a run as the page shows it. Reads records alone, on a connection of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ncenet.boxes import Boxes
from ncenet.compare.predictions import COLUMNS
from ncenet.errors import NcenetError
from ncenet.files import cycle_folder
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import Kind
from ncenet.loop.reasons import REASONS, read_reasons
from ncenet.run.advice import choosing, outlook, wilson
from ncenet.run.held_out import held_out_ids, set_apart
from ncenet.tables import read_csv
from ncenet.web.box_curve import box_point, counted

T = TypeVar("T")

DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, NcenetError)
"""What reading a record that isn't what it should be may raise."""


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
        self._folder, self._ledger = folder, ledger
        self._tested = cache(self._read_tested)
        self._likeliest = cache(self._read_likeliest)
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
        self._damaged = {}
        measured = self._boxes() if detection else self._measured(truth, labels)
        return {
            "classes": list(names),
            "counts": {name: of_class.get(name, 0) for name in names},
            "empty": counts.get(("answer", Boxes().to_label()), 0) if detection else 0,
            "skipped": counts.get(("skip", None), 0),
            "unsure": counts.get(("unsure", None), 0),
            "labeled": sum(id not in apart for id in labels),
            "answered": len(closed),
            "heldOut": {"answered": sum(id in closed for id in held_out), "size": len(held_out)},
            "annotators": [effort._asdict() for effort in self._ledger.review.efforts()],
            "disputed": self._ledger.review.disputed(),
            **measured,
            "damaged": [f"{file}: {why}" for file, why in self._damaged.items()],
        }

    def _spared(self, cycle: int, name: str, read: Callable[..., T], *of: object) -> T | None:
        """What a record of a cycle says; None when it can't be read, which is told."""
        try:
            return read(*of)
        except DAMAGE as error:
            file = cycle_folder(self._folder, cycle) / name
            self._damaged[str(file.relative_to(self._folder))] = f"{type(error).__name__}: {error}"
            return None

    def _boxes(self) -> dict[str, Any]:
        """Learning curve of a detector, whose records hold all that is told."""
        points = [
            self._spared(cycle.number, "test.json", box_point, self._folder, cycle.number)
            for cycle in self._ledger.cycles()
        ]
        return {"curve": [point for point in points if point is not None], "outlook": None, "choosing": None}

    def _measured(self, truth: dict[str, str], labels: dict[str, str]) -> dict[str, Any]:
        """Learning curve and advice, by today's labels of the held-out images."""
        models = [
            tested
            for cycle in self._ledger.cycles()
            if (cycle_folder(self._folder, cycle.number) / "test.json").exists()
            and (tested := self._spared(cycle.number, "test.json", self._tested, cycle.number))
        ]
        asked = [
            hit
            for model in models[-3:]
            if self._chose(model.cycle)
            for hit in self._spared(model.cycle, REASONS, self._hits, model.cycle, labels) or ()
        ]
        key = (len(models), tuple(truth.items()), len(labels), tuple(asked))
        if self._advised[0] != key:
            self._advised = key, self._advise(models, truth, labels, asked)
        return self._advised[1]

    def _advise(
        self, models: list[Tested], truth: dict[str, str], labels: dict[str, str], asked: list[bool]
    ) -> dict[str, Any]:
        # Images that the first models were not tested on yet are left out: all points share their images.
        if not truth:  # held-out images that were brought along, whose labels stand in the records
            truth = self._labels_of_records(models)
        common = [id for id in truth if all(id in model.predicted for model in models)]
        if not models or not common:
            return {"curve": [], "outlook": None, "choosing": None}
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
        compared = choosing(asked, right[-1].tolist())
        return {
            "curve": curve,
            "outlook": ahead and ahead.__dict__,
            "choosing": compared and compared.__dict__,
        }

    def _hits(self, cycle: int, labels: dict[str, str]) -> list[bool]:
        """Whether the model of a cycle was right about each image that it asked for and that has a label."""
        return [best == labels[id] for id, best in self._likeliest(cycle).items() if id in labels]

    def _read_likeliest(self, cycle: int) -> dict[str, str]:
        likelihoods = {id: reason["likelihoods"] for id, reason in read_reasons(self._folder, cycle).items()}
        return {id: max(classes, key=classes.__getitem__) for id, classes in likelihoods.items()}

    def _chose(self, cycle: int) -> bool:
        """Whether the model of a cycle was trusted to choose."""
        return self._ledger.latest_query(cycle, among={Kind.STRATEGY}) is not None

    def _read_tested(self, cycle: int) -> Tested:
        folder = cycle_folder(self._folder, cycle)
        record = json.loads((folder / "test.json").read_text(encoding="utf-8"))
        columns, rows = read_csv(folder / "test.csv")
        if columns != list(COLUMNS):
            raise ValueError(f"test.csv has the columns {', '.join(columns)}, not {', '.join(COLUMNS)}")
        return Tested(cycle, counted(record["labeled"]), {id: predicted for id, _, predicted in rows})

    def _labels_of_records(self, models: list[Tested]) -> dict[str, str]:
        if not models:
            return {}
        _, rows = read_csv(cycle_folder(self._folder, models[-1].cycle) / "test.csv")
        return {id: label for id, label, _ in rows}

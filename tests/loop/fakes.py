"""A learner that learns nothing, so that tests of the loop train nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ncenet.types import FitReport, LabeledSet, Pool, Prediction

CLASSES = ("ant", "bee", "cow")


class CountingLearner:
    """Predicts from a hash of the id and the number of labels; counts what it was asked to do."""

    def __init__(self, classes: int = 3) -> None:
        self.classes, self.labels = classes, 0
        self.fits: list[tuple[int, list[str]]] = []
        self.predicted: list[list[str]] = []
        self.before: list[Path | None] = []

    def fit(self, labeled: LabeledSet, pool: Pool, *, cycle, before=None, resume=None) -> FitReport:
        self.fits.append((cycle, list(labeled.ids)))
        self.before.append(before)
        self.labels, self.classes = len(labeled), len(labeled.class_names)
        return FitReport(len(labeled), steps=1, seconds=0.1, loss=1.0, accuracy=0.5)

    def predict(self, pool: Pool, ids: Sequence[str], *, want: frozenset[str]) -> Iterator[Prediction]:
        self.predicted.append(list(ids))
        for start in range(0, len(ids), 4):
            chunk = ids[start : start + 4]
            yield Prediction(chunk, torch.stack([self.row(id) for id in chunk]))

    def row(self, id: str) -> torch.Tensor:
        seed = sum(map(ord, id)) * 1000 + self.labels
        return torch.rand(self.classes, generator=torch.Generator().manual_seed(seed))

    def save(self, file: Path) -> None:
        file.write_text(json.dumps({"labels": self.labels, "classes": self.classes}))

    def load(self, file: Path) -> None:
        vars(self).update(json.loads(file.read_text()))

"""Scores of images as rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ncenet.boxes import Detections
from ncenet.models.scores import BoxScores, Scores
from ncenet.score_columns import LIKELY

Row: TypeAlias = dict[str, Any]


class ScoreTable(Protocol):
    """Which columns there are, and what stands in them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""

    def rows(self, said: Any) -> list[Row]:
        """One row an image."""


@dataclass(frozen=True)
class ClassTable:
    """Id, likeliest class and its likelihood, rejection, confusion; of a committee how its members differ.

    Attributes:
        class_names: the C classes.
        shares: the share of the likeliest class, how often it is right, stands beside its likelihood.
        votes: whether a committee speaks: ``vote_entropy`` and ``consensus_entropy`` follow.
        per_class: the likelihood of each class follows.
    """

    class_names: Sequence[str]
    votes: bool = False
    per_class: bool = False
    shares: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""
        votes = ("vote_entropy", "consensus_entropy") if self.votes else ()
        shares = ("share",) if self.shares else ()
        return ("id", "predicted", "likelihood", *shares, "rejection", "confusion", *votes, *self._of_classes)

    def rows(self, said: Scores) -> list[Row]:
        """One row an image."""
        columns = [
            said.ids,
            said.predicted,
            said.likelihood.max(-1).tolist(),
            *([] if said.share is None else [said.share.max(-1).tolist()]),
            said.rejection.tolist(),
            said.confusion.tolist(),
        ]
        if said.vote_entropy is not None and said.consensus_entropy is not None:
            columns += [said.vote_entropy.tolist(), said.consensus_entropy.tolist()]
        if self.per_class:
            columns += said.likelihood.T.tolist()
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    @property
    def _of_classes(self) -> tuple[str, ...]:
        return tuple(f"likelihood[{name}]" for name in self.class_names) if self.per_class else ()


@dataclass(frozen=True)
class BoxTable:
    """Id, number of objects, rejection, confusion.

    Attributes:
        class_names: the C classes.
        least: likelihood from which on an object counts.
        per_class: the number of objects of each class follows.
        boxes: the objects themselves follow, likeliest first: a list of ``box`` (x1, y1, x2, y2 in pixels of
            the original image), ``label``, ``likelihood``. In CSV it is JSON.
    """

    class_names: Sequence[str]
    least: float = LIKELY
    per_class: bool = False
    boxes: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""
        classes = self.class_names if self.per_class else ()
        boxes = ("boxes",) if self.boxes else ()
        return ("id", "objects", "rejection", "confusion", *(f"objects[{name}]" for name in classes), *boxes)

    def rows(self, said: BoxScores) -> list[Row]:
        """One row an image."""
        return [
            dict(zip(self.columns, self._row(found, *scores), strict=True))
            for found, *scores in zip(
                said.found, said.rejection.tolist(), said.confusion.tolist(), strict=True
            )
        ]

    def _row(self, found: Detections, rejection: float, confusion: float) -> list[Any]:
        objects = [
            {"box": list(box), "label": label, "likelihood": likelihood}
            for box, label, likelihood in zip(found.boxes, found.labels, found.scores, strict=True)
            if likelihood >= self.least
        ]
        counts = Counter(each["label"] for each in objects)
        row = [found.id, len(objects), rejection, confusion]
        if self.per_class:
            row += [counts[name] for name in self.class_names]
        return [*row, objects] if self.boxes else row

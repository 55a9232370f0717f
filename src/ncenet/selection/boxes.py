"""Doubt about the objects of an image, from what any detector says: boxes with a class and a confidence.

``difficulty`` is output-only, in the spirit of Yang, Huang and Crowley, Plug and Play Active Learning for
Object Detection, CVPR 2024; the formulas are ours:

* A class is difficult as far as its objects are found with little confidence: d = 1 - sum p^2 / sum p. It
  weighs w = 1 + log2(1 + d), in [1, 2].
* The score of an image is the sum over its objects of w times the binary entropy of the confidence.
* In a query each class has room for a part of the objects, in proportion to w. What goes beyond counts less,
  and so does an image that is like one taken before, by the cosine of the embeddings, or of the classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from ncenet.errors import DataError
from ncenet.section import Section
from ncenet.strategies.options import checked
from ncenet.tables import pyarrow

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.selection.files import ScoreFiles

    Array = npt.NDArray[Any]

DIFFICULTY = "difficulty"
WAYS = (DIFFICULTY, "entropy", "margin", "least-confidence")
LABELS, CONFIDENCES = ("label", "category", "class", "name"), ("likelihood", "score", "confidence", "conf")
BATCH = 256
"""Images whose gains are brought up to date at a time (ours)."""


class BoxOptions(Section):
    """Options of the strategies on boxes."""

    aggregate: Literal["sum", "mean", "max"] = Field("sum", description="From the objects to the image.")


@dataclass(frozen=True)
class Flat:
    """The objects of N images, one after the other.

    Attributes:
        counts: (N,) objects of each image.
        labels: class of each object, an index into ``classes``.
        confidences: in [0, 1].
        classes: names.
        there: (N,) whether the image was looked at at all.
    """

    counts: Array
    labels: Array
    confidences: Array
    classes: list[str]
    there: Array

    def summed(self, values: Array) -> Array:
        """Sums over the objects of each image, (N,)."""
        image = np.repeat(np.arange(len(self.counts)), self.counts)
        return np.bincount(image, values, minlength=len(self.counts))

    def by_class(self, values: Array, names: Sequence[str]) -> Array:
        """Sums for each image and class, (N, C) in the order of ``names``."""
        column = np.array([names.index(name) for name in self.classes], dtype=np.int64)
        image = np.repeat(np.arange(len(self.counts)), self.counts)
        table = np.zeros((len(self.counts), len(names)), np.float32)
        if len(values):
            np.add.at(table, (image, column[self.labels]), values)
        return table


def objects_in(table: Any, name: str, where: str) -> Flat:
    """The objects in a column of lists, or of JSON texts.

    Raises:
        DataError: it holds something else, or a confidence that is none.
    """
    pa = pyarrow("reading scores")
    column = table[name]
    column = column.combine_chunks() if len(table) else pa.array([], column.type)
    if pa.types.is_string(column.type):
        column = _of_json(column, name, where)
    there = np.asarray(column.is_valid())
    counts = np.asarray(pa.compute.list_value_length(column).fill_null(0), dtype=np.int64)
    objects = column.flatten()
    fields = {field.name for field in objects.type} if pa.types.is_struct(objects.type) else set()
    label = next((each for each in LABELS if each in fields), None)
    confidence = next((each for each in CONFIDENCES if each in fields), None)
    if label is None or confidence is None:
        if not len(objects):
            return Flat(counts, np.zeros(0, np.int64), np.zeros(0), [], there)
        raise DataError(
            f"{where}: the column {name!r} holds {column.type}, not lists of objects with a label "
            "and a likelihood"
        )
    # Through the compute module: a field of a sliced struct would begin at the first of all.
    try:
        labels = pa.compute.struct_field(objects, label).cast(pa.string()).dictionary_encode()
        values = pa.compute.struct_field(objects, confidence).cast(pa.float64()).fill_null(float("nan"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{where}: in the column {name!r} {label} is no text, or {confidence} no number: {error}"
        ) from error
    confidences = np.asarray(values)
    bad = ~((confidences >= 0) & (confidences <= 1))
    if bad.any() or labels.null_count:
        what = f"the likelihood {confidences[bad][0]:g}" if bad.any() else "no label"
        raise DataError(f"{where}: an object in the column {name!r} has {what}; likelihoods are from 0 to 1")
    codes = np.asarray(labels.indices, dtype=np.int64)
    return Flat(counts, codes, confidences, labels.dictionary.to_pylist(), there)


def object_entropy(confidences: Array) -> Array:
    """Entropy of "an object or none", in nats."""
    p = np.clip(confidences, 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log1p(-p)))


class ByBoxes:
    """A score of an image from the confidences of its objects; one without any scores lowest.

    Args:
        how: one of :data:`WAYS`.
        column: of the objects.
        options: of :class:`BoxOptions`.
    """

    Options = BoxOptions

    def __init__(self, how: str, column: str, options: Mapping[str, object]) -> None:
        self.how = how
        self.columns: tuple[str, ...] = (column,)
        self.options = checked(type(self), options, where="options.", name=f"strategy {how}")
        self.classes: list[str] = []
        self.weights = np.zeros(0)

    def look(self, files: ScoreFiles) -> None:
        """Learn from all files how difficult each class is."""
        if self.how != DIFFICULTY:
            return
        sums: dict[str, float] = {}
        squares: dict[str, float] = {}
        for file, _, table in files.chunks(self.columns):
            found = objects_in(table, self.columns[0], files.names[file])
            for total, values in ((sums, found.confidences), (squares, found.confidences**2)):
                per_class = np.bincount(found.labels, values, minlength=len(found.classes))
                for name, value in zip(found.classes, per_class.tolist(), strict=True):
                    total[name] = total.get(name, 0.0) + value
        self.classes = sorted(sums)
        difficult = np.array([1 - squares[c] / sums[c] if sums[c] else 1.0 for c in self.classes])
        self.weights = 1 + np.log2(1 + difficult)

    def scores(self, table: Any, where: str) -> Array:
        """See :class:`ncenet.selection.ranking.Ranking`."""
        found = objects_in(table, self.columns[0], where)
        p = found.confidences
        values = {
            "entropy": object_entropy,
            "margin": lambda p: 1 - np.abs(2 * p - 1),
            "least-confidence": lambda p: 1 - p,
            DIFFICULTY: object_entropy,
        }[self.how](p)
        if self.how == DIFFICULTY:
            weight = dict(zip(self.classes, self.weights.tolist(), strict=True))
            values = (
                values * np.array([weight[name] for name in found.classes])[found.labels] if len(p) else p
            )
        total = found.summed(values)
        if self.options.aggregate == "mean":
            total = total / np.maximum(found.counts, 1)
        elif self.options.aggregate == "max":
            total = np.zeros(len(found.counts))
            np.maximum.at(total, np.repeat(np.arange(len(total)), found.counts), values)
        return np.where(found.there, total, np.nan)

    def pick(self, found: Flat, vectors_MD: Array | None, query_size: int) -> list[int]:
        """Rows of a query among M candidates: class budgets, and less for images like those before."""
        doubts = found.by_class(object_entropy(found.confidences), self.classes) * self.weights
        objects = found.by_class(found.confidences, self.classes)
        room = self.weights / self.weights.sum() * objects.sum() * query_size / max(1, len(objects))
        return _greedy(doubts, objects, room, objects if vectors_MD is None else vectors_MD, query_size)


def _greedy(doubts: Array, objects: Array, room: Array, vectors: Array, query_size: int) -> list[int]:
    """Pick what gains most, again and again; a gain only falls, so an old one bounds it."""
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike = np.zeros(len(doubts))
    seen = np.zeros(len(doubts), np.int64)
    bound = doubts.sum(1)
    picked: list[int] = []
    room = room.copy()
    while len(picked) < min(query_size, len(doubts)):
        leaders = np.argsort(-bound, kind="stable")[:BATCH]
        stale = leaders[seen[leaders] < len(picked)]
        if len(stale):
            news = vectors[picked[int(seen[stale].min()) :]]
            alike[stale] = np.maximum(alike[stale], (vectors[stale] @ news.T).max(1))
            seen[stale] = len(picked)
        part = np.clip(room / np.maximum(objects[leaders], 1e-12), 0, 1)
        bound[leaders] = (doubts[leaders] * part).sum(1) * (1 - np.clip(alike[leaders], 0, 1))
        best = int(leaders[np.argmax(bound[leaders])])
        outside = np.delete(bound, leaders).max(initial=-np.inf)
        if bound[best] < outside:
            continue
        picked.append(best)
        room = np.maximum(room - objects[best], 0)
        bound[best] = -np.inf
        if not np.isfinite(bound).any():
            break
    return picked


def _of_json(column: Any, name: str, where: str) -> Any:
    pa = pyarrow("reading scores")
    rows: list[list[dict[str, Any]] | None] = []
    for text in column.to_pylist():
        try:
            found = None if not (text or "").strip() else json.loads(text)
            rows.append(
                None
                if found is None
                else [
                    {
                        "label": str(next(each[key] for key in LABELS if key in each)),
                        "likelihood": float(next(each[key] for key in CONFIDENCES if key in each)),
                    }
                    for each in found
                ]
            )
        except (ValueError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            raise DataError(
                f"{where}: the column {name!r} holds {text[:60]!r}, not a JSON list of objects with a label "
                "and a likelihood"
            ) from error
    return pa.array(rows, pa.list_(pa.struct({"label": pa.string(), "likelihood": pa.float64()})))

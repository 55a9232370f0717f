"""Boxes: the objects of an image, as people draw them and as detectors find them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ncenet.errors import DataError, UnknownName
from ncenet.text_files import load_json

Box: TypeAlias = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels of the original image, upright: left, top, right and bottom edge.

Edges, not pixel numbers: a box around the whole of a 640 x 480 image is (0, 0, 640, 480).
"""


def box_problem(values: object) -> str | None:
    """Why these are not the four edges of a box; None when they are.

    >>> box_problem([10, 20, 10, 40]), box_problem((1.5, 2, 3, 4))
    ('has no area: x1 10 is not below x2 10', None)
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 4:
        return f"is not four numbers x1, y1, x2, y2: {values!r}"
    for name, value in zip(("x1", "y1", "x2", "y2"), values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"has {name} {value!r}, which is not a finite number"
        try:
            finite = math.isfinite(value)
        except OverflowError:  # a whole number larger than any float
            finite = False
        if not finite:
            return f"has {name} {_short(value)}, which is not a finite number"
    x1, y1, x2, y2 = values
    for axis, low, high in (("x", x1, x2), ("y", y1, y2)):
        if low >= high:
            return f"has no area: {axis}1 {low:g} is not below {axis}2 {high:g}"
    return None


def _short(value: float) -> str:
    return f"of {value.bit_length():,} bits" if isinstance(value, int) else repr(value)


@dataclass(frozen=True)
class Boxes:
    """The objects of one image: the ground truth of detection. An image without objects has no boxes.

    Attributes:
        boxes: of each object.
        labels: class names, parallel to ``boxes``.
        difficult: whether an object is so hard to recognise that finding it earns nothing and missing it
            costs nothing, parallel to ``boxes``. Default: none is.

    Raises:
        DataError: a box is not four finite numbers or has no area, a label is empty, or lengths differ.

    >>> seen = Boxes(((10, 20, 110.5, 220),), ("cat",))
    >>> seen.to_label()
    '[{"box":[10,20,110.5,220],"label":"cat"}]'
    >>> Boxes.from_label(seen.to_label()) == seen, Boxes.from_label("[]") == Boxes()
    (True, True)
    """

    boxes: tuple[Box, ...] = ()
    labels: tuple[str, ...] = ()
    difficult: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        difficult = self.difficult or (False,) * len(self.boxes)
        if not len(self.boxes) == len(self.labels) == len(difficult):
            raise DataError(
                f"{len(self.boxes)} boxes, {len(self.labels)} labels and {len(difficult)} marks of difficulty"
            )
        for n, (box, label) in enumerate(zip(self.boxes, self.labels, strict=True), start=1):
            problem = box_problem(box)
            if problem is not None:
                raise DataError(f"object {n}: the box {problem}")
            if not isinstance(label, str) or not label:
                raise DataError(f"object {n}: the label is {label!r}, not the name of a class")
        boxes = tuple((float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in self.boxes)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "difficult", tuple(map(bool, difficult)))

    def __len__(self) -> int:
        return len(self.boxes)

    def to_label(self) -> str:
        """The boxes as the answer that goes into the ledger: JSON, the same text for the same boxes."""
        objects = []
        for box, label, difficult in zip(self.boxes, self.labels, self.difficult, strict=True):
            edges = [int(edge) if edge.is_integer() else edge for edge in box]
            objects.append({"box": edges, "label": label} | ({"difficult": True} if difficult else {}))
        return json.dumps(objects, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_label(cls, text: str, *, classes: Collection[str] | None = None) -> Boxes:
        """Read what :meth:`to_label` wrote, or what somebody wrote in that form.

        Args:
            text: a JSON list of objects ``{"box": [x1, y1, x2, y2], "label": NAME, "difficult": false}``; the
                last may be left out.
            classes: the class names that are allowed; None allows any.

        Raises:
            DataError: not of that form; says at which object, counted from 1.
            UnknownName: a label is not among ``classes``.
        """
        try:
            objects: Any = load_json(text)
        except (ValueError, TypeError) as error:
            raise DataError(f"not boxes in JSON: {error}") from error
        if not isinstance(objects, list):
            raise DataError(f"boxes are a JSON list of objects, got {text[:60]!r}")
        for n, each in enumerate(objects, start=1):
            keys = set(each) if isinstance(each, dict) else set()
            if not {"box", "label"} <= keys <= {"box", "label", "difficult"}:
                raise DataError(
                    f"object {n}: expected the keys box, label and perhaps difficult, got {each!r}"
                )
            if not isinstance(each.get("difficult", False), bool):
                raise DataError(f"object {n}: difficult is {each['difficult']!r}, not true or false")
        boxes = cls(
            tuple(each["box"] for each in objects),
            tuple(each["label"] for each in objects),
            tuple(each.get("difficult", False) for each in objects),
        )
        for n, label in enumerate(boxes.labels, start=1):
            if classes is not None and label not in classes:
                raise UnknownName("class", label, classes, where=f"object {n}")
        return boxes


@dataclass(frozen=True)
class Detections:
    """The objects that a detector finds in one image, likeliest first.

    Attributes:
        id: of the image.
        boxes: of each object, in pixels of the original image.
        labels: class names, parallel to ``boxes``.
        scores: in [0, 1], parallel to ``boxes``; higher is likelier.

    >>> len(Detections("a.jpg", ((4, 4, 40, 40),), ("cat",), (0.9,)))
    1
    """

    id: str
    boxes: tuple[Box, ...]
    labels: tuple[str, ...]
    scores: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.boxes)

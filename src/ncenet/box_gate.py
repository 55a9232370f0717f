"""The one gate for boxes: a file, a table, a person and another tool all come through it.

===========================================  ==========================================================
a box                                        becomes
===========================================  ==========================================================
within its image                             itself
beyond it by what rounding explains          cut at the edge, and counted
beyond it by more                            refused
within the first pixel of a larger image     refused: fractions, where pixels belong
narrower than a thousandth of a pixel        refused
drawn on an image of another size            refused: that of a copy, scaled or not turned upright
===========================================  ==========================================================

Rounding explains a pixel, for forms count from 0 or from 1, or half a percent of the side (both ours).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias, TypeVar, cast

from ncenet.boxes import Box, Boxes, box_problem
from ncenet.errors import DataError, UnknownName

Size: TypeAlias = tuple[int, int]
"""(width, height) of an image in pixels, upright."""

PIXELS, SHARE = 1.0, 0.005
"""By how much a box may reach beyond its image, in pixels or as a share of the side, whichever is more."""
TURN = 0.01
"""Degrees by which a box may be turned and is upright: over 1,000 pixels it is a sixth of one (ours)."""
Answer = TypeVar("Answer")
"""A text of boxes, or what an annotator may say instead."""
SEEN = 1e-3
"""Pixels from which on a cut is counted and a box is one; below are the last bits of a sum of decimals."""


def reach(side: int) -> float:
    """How far beyond an image rounding may put an edge, in pixels.

    >>> reach(100), reach(1000)
    (1.0, 5.0)
    """
    return max(PIXELS, SHARE * side)


def fit_box(values: object, size: Size | None) -> tuple[Box, bool]:
    """A box within its image, and whether it had to be cut for that.

    Args:
        values: x1, y1, x2, y2 in pixels, whatever stands in their place.
        size: of the image; None when that cannot be known, because it cannot be read.

    Raises:
        DataError: it is no box, or none of this image; says why, without a name.

    >>> fit_box((10, 10, 100.5, 50), (100, 80))
    ((10.0, 10.0, 100.0, 50.0), True)
    """
    problem = box_problem(values)
    if problem is not None:
        raise DataError(f"the box {problem}")
    x1, y1, x2, y2 = map(float, cast(Box, values))
    if size is None:
        return (x1, y1, x2, y2), False
    width, height = size
    said = f"the box {x1:g}, {y1:g}, {x2:g}, {y2:g}"
    far_x, far_y = reach(width), reach(height)
    if x1 < -far_x or y1 < -far_y or x2 > width + far_x or y2 > height + far_y:
        raise DataError(f"{said} reaches beyond the image, which is {width} x {height}")
    box = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
    if box_problem(box) is not None:
        raise DataError(f"{said} lies outside the image, which is {width} x {height}")
    if min(box[2] - box[0], box[3] - box[1]) < SEEN:
        raise DataError(f"{said} is narrower than a thousandth of a pixel")
    if max(box) <= 1 + SHARE and max(size) > 2:
        raise DataError(f"{said} is within the first pixel: fractions of the image, where pixels belong?")
    return box, max(-x1, -y1, x2 - width, y2 - height) > SEEN


def fit_boxes(boxes: Boxes, size: Size | None, drawn_on: Size | None = None) -> tuple[Boxes, int]:
    """The objects of an image within it, and how many had to be cut for that.

    Args:
        boxes: in pixels.
        size: of the image; None when that cannot be known.
        drawn_on: what whoever drew them says of the size; None when nothing is said.

    Raises:
        DataError: an object is none of this image; names it, counted from 1.
    """
    if boxes.boxes and (problem := size_problem(drawn_on, size)) is not None:
        raise DataError(problem)
    fitted = []
    for n, box in enumerate(boxes.boxes, start=1):
        try:
            fitted.append(fit_box(box, size))
        except DataError as error:
            raise DataError(f"object {n}: {error}") from None
    cut = sum(was_cut for _, was_cut in fitted)
    return Boxes(tuple(box for box, _ in fitted), boxes.labels, boxes.difficult), cut


def size_problem(drawn_on: Size | None, size: Size | None) -> str | None:
    """Why boxes drawn on an image of one size are none of an image of another; None when they may be.

    Sizes that differ by no more than boxes may reach beyond an image are the same. Tools write 0 x 0 when
    they don't know the size.

    >>> size_problem((640, 480), (480, 640))
    'the boxes are of an image of 640 x 480, and this one, turned upright, is 480 x 640'
    """
    if drawn_on is None or size is None or min(drawn_on) <= 0:
        return None
    if all(abs(a - b) <= reach(b) for a, b in zip(drawn_on, size, strict=True)):
        return None
    upright = ", turned upright," if drawn_on == size[::-1] else ""
    return (
        f"the boxes are of an image of {drawn_on[0]} x {drawn_on[1]}, and this one{upright} is "
        f"{size[0]} x {size[1]}"
    )


class BoxGate:
    """Lets answers with boxes in, as the text that the ledger keeps.

    Args:
        size: of an image by its id; None when that cannot be known.
        classes: the class names that are allowed; None allows any.

    Attributes:
        cut: how many boxes were cut at the edge of their image.

    >>> gate = BoxGate(lambda id: (100, 80), ("cat",))
    >>> gate("a.jpg", '[{"box": [10, 10, 100.5, 50], "label": "cat"}]'), gate.cut
    ('[{"box":[10,10,100,50],"label":"cat"}]', 1)
    """

    def __init__(self, size: Callable[[str], Size | None], classes: Collection[str] | None = None) -> None:
        self._size, self._classes = size, classes
        self.cut = 0

    def answers(self, answers: Mapping[str, Answer]) -> dict[str, Answer]:
        """Answers to several images; what is no text of boxes passes, for the ledger to judge.

        Raises:
            DataError: boxes are none of their image; names both.
            UnknownName: as :meth:`__call__`.
        """
        passed = dict(answers)
        for id, answer in answers.items():
            if isinstance(answer, str):
                passed[id] = cast(Answer, self.named(repr(id), id, answer))
        return passed

    def named(self, where: str, id: str, label: str) -> str:
        """The same as :meth:`__call__`, whose errors begin with where the answer stands."""
        try:
            return self(id, label)
        except UnknownName as error:
            raise UnknownName(error.kind, error.name, error.known, where=f"{where}, {error.where}") from None
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    def __call__(self, id: str, label: str, drawn_on: Size | None = None) -> str:
        """The answer about an image.

        Args:
            id: the image.
            label: its boxes, as :meth:`ncenet.boxes.Boxes.from_label` reads them.
            drawn_on: as in :func:`fit_boxes`.

        Raises:
            DataError: they are no boxes, or none of this image; names the object, not the image.
            UnknownName: a class is not among those that are allowed.
        """
        boxes = Boxes.from_label(label, classes=self._classes)
        fitted, cut = fit_boxes(boxes, self._size(id) if boxes.boxes else None, drawn_on)
        self.cut += cut
        return fitted.to_label()

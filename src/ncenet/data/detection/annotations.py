"""What all forms of annotations have in common: objects as a file names them, and the checks they must pass.

A mistake is a matter of one image: that image is reported, and left out if the run says so. No object is
dropped on its own, because an image that lacks one of its boxes teaches that there is nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from ncenet.boxes import Box, Boxes, box_problem
from ncenet.class_names import class_name_problem, shown
from ncenet.data.dataset import Dataset, Oracle
from ncenet.data.pools import EncodedPool
from ncenet.errors import BadAnnotation, DataError, UnreadableImage

TOLERANCE = 1.0
"""Pixels by which a box may reach beyond the image and is clipped: forms count from 0 or from 1, and round
(ours)."""


class Found(NamedTuple):
    """One object as a file names it.

    Attributes:
        where: what to call it in a message, for instance ``"object 3"``, counted from 1, or ``"line 3"``.
        box: x1, y1, x2, y2 in pixels, whatever stands in their place.
        label: name of its class.
        difficult: see :class:`ncenet.boxes.Boxes`.
        problem: why it cannot be read at all; None when it can.
    """

    where: str
    box: Sequence[object] = ()
    label: str = ""
    difficult: bool = False
    problem: str | None = None


class Annotation(NamedTuple):
    """What a file says of one image.

    Attributes:
        id: the id of the image.
        file: where it stands, for messages.
        objects: in the order of the file.
        problem: what is wrong with it as a whole; None when nothing is.
    """

    id: str
    file: str
    objects: Sequence[Found] = ()
    problem: str | None = None


def within_image(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes cut at the edges of their image, beyond which they may reach by :data:`TOLERANCE`.

    Args:
        boxes: in pixels.
        size: (width, height) of the image.

    Raises:
        DataError: one reaches further, or lies outside; counted from 1.
    """
    cut = []
    for n, edges in enumerate(boxes.boxes, start=1):
        box, problem = _box(Found(f"object {n}", edges), size)
        if box is None:
            raise DataError(f"object {n}: {problem}")
        cut.append(box)
    return Boxes(tuple(cut), boxes.labels, boxes.difficult)


def as_dataset(
    name: str,
    pool: EncodedPool,
    annotations: Iterable[Annotation],
    class_names: Sequence[str] | None,
    *,
    notes: Sequence[str] = (),
    unsaid: Iterable[str] = (),
) -> Dataset:
    """Check annotations against their images, and hide what is sound behind an oracle.

    Args:
        name: of the data set.
        pool: the images.
        annotations: one for each image of the pool.
        class_names: the classes that there are; None takes those of the objects, sorted.
        notes: what the form was taken for, and what was passed over.
        unsaid: see :class:`~ncenet.data.dataset.Dataset`.

    Returns:
        The data set. Its oracle answers for the images without a mistake, its ``problems`` name the others.
    """
    known = None if class_names is None else frozenset(class_names)
    labels: dict[str, str] = {}
    problems: list[BadAnnotation] = []
    seen: set[str] = set()
    for annotation in annotations:
        boxes, reasons = _checked(annotation, _size(pool, annotation.id), known)
        seen.update(boxes.labels)
        if reasons:
            problems += [BadAnnotation(annotation.id, reason) for reason in reasons]
        else:
            labels[annotation.id] = boxes.to_label()
    names = tuple(sorted(seen)) if class_names is None else tuple(class_names)
    return Dataset(
        name,
        pool,
        Oracle(labels),
        names,
        task="detection",
        problems=tuple(problems),
        notes=tuple(notes),
        unsaid=frozenset(unsaid),
    )


def _checked(
    annotation: Annotation, size: tuple[int, int] | None, known: frozenset[str] | None
) -> tuple[Boxes, list[str]]:
    """The sound objects, and what is wrong with the others."""
    if annotation.problem is not None:
        return Boxes(), [f"{annotation.file}: {annotation.problem}"]
    sound: list[tuple[Box, str, bool]] = []
    reasons: list[str] = []
    for found in annotation.objects:
        box, problem = (None, found.problem) if found.problem is not None else _box(found, size)
        if problem is None and not found.label:
            problem = "names no class"
        if problem is None and (of_name := class_name_problem(found.label)) is not None:
            problem = f"has the class {shown(found.label)}, which {of_name}"
        if problem is None and known is not None and found.label not in known:
            problem = f"has the class {found.label!r}, which is none of {', '.join(sorted(known))}"
        if problem is not None:
            reasons.append(f"{annotation.file}, {found.where}: {problem}")
        elif box is not None:
            sound.append((box, found.label, found.difficult))
    columns = zip(*sound, strict=True) if sound else ((), (), ())
    return Boxes(*(tuple(column) for column in columns)), reasons


def _box(found: Found, size: tuple[int, int] | None) -> tuple[Box | None, str | None]:
    """The box within its image, or why there is none."""
    problem = box_problem(found.box)
    if problem is not None:
        return None, f"the box {problem}"
    x1, y1, x2, y2 = map(float, cast(Box, found.box))
    if size is None:  # an image that cannot be read, which a scan reports
        return (x1, y1, x2, y2), None
    width, height = size
    if min(x1, y1) < -TOLERANCE or x2 > width + TOLERANCE or y2 > height + TOLERANCE:
        return None, (
            f"the box {x1:g}, {y1:g}, {x2:g}, {y2:g} reaches beyond the image, which is {width} x {height}"
        )
    clipped = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
    problem = box_problem(clipped)
    return (
        (None, f"the box lies outside the image, which is {width} x {height}") if problem else (clipped, None)
    )


def _size(pool: EncodedPool, id: str) -> tuple[int, int] | None:
    try:
        return pool.size(id)
    except UnreadableImage:
        return None


def yes_or_no(value: object) -> bool | None:
    """What a mark says, whichever way a file writes it; None when it says neither.

    >>> yes_or_no("0"), yes_or_no(1), yes_or_no("perhaps")
    (False, True, None)
    """
    if value is None or value == "":
        return False
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, str):
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(word)
    return bool(word) if isinstance(word, bool | int | float) and word in (0, 1) else None


def number(text: str) -> float | str:
    """A number if the text is one, else the text, which the checks will name."""
    try:
        return text if "_" in text else float(text)  # 1_0 is a number to Python alone
    except ValueError:
        return text

"""What all forms of annotations have in common: objects as a file names them, and the checks they must pass.

A mistake is a matter of one image: that image is reported, and left out if the run says so. No object is
dropped on its own, because an image that lacks one of its boxes teaches that there is nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ncenet.box_gate import Size, fit_box, size_problem
from ncenet.boxes import Box, Boxes
from ncenet.class_names import class_name_problem, shown
from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Oracle
from ncenet.data.pools import EncodedPool
from ncenet.errors import BadAnnotation, DataError, UnreadableImage
from ncenet.text_files import number


class NamedObject(NamedTuple):
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
        drawn_on: size of the image as the file has it; None when it says none.
    """

    id: str
    file: str
    objects: Sequence[NamedObject] = ()
    problem: str | None = None
    drawn_on: Size | None = None


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
    cut = twice = 0
    for annotation in annotations:
        boxes, reasons, of_image = _checked(annotation, _size(pool, annotation.id), known)
        seen.update(boxes.labels)
        cut += 0 if reasons else of_image
        if reasons:
            problems += [BadAnnotation(annotation.id, reason) for reason in reasons]
        else:
            twice += len(boxes) - len(set(zip(boxes.boxes, boxes.labels, strict=True)))
            labels[annotation.id] = boxes.to_label()
    names = tuple(sorted(seen)) if class_names is None else tuple(class_names)
    if cut:
        notes = (
            *notes,
            f"{count_of(cut, 'box reached', 'boxes reached')} beyond the image by rounding: cut at its edge",
        )
    if twice:
        notes = (
            *notes,
            f"{count_of(twice, 'object stands', 'objects stand')} there twice, with one box and one "
            "class: kept",
        )
    return Dataset(
        name,
        pool,
        Oracle(labels),
        names,
        task="detection",
        problems=tuple(problems),
        notes=tuple(notes),
        unsaid=frozenset(unsaid),
        cut=cut,
    )


def _checked(
    annotation: Annotation, size: Size | None, known: frozenset[str] | None
) -> tuple[Boxes, list[str], int]:
    """The sound objects, what is wrong with the others, and how many were cut at the edge."""
    problem = annotation.problem
    if problem is None and annotation.objects:
        problem = size_problem(annotation.drawn_on, size)
    if problem is not None:
        return Boxes(), [f"{annotation.file}: {problem}"], 0
    sound: list[tuple[Box, str, bool]] = []
    reasons: list[str] = []
    cut = 0
    for found in annotation.objects:
        try:
            if found.problem is not None:
                raise DataError(found.problem)
            box, was_cut = fit_box(found.box, size)
            _check_class(found.label, known)
        except DataError as error:
            reasons.append(f"{annotation.file}, {found.where}: {error}")
        else:
            cut += was_cut
            sound.append((box, found.label, found.difficult))
    columns = zip(*sound, strict=True) if sound else ((), (), ())
    return Boxes(*(tuple(column) for column in columns)), reasons, cut


def _check_class(label: str, known: frozenset[str] | None) -> None:
    if not label:
        raise DataError("names no class")
    if (problem := class_name_problem(label)) is not None:
        raise DataError(f"has the class {shown(label)}, which {problem}")
    if known is not None and label not in known:
        raise DataError(f"has the class {label!r}, which is none of {', '.join(sorted(known))}")


def _size(pool: EncodedPool, id: str) -> Size | None:
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


def stated_size(width: object, height: object) -> Size | None:
    """The size of an image as a file has it; None when it doesn't say, or 0, as tools do that don't know it.

    >>> stated_size("640", 480), stated_size(0, 0), stated_size(None, "?")
    ((640, 480), None, None)
    """
    sides = [number(str(side).strip()) for side in (width, height)]
    if not all(isinstance(side, float) and 0 < side < 2**31 for side in sides):
        return None
    return round(float(sides[0])), round(float(sides[1]))

"""What annotators said in Label Studio, read strictly.

What can't be taken is told by name, and never left out as if there were no object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ncenet.box_gate import TURN, Size
from ncenet.boxes import Boxes
from ncenet.class_names import shown
from ncenet.errors import DataError
from ncenet.label_studio.tasks import HASH, Control, json_object
from ncenet.labels.records import Record
from ncenet.types import Label

SHAPES = frozenset(
    ("rectangle", "polygon", "ellipse", "brush", "bitmask", "keypoint", "vector", "cuboid", "magicwand")
)
"""What can be drawn on an image. A result is of the type ``polygon``, or ``polygonlabels`` with classes."""
WORDS = frozenset(
    ("choices", "textarea", "taxonomy", "rating", "number", "datetime", "relation", "pairwise", "ranker")
)
"""Answers to other questions, in which nothing is drawn."""
LONGEST_NAME = 254
"""Characters of an annotator's name: those of the longest mail address."""


LARGEST = 1e9
"""Pixels or percent that are beyond any image."""


class NoAnswer(DataError):
    """An annotation that is no answer about an image of the run."""


def label_of(result: Sequence[Mapping[str, Any]], task: str, control: Control | None = None) -> Label | None:
    """What a result says of an image; None when no class was chosen.

    Args:
        result: of an annotation.
        task: "classification" or "detection".
        control: the question whose answers count; None when there is no other.

    Raises:
        DataError: several classes were chosen; or something was drawn that is no upright box of one class.
    """
    ours = [each for each in result if control is None or each.get("from_name") == control.name]
    if task == "detection":
        return _boxes_of(result, ours, control).to_label()
    chosen = [
        str(choice)
        for each in ours
        if each.get("type") == "choices"
        for choice in each["value"].get("choices", ())
    ]
    if len(chosen) > 1:
        raise DataError(f"several classes for one image: {', '.join(chosen)}")
    return chosen[0] if chosen else None


def record_of(
    task: Mapping[str, Any],
    annotation: Mapping[str, Any],
    users: Mapping[int, str],
    kind: str,
    control: Control | None = None,
    *,
    find: Callable[[Mapping[str, Any]], str],
    size: Callable[[str], Size | None] = lambda _: None,
) -> Record:
    """An annotation as an answer.

    Args:
        task: with its data.
        annotation: its result and who made it. One that was cancelled is a skip.
        users: names of annotators by number.
        kind: "classification" or "detection".
        control: the question whose answers count; None when there is no other.
        find: the image of a task by its data; raises LeftOut.
        size: of an image, where the annotation doesn't tell it.

    Raises:
        LeftOut: the image is none of the run, or nothing was said.
        DataError: the annotation can't be taken; names the task.
    """
    data = json_object(task.get("data"), "the data of a task")
    where = f"task {task.get('id')}"
    try:
        id = find(data)
    except NoAnswer as error:
        raise NoAnswer(f"{where}: {error}") from None
    where, hash = f"{where}, {id!r}", data.get(HASH)
    try:
        if hash is not None and not isinstance(hash, str):
            raise DataError(f"{HASH} is no text")
        who = annotator_of(annotation.get("completed_by"), users)
        if annotation.get("was_cancelled"):
            return Record(id, None, "skip", hash=hash, who=who)
        result = [_sized(each, lambda: size(id)) for each in annotation.get("result") or ()]
        label, drawn_on = label_of(result, kind, control), _drawn_on(result)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: not a result of Label Studio: {error}") from error
    if label is None:
        raise NoAnswer(f"{where}: no class was chosen")
    return Record(id, label, hash=hash, who=who, drawn_on=drawn_on)


def in_order(annotations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The annotations of a task, the one that counts first.

    Of each annotator the latest counts; of several annotators the latest answer. A skip counts where nobody
    answered: it says that one annotator couldn't, not that another was wrong.
    """
    latest = {
        json.dumps(each.get("completed_by"), sort_keys=True): each for each in sorted(annotations, key=_when)
    }
    return sorted(
        latest.values(), key=lambda each: (not each.get("was_cancelled"), *_when(each)), reverse=True
    )


def annotator_of(completed_by: Any, users: Mapping[int, str]) -> str | None:
    """The annotator, by mail address or number; None when nobody is named.

    Raises:
        DataError: that is no annotator.
    """
    told, number = completed_by, completed_by
    if isinstance(completed_by, Mapping):
        told, number = completed_by.get("email"), completed_by.get("id")
    if told is None and number is None:
        return None
    if isinstance(told, str) and told.isprintable() and 0 < len(told) <= LONGEST_NAME:
        return told
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63:
        return users.get(number) or f"annotator {number}"
    raise DataError(f"the annotator is {str(completed_by)[:80]!r}, neither a number nor a mail address")


def _when(annotation: Mapping[str, Any]) -> tuple[str, int]:
    number = annotation.get("id")
    when = str(annotation.get("updated_at") or annotation.get("created_at") or "")
    return when, number if isinstance(number, int) else 0


def _sized(each: Mapping[str, Any], size: Callable[[], Size | None]) -> Mapping[str, Any]:
    """A result with the size of the image that it is about, where that was left out."""
    if each.get("type") != "rectanglelabels" or (each.get("original_width") and each.get("original_height")):
        return each
    found = size()
    if found is None:
        raise DataError("the size of the image isn't told, and it can't be looked up")
    return {**each, "original_width": found[0], "original_height": found[1]}


def _drawn_on(result: Sequence[Mapping[str, Any]]) -> Size | None:
    """Size of the image on which boxes were drawn; None when there are none."""
    sizes = {
        (round(_number(each, "original_width")), round(_number(each, "original_height")))
        for each in result
        if each.get("type") == "rectanglelabels"
    }
    if len(sizes) > 1:
        raise DataError("its boxes were drawn on images of different sizes")
    return next(iter(sizes), None)


def _boxes_of(
    result: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]], control: Control | None
) -> Boxes:
    boxes, labels = [], []
    for each in result:
        kind = str(each.get("type"))
        mine = any(each is one for one in ours)
        if kind in WORDS and (control is None or not mine):
            continue
        if not (mine and kind == "rectanglelabels"):
            labels_beside = [one for one in result if one.get("type") == "labels"]
            _check_foreign(each, kind, labels_beside, mine=mine, alone=not ours, control=control)
            continue
        _check_upright(each)
        value = each["value"]
        width, height = (_number(each, side) for side in ("original_width", "original_height"))
        if len(value.get("rectanglelabels", ())) != 1:
            raise DataError("a box has no class, or several")
        if each.get("item_index") not in (None, 0):
            raise DataError("a box is on another page than the first, and an image has one")
        x, y, w, h = (_number(value, edge) for edge in ("x", "y", "width", "height"))
        x, y, w, h = x * width / 100, y * height / 100, w * width / 100, h * height / 100
        boxes.append((x, y, x + w, y + h))
        labels.append(str(value["rectanglelabels"][0]))
    return Boxes(tuple(boxes), tuple(labels))


def _number(record: Mapping[str, Any], key: str) -> float:
    """A number that isn't beyond any image.

    Raises:
        DataError: it is something else.
    """
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise DataError(f"{key} is {shown(value)}, not a number that an image can have")
    return float(value)


def _check_foreign(
    each: Mapping[str, Any],
    kind: str,
    others: Sequence[Mapping[str, Any]],
    *,
    mine: bool,
    alone: bool,
    control: Control | None,
) -> None:
    """A shape that isn't our question's may answer another one, and not be an object of ours in disguise."""
    if control is not None and each.get("to_name") not in (None, control.image):
        return
    named = [str(name) for name in each["value"].get(kind) or ()] if kind.endswith("labels") else []
    # Where shapes and classes are two questions, the class stands in a result of its own with the shape's id.
    same = [one["value"].get("labels", ()) for one in others if one.get("id") == each.get("id")]
    named += sorted({str(name) for names in same for name in names} - set(named))
    ours = [name for name in named if control is not None and name in control.classes]
    if mine or ours or (alone and not named):
        what = f" of {', '.join(ours or named)}" if named else " without a class"
        shape = kind.removesuffix("labels") or "region"
        if shape not in SHAPES | {"region"}:
            raise DataError(f"a result is of the type {shown(kind)}, which nobody here can read")
        raise DataError(
            f"a {shape}{what} was drawn, and this run takes rectangles of its own "
            "question: draw a rectangle in its place"
        )


def _check_upright(each: Mapping[str, Any]) -> None:
    for turned, what in ((each["value"].get("rotation"), "a box"), (each.get("image_rotation"), "the image")):
        angle = float(turned or 0) % 360
        if not math.isfinite(angle) or min(angle, 360 - angle) > TURN:
            raise DataError(
                f"{what} is turned by {turned} degrees; ncenet's are upright: turn it back, draw anew"
            )

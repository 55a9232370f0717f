"""Classes and boxes in Label Studio's words: the labelling page's configuration, results, annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from ncenet.box_gate import Size
from ncenet.boxes import Boxes, Detections
from ncenet.errors import DataError
from ncenet.labels.records import Record
from ncenet.types import Label

ID, HASH = "ncenet_id", "ncenet_hash"
"""What a task carries beside its image, so that an answer finds back to it."""
IMAGE, CLASS, BOXES = "image", "class", "boxes"
LONGEST_NAME = 254
"""Characters of an annotator's name: those of the longest mail address."""


class Control(NamedTuple):
    """A question of a labelling page: a choice of classes, or labels of boxes.

    Attributes:
        name: its own.
        image: the name of the image that it is about.
        key: what tasks call that image.
        classes: what it offers.
    """

    name: str
    image: str
    key: str
    classes: tuple[str, ...]


def our_control(class_names: Sequence[str], task: str) -> Control:
    """The question of the projects that we make."""
    return Control(BOXES if task == "detection" else CLASS, IMAGE, IMAGE, tuple(class_names))


def label_config(class_names: Sequence[str], task: str) -> str:
    """The labelling page: an image, and a choice of classes or labels of boxes."""
    control = our_control(class_names, task)
    view = ElementTree.Element("View")
    SubElement(view, "Image", name=control.image, value=f"${control.key}")
    about = {"name": control.name, "toName": control.image}
    if task == "detection":
        chooser = SubElement(view, "RectangleLabels", about)
    else:
        chooser = SubElement(view, "Choices", about, choice="single", required="true")
    for name in class_names:
        SubElement(chooser, "Label" if task == "detection" else "Choice", value=name)
    return ElementTree.tostring(view, encoding="unicode")


def controls_of(config: str, task: str) -> list[Control]:
    """The questions of a labelling page that offer classes for images.

    Raises:
        DataError: it isn't XML.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise DataError(f"the label configuration is not XML: {error}") from error
    keys = {node.get("name"): node.get("value", "").removeprefix("$") for node in root.iter("Image")}
    chooser, choice = ("RectangleLabels", "Label") if task == "detection" else ("Choices", "Choice")
    return [
        Control(
            node.get("name", ""),
            node.get("toName", ""),
            keys.get(node.get("toName"), IMAGE),
            tuple(each.get("value", "") for each in node.iterfind(choice)),
        )
        for node in root.iter(chooser)
    ]


def control_of(config: str, class_names: Sequence[str], task: str, *, exactly: bool = False) -> Control:
    """The question of a labelling page that is the run's: that with its classes, or else the only one.

    Args:
        config: the labelling page.
        class_names: classes of the run.
        task: "classification" or "detection".
        exactly: the only one will not do when its classes are others.

    Raises:
        DataError: there is none, or which one is meant can't be told.
    """
    controls, ours = controls_of(config, task), ", ".join(class_names)
    same = [control for control in controls if set(control.classes) == set(class_names)]
    if len(same) > 1:
        raise DataError(f"several questions of the labelling page offer {ours}: leave one of them there")
    found = same or ([] if exactly else controls)
    if len(found) != 1:
        offered = "; ".join(", ".join(control.classes) for control in controls) or "no classes"
        raise DataError(f"the labelling page offers {offered}, and the run has {ours}")
    return found[0]


def class_result(label: Label, control: Control) -> list[dict[str, Any]]:
    """The result that says so about an image: a choice of a class."""
    chosen = {"choices": [label]}
    return [{"from_name": control.name, "to_name": control.image, "type": "choices", "value": chosen}]


def boxes_result(found: Detections, size: tuple[int, int], control: Control) -> list[dict[str, Any]]:
    """The result that says so about the objects of an image: rectangles, in percent of its sides.

    Args:
        found: the objects, in pixels.
        size: width and height of the image.
        control: the question that they answer.
    """
    width, height = size
    return [
        {
            "from_name": control.name,
            "to_name": control.image,
            "type": "rectanglelabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "score": score,
            "value": {
                "x": 100 * x1 / width,
                "y": 100 * y1 / height,
                "width": 100 * (x2 - x1) / width,
                "height": 100 * (y2 - y1) / height,
                "rotation": 0,
                "rectanglelabels": [label],
            },
        }
        for (x1, y1, x2, y2), label, score in zip(found.boxes, found.labels, found.scores, strict=True)
    ]


def label_of(result: Sequence[Mapping[str, Any]], task: str, control: Control | None = None) -> Label | None:
    """What a result says of an image; None when no class was chosen.

    Args:
        result: of an annotation.
        task: "classification" or "detection".
        control: the question whose answers count; None when there is no other.

    Raises:
        DataError: several classes were chosen, or a box is turned.
    """
    result = [each for each in result if control is None or each.get("from_name") == control.name]
    if task == "detection":
        return _boxes_of([each for each in result if each.get("type") == "rectanglelabels"]).to_label()
    chosen = [
        str(choice)
        for each in result
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
) -> Record | None:
    """An annotation as an answer; None when it says nothing, or the task is none of ours.

    Args:
        task: with its data.
        annotation: its result and who made it. One that was cancelled is a skip.
        users: names of annotators by number.
        kind: "classification" or "detection".
        control: the question whose answers count; None when there is no other.

    Raises:
        DataError: names the task.
    """
    data = json_object(task.get("data"), "the data of a task")
    if not isinstance(data.get(ID), str):
        return None
    id, hash, who = data[ID], data.get(HASH), _name(annotation.get("completed_by"), users)
    if annotation.get("was_cancelled"):
        return Record(id, None, "skip", hash=hash, who=who)
    result = annotation.get("result") or ()
    try:
        label, drawn_on = label_of(result, kind, control), _drawn_on(result)
    except DataError as error:
        raise DataError(f"task {task.get('id')}, {id!r}: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"task {task.get('id')}, {id!r}: not a result of Label Studio: {error}") from error
    return None if label is None else Record(id, label, hash=hash, who=who, drawn_on=drawn_on)


def json_object(value: Any, what: str) -> Mapping[str, Any]:
    """A part of a message; empty when it is left out.

    Raises:
        DataError: it is something else than an object.
    """
    if value is not None and not isinstance(value, Mapping):
        raise DataError(f"{what} is no JSON object")
    return value or {}


def _name(completed_by: Any, users: Mapping[int, str]) -> str | None:
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


def _drawn_on(result: Sequence[Mapping[str, Any]]) -> Size | None:
    """Size of the image on which boxes were drawn; None when there are none."""
    sizes = {
        (round(each["original_width"]), round(each["original_height"]))
        for each in result
        if each.get("type") == "rectanglelabels"
    }
    if len(sizes) > 1:
        raise DataError("its boxes were drawn on images of different sizes")
    return next(iter(sizes), None)


def _boxes_of(results: Sequence[Mapping[str, Any]]) -> Boxes:
    boxes, labels = [], []
    for each in results:
        value, width, height = each["value"], each["original_width"], each["original_height"]
        if value.get("rotation"):
            raise DataError("a box is turned; ncenet's are upright")
        if len(value.get("rectanglelabels", ())) != 1:
            raise DataError("a box has no class, or several")
        x, y = value["x"] * width / 100, value["y"] * height / 100
        boxes.append((x, y, x + value["width"] * width / 100, y + value["height"] * height / 100))
        labels.append(str(value["rectanglelabels"][0]))
    return Boxes(tuple(boxes), tuple(labels))

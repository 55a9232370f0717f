"""Classes and boxes in Label Studio's words: the labelling page's configuration, results, annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from ncenet.bridges.records import Record
from ncenet.errors import DataError
from ncenet.types import Boxes, Detections, Label

ID, HASH = "ncenet_id", "ncenet_hash"
"""What a task carries beside its image, so that an answer finds back to it."""
IMAGE, CLASS, BOXES = "image", "class", "boxes"


def label_config(class_names: Sequence[str], task: str) -> str:
    """The labelling page: an image, and a choice of classes or labels of boxes."""
    view = ElementTree.Element("View")
    SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}")
    if task == "detection":
        chooser = SubElement(view, "RectangleLabels", name=BOXES, toName=IMAGE)
    else:
        chooser = SubElement(view, "Choices", name=CLASS, toName=IMAGE, choice="single", required="true")
    for name in class_names:
        SubElement(chooser, "Label" if task == "detection" else "Choice", value=name)
    return ElementTree.tostring(view, encoding="unicode")


def classes_of(config: str, task: str) -> list[str]:
    """The classes that a labelling page offers for images.

    Raises:
        DataError: it isn't XML.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise DataError(f"the label configuration is not XML: {error}") from error
    path = "RectangleLabels/Label" if task == "detection" else "Choices/Choice"
    return [node.get("value", "") for node in root.iterfind(f".//{path}")]


def class_result(label: Label) -> list[dict[str, Any]]:
    """The result that says so about an image: a choice of a class."""
    return [{"from_name": CLASS, "to_name": IMAGE, "type": "choices", "value": {"choices": [label]}}]


def boxes_result(found: Detections, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The result that says so about the objects of an image: rectangles, in percent of its sides.

    Args:
        found: the objects, in pixels.
        size: width and height of the image.
    """
    width, height = size
    return [
        {
            "from_name": BOXES,
            "to_name": IMAGE,
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


def label_of(result: Sequence[Mapping[str, Any]], task: str) -> Label | None:
    """What a result says of an image; None when no class was chosen.

    Raises:
        DataError: several classes were chosen, or a box is turned.
    """
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
    task: Mapping[str, Any], annotation: Mapping[str, Any], users: Mapping[int, str], kind: str
) -> Record | None:
    """An annotation as an answer; None when it says nothing, or the task is none of ours.

    Args:
        task: with its data.
        annotation: its result and who made it. One that was cancelled is a skip.
        users: names of annotators by number.
        kind: "classification" or "detection".

    Raises:
        DataError: names the task.
    """
    data = task.get("data") or {}
    if not isinstance(data.get(ID), str):
        return None
    id, hash, who = data[ID], data.get(HASH), _name(annotation.get("completed_by"), users)
    if annotation.get("was_cancelled"):
        return Record(id, None, "skip", hash=hash, who=who)
    try:
        label = label_of(annotation.get("result") or (), kind)
    except DataError as error:
        raise DataError(f"task {task.get('id')}, {id!r}: {error}") from error
    return None if label is None else Record(id, label, hash=hash, who=who)


def _name(completed_by: Any, users: Mapping[int, str]) -> str | None:
    if isinstance(completed_by, Mapping):
        return completed_by.get("email") or users.get(completed_by.get("id", 0))
    return users.get(completed_by) or (None if completed_by is None else f"annotator {completed_by}")


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

"""Classes and boxes in Label Studio's words: the labelling page's configuration, and results of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from ncenet.boxes import Detections
from ncenet.errors import DataError
from ncenet.types import Label

ID, HASH = "ncenet_id", "ncenet_hash"
"""What a task carries beside its image, so that an answer finds back to it."""
IMAGE, CLASS, BOXES = "image", "class", "boxes"


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


def json_object(value: Any, what: str) -> Mapping[str, Any]:
    """A part of a message; empty when it is left out.

    Raises:
        DataError: it is something else than an object.
    """
    if value is not None and not isinstance(value, Mapping):
        raise DataError(f"{what} is no JSON object")
    return value or {}

"""PASCAL VOC: one XML file an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from ncenet.boxes import Boxes
from ncenet.data.dataset import Dataset
from ncenet.data.detection.voc import find_voc
from ncenet.errors import DataError
from ncenet.labels.detection_format import DetectionFormat, Sized
from ncenet.labels.formats import formats
from ncenet.labels.names import flat_names
from ncenet.labels.records import Labels, Record

IMAGES = "JPEGImages/"
_NO_XML = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What XML can't hold, or readers may change."""
LEAST = 1.001
"""Narrowest box in pixels that is written: the first pixel is not the last (with room for rounding)."""


@formats.register("voc")
class Voc(DetectionFormat):
    """``JPEGImages``, ``Annotations``, and all names in ``ImageSets/Main/trainval.txt``.

    Edges become pixels counted from 1, with decimals where there are some. A box narrower than a pixel is
    written as one of a pixel, and stands in the table as it is.
    """

    forms = ("voc", "voc-beside")

    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """In ``JPEGImages``, without folders."""
        names = flat_names(dict(paths))
        return [IMAGES + names[record.id] for record in answers]

    def write_boxes(self, images: list[Sized], labels: Labels, target: Path) -> None:
        """One file an image, and the list.

        Raises:
            DataError: a class has characters that XML does not keep.
        """
        (target / "Annotations").mkdir()
        (target / "ImageSets" / "Main").mkdir(parents=True)
        stems = [PurePosixPath(image.path).stem for image in images]
        for stem, image in zip(stems, images, strict=True):
            tree = ElementTree.ElementTree(_annotation(image))
            ElementTree.indent(tree)
            tree.write(target / "Annotations" / f"{stem}.xml", encoding="utf-8")
        text = "".join(f"{stem}\n" for stem in stems)
        (target / "ImageSets" / "Main" / "trainval.txt").write_text(text, encoding="utf-8")

    def as_written(self, boxes: Boxes) -> Boxes:
        """With those that are narrower than a pixel as wide as one."""
        wide = []
        for x1, y1, x2, y2 in boxes.boxes:
            (left, right), (top, bottom) = _wide_enough(x1, x2), _wide_enough(y1, y2)
            wide.append((left, top, right, bottom))
        return replace(boxes, boxes=tuple(wide))

    def datasets(self, source: Path) -> Iterator[Dataset]:
        """The images of each list, or all.

        Raises:
            DataError: this is no VOC folder.
        """
        folder = find_voc(source)
        if folder is None:
            raise DataError(f"{source}: is no VOC folder: it has no JPEGImages and Annotations")
        for split in folder.splits:
            yield folder.open(split)


def _wide_enough(low: float, high: float) -> tuple[float, float]:
    """Two edges that are further apart than a pixel, because VOC's first pixel is not the last."""
    return (low, high) if high - low >= LEAST else (max(0.0, high - LEAST), max(high, LEAST))


def _annotation(image: Sized) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    SubElement(root, "folder").text = IMAGES.rstrip("/")
    SubElement(root, "filename").text = PurePosixPath(image.path).name
    size = SubElement(root, "size")
    for name, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        SubElement(size, name).text = str(value)
    for (x1, y1, x2, y2), label, difficult in zip(
        image.boxes.boxes, image.boxes.labels, image.boxes.difficult, strict=True
    ):
        if label != label.strip() or _NO_XML.search(label):
            raise DataError(
                f"{image.path}: VOC keeps no blanks around, and no control characters in {label!r}"
            )
        node = SubElement(root, "object")
        SubElement(node, "name").text = label
        SubElement(node, "difficult").text = str(int(difficult))
        box = SubElement(node, "bndbox")
        (x1, x2), (y1, y2) = _wide_enough(x1, x2), _wide_enough(y1, y2)
        for name, edge in (("xmin", x1 + 1), ("ymin", y1 + 1), ("xmax", x2), ("ymax", y2)):
            SubElement(box, name).text = f"{edge:.10g}"
    return root

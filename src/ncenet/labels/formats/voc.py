"""PASCAL VOC: one XML file an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from ncenet.data.dataset import Dataset
from ncenet.data.detection.voc import find_voc
from ncenet.errors import DataError
from ncenet.labels.detection_format import DetectionFormat, Sized
from ncenet.labels.formats import formats
from ncenet.labels.names import flat_names
from ncenet.labels.records import Labels, Record

IMAGES = "JPEGImages/"
LEAST = 1.001
"""Narrowest box in pixels: the first pixel is not the last (with room for rounding)."""


@formats.register("voc")
class Voc(DetectionFormat):
    """``JPEGImages``, ``Annotations``, and all names in ``ImageSets/Main/trainval.txt``.

    Edges become pixels counted from 1, with decimals where there are some.
    """

    forms = ("voc", "voc-beside")

    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """In ``JPEGImages``, without folders."""
        names = flat_names(dict(paths))
        return [IMAGES + names[record.id] for record in answers]

    def write_boxes(self, images: list[Sized], labels: Labels, target: Path) -> None:
        """One file an image, and the list.

        Raises:
            DataError: a box is narrower than a pixel, or a class has characters that XML does not keep.
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
        if min(x2 - x1, y2 - y1) < LEAST:
            raise DataError(
                f"{image.path}: VOC holds no box narrower than a pixel, such as that of a {label!r}"
            )
        if label != label.strip() or any(not c.isprintable() and c != " " for c in label):
            raise DataError(
                f"{image.path}: VOC keeps no blanks around, and no control characters in {label!r}"
            )
        node = SubElement(root, "object")
        SubElement(node, "name").text = label
        SubElement(node, "difficult").text = str(int(difficult))
        box = SubElement(node, "bndbox")
        for name, edge in (("xmin", x1 + 1), ("ymin", y1 + 1), ("xmax", x2), ("ymax", y2)):
            SubElement(box, name).text = f"{edge:.10g}"
    return root

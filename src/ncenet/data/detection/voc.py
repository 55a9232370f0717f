"""PASCAL VOC: one XML file an image, and lists of the images of each split.

::

    VOC2007/
    ├── JPEGImages/000005.jpg
    ├── Annotations/000005.xml
    └── ImageSets/Main/trainval.txt, test.txt, ...

A VOCdevkit holds one or more of these. A folder with its XML files beside the images, as label tools write
it, is read the same way.

VOC numbers pixels from 1 and names the first and the last pixel of an object, so its box reaches from the
left edge of pixel ``xmin`` to the right edge of pixel ``xmax``: (xmin - 1, ymin - 1, xmax, ymax) in edges.
With that the overlap of two boxes is what VOC's own evaluation computes.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from ncenet.data.builtin import Split
from ncenet.data.dataset import Dataset
from ncenet.data.detection.annotations import Annotation, Found, as_dataset, number, yes_or_no
from ncenet.data.folders import SUFFIXES
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError

_PAIRS = (("trainval", "test"), ("train", "val"))
"""Lists of training and of test images, the first pair that is there. ``val`` is a part of ``trainval``."""


class _Place(NamedTuple):
    """Where images and annotations of one VOC folder are, relative to the root."""

    images: str
    annotations: str


def find_voc(root: Path) -> list[Path]:
    """The VOC folders that a folder is or holds, for instance those of each year in a VOCdevkit."""
    inner = root / "VOCdevkit"
    places = [root, *sorted(root.glob("VOC[0-9]*")), *sorted(inner.glob("VOC[0-9]*")), inner]
    found = [
        place for place in places if (place / "JPEGImages").is_dir() and (place / "Annotations").is_dir()
    ]
    if not found and any(root.glob("*.xml")):
        return [root]
    return found


def open_voc(
    root: Path,
    folders: Sequence[Path],
    *,
    split: Split,
    classes: Sequence[str] | None = None,
    name: str | None = None,
) -> Dataset:
    """Open the images of a split of VOC folders.

    Folders with the lists ``trainval`` and ``test``, or ``train`` and ``val``, have splits; others are opened
    as a whole.

    Args:
        root: ids are paths relative to it.
        folders: what :func:`find_voc` found below it.
        split: which images.
        classes: the classes that there are. Default: those of the objects.
        name: of the data set. Default: that of the root.

    Raises:
        DataError: a list cannot be read or names an image twice, or there is no image.
    """
    ids: list[str] = []
    annotations: list[Annotation] = []
    for folder, images in _split(folders, split):
        place = _place(root, folder)
        for stem in images:
            id, file = _image(root, place, stem), f"{place.annotations}{stem}.xml"
            ids.append(id)
            annotations.append(_read(root / file, id, file))
    if not ids:
        raise DataError(f"{root}: the lists of images in ImageSets/Main name none for {split}")
    return as_dataset(name or root.resolve().name, FolderPool(root, ids, channels=3), annotations, classes)


def has_splits(folders: Sequence[Path]) -> bool:
    """Whether the folders have lists of both training and test images."""
    return _pair(folders) is not None


def _pair(folders: Sequence[Path]) -> tuple[str, str] | None:
    there = {file.stem for folder in folders for file in _lists(folder).glob("*.txt")}
    return next((pair for pair in _PAIRS if set(pair) <= there), None)


def _split(folders: Sequence[Path], split: Split) -> Iterator[tuple[Path, list[str]]]:
    """Names of the images, without suffix, of each folder."""
    pair = _pair(folders)
    for folder in folders:
        names = [name for names in _PAIRS for name in names] if pair is None else [pair[split == "test"]]
        files = [file for name in names if (file := _lists(folder) / f"{name}.txt").is_file()]
        if files:
            yield folder, _lines(files[0])
        elif pair is None:
            yield folder, _all(folder)


def _lists(folder: Path) -> Path:
    return folder / "ImageSets" / "Main"


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    return [line.split()[0] for line in lines if line.strip()]


def _place(root: Path, folder: Path) -> _Place:
    inside = folder.relative_to(root).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    if not (folder / "JPEGImages").is_dir():  # XML beside the images
        return _Place(prefix, prefix)
    return _Place(f"{prefix}JPEGImages/", f"{prefix}Annotations/")


def _all(folder: Path) -> list[str]:
    """Every image and every annotation; where one lacks the other, that is reported later."""
    beside = not (folder / "JPEGImages").is_dir()
    images = folder if beside else folder / "JPEGImages"
    annotations = folder if beside else folder / "Annotations"
    stems = {file.stem for file in images.iterdir() if file.suffix.lower() in SUFFIXES}
    return sorted(stems | {file.stem for file in annotations.glob("*.xml")})


def _image(root: Path, place: _Place, stem: str) -> str:
    """The id of an image: that of the file there is, or of the JPEG that there should be."""
    if not (root / f"{place.images}{stem}.jpg").exists():
        for file in sorted((root / place.images).glob(f"{glob.escape(stem)}.*")):
            if file.stem == stem and file.suffix.lower() in SUFFIXES:  # 1.png, not 1.2.png
                return f"{place.images}{file.name}"
    return f"{place.images}{stem}.jpg"


def _read(path: Path, id: str, file: str) -> Annotation:
    try:
        tree = ElementTree.fromstring(path.read_bytes())
    except FileNotFoundError:
        return Annotation(id, file, problem="is missing; an image without objects has a file without objects")
    except OSError as error:
        return Annotation(id, file, problem=f"cannot be read: {error.strerror}")
    except ElementTree.ParseError as error:
        return Annotation(id, file, problem=f"not XML: {error}")
    if tree.tag != "annotation":
        return Annotation(id, file, problem=f"is XML of {tree.tag!r}, not of 'annotation'")
    objects = [_object(n, node) for n, node in enumerate(tree.findall("object"), start=1)]
    return Annotation(id, file, objects)


def _object(n: int, node: ElementTree.Element) -> Found:
    where = f"object {n}"
    try:
        name = _text(node, "name")
        difficult = _text(node, "difficult", default="0")
        xmin, ymin, xmax, ymax = (_edge(node, edge) for edge in ("xmin", "ymin", "xmax", "ymax"))
        hard = yes_or_no(difficult)
        if hard is None:
            raise ValueError(f"difficult is {difficult!r}, not 0 or 1")
        # Before a pixel is added on: an object whose first pixel is its last is a slip of the mouse.
        for axis, first, last in (("x", xmin, xmax), ("y", ymin, ymax)):
            if first >= last:
                raise ValueError(f"the box has no area: {axis}min {first:g} is not below {axis}max {last:g}")
    except ValueError as error:
        return Found(where, problem=str(error))
    return Found(where, (xmin - 1, ymin - 1, xmax, ymax), name, hard)


def _edge(node: ElementTree.Element, edge: str) -> float:
    text = _text(node, f"bndbox/{edge}")
    value = number(text)
    if not isinstance(value, float):
        raise ValueError(f"{edge} is {text!r}, not a number")
    return value


def _text(node: ElementTree.Element, path: str, default: str = "") -> str:
    text = (node.findtext(path) or "").strip() or default
    if not text:
        raise ValueError(f"lacks {path}")
    return text

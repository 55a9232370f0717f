"""PASCAL VOC: one XML file an image, and lists of the images of each split.

::

    VOC2007/
    ├── JPEGImages/000005.jpg
    ├── Annotations/000005.xml
    └── ImageSets/Main/trainval.txt, test.txt, ...

A VOCdevkit holds one or more of these. Other tools keep the same files in other folders: see
:mod:`ncenet.data.detection.voc_places`.

VOC numbers pixels from 1 and names the first and the last pixel of an object, so its box reaches from the
left edge of pixel ``xmin`` to the right edge of pixel ``xmax``: (xmin - 1, ymin - 1, xmax, ymax) in edges.
With that the overlap of two boxes is what VOC's own evaluation computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.annotations import (
    Annotation,
    NamedObject,
    as_dataset,
    stated_size,
    yes_or_no,
)
from ncenet.data.detection.voc_places import Place, VocEntry, find_beside, find_places, split_places
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError
from ncenet.text_files import number, read_whole

_MOST_BYTES = 100_000_000


class VocFolder:
    """Images with XML annotations on disk.

    Args:
        root: ids are paths relative to it.
        places: where they are.

    Raises:
        DataError: a list can't be read, or names an image twice.
    """

    def __init__(self, root: Path, places: Sequence[Place]) -> None:
        self.root = root
        self._splits, self._notes = split_places(places)

    @property
    def has_splits(self) -> bool:
        """Whether images are set apart for testing, beside others for training."""
        return bool(self._splits["train"] and self._splits["test"]) and not self._is_whole

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that hold different images."""
        if self._is_whole or not self._splits["test"]:
            return ("train",)
        return ("train", "test") if self._splits["train"] else ("test",)

    @property
    def _is_whole(self) -> bool:
        return self._splits["train"] is self._splits["test"]

    def open(self, split: Split, classes: Sequence[str] | None = None, *, name: str | None = None) -> Dataset:
        """Open the images of a split; where nothing is set apart, all of them are either.

        Args:
            split: which images.
            classes: the classes that there are. Default: those of the objects.
            name: of the data set. Default: that of the root.

        Raises:
            DataError: there is no image for this split, or no annotation has the name of an image.
        """
        self._refuse_strangers()
        ids: list[str] = []
        annotations: list[Annotation] = []
        for place, names in self._splits[split]:
            for each in names:
                for id, annotation in _of(self.root, place, each):
                    ids.append(id)
                    annotations.append(annotation)
        if not ids:
            other: Split = "test" if split == "train" else "train"
            raise DataError(
                f"{self.root}: the lists in ImageSets/Main name no image for {split}"
                + (f", only for {other}: write {split}.txt there" if self._splits[other] else "")
            )
        told = "read as a folder with XML annotations (VOC)" + (f", {split} images" * self.has_splits)
        pool = FolderPool(self.root, ids, channels=3)
        name = name or self.root.resolve().name
        return as_dataset(name, pool, annotations, classes, notes=(told, *self._notes))

    def _refuse_strangers(self) -> None:
        """Refuse images and annotations of which none belong together: each by itself would be a mistake."""
        places = {place for parts in self._splits.values() for place, _ in parts}
        entries = [entry for place in places for entry in place.entries.values()]
        images = sorted(entry.images[0] for entry in entries if entry.images)
        files = sorted(entry.annotations[0] for entry in entries if entry.annotations)
        if images and files and not any(entry.images and entry.annotations for entry in entries):
            raise DataError(
                f"{self.root}: no annotation has the name of an image: "
                f"{count_of(len(files), 'XML file')}, such as {files[0]}, and "
                f"{count_of(len(images), 'image')}, such as {images[0]}. An annotation has the name of its "
                "image and lies beside it, or in a folder annotations beside that of the images"
            )


def find_voc(root: Path, *, beside: bool = True) -> VocFolder | None:
    """The images with XML annotations of a folder; None when it has none.

    Args:
        root: the folder.
        beside: look for XML files beside the images too, at any depth.
    """
    places = find_places(root) or (find_beside(root) if beside else [])
    return VocFolder(root, places) if places else None


def _of(root: Path, place: Place, name: str) -> Iterator[tuple[str, Annotation]]:
    """The image of a name with what is said of it; several when the name says not which."""
    entry = place.entries.get(name, VocEntry())
    file = next(iter(entry.annotations), place.expected_annotation(name))
    if len(entry.annotations) > 1:
        for id in entry.images or (place.expected(name),):
            yield id, Annotation(id, file, problem=f"stands beside {entry.annotations[1]}: remove one")
        return
    if len(entry.images) < 2:
        id = entry.images[0] if entry.images else place.expected(name)
        yield id, _read(root / file, id, file)
        return
    stated = _file_name(root / file)
    for id in entry.images:
        if PurePosixPath(id).name == stated:
            yield id, _read(root / file, id, file)
        else:
            others = " or ".join(PurePosixPath(image).name for image in entry.images)
            sure = any(PurePosixPath(image).name == stated for image in entry.images)
            why = f"is of {stated}, not of this image" if sure else f"may be of {others}: rename one"
            yield id, Annotation(id, file, problem=why)


def _file_name(file: Path) -> str:
    """The image that an annotation says it is of; "" when it doesn't."""
    try:
        text = ElementTree.fromstring(read_whole(file, most=_MOST_BYTES)).findtext("filename") or ""
    except (OSError, ElementTree.ParseError, ValueError, LookupError):
        return ""
    return PurePosixPath(text.strip().replace("\\", "/")).name


def _read(path: Path, image: str, file: str) -> Annotation:
    try:
        tree = ElementTree.fromstring(read_whole(path, most=_MOST_BYTES))
    except FileNotFoundError:
        why = "is missing; an image without objects has a file without objects"
        return Annotation(image, file, problem=why)
    except OSError as error:
        return Annotation(image, file, problem=f"cannot be read: {error.strerror}")
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # of encodings that nobody knows, too
        return Annotation(image, file, problem=f"not XML: {error}")
    if tree.tag != "annotation":
        return Annotation(image, file, problem=f"is XML of {tree.tag!r}, not of 'annotation'")
    nodes = tree.findall("object")
    known = {id(inner) for node in nodes for inner in node.iter()}
    strays = [node.tag for node in tree.iter() if id(node) not in known and _is_of_an_object(node)]
    if strays:
        return Annotation(image, file, problem=f"holds {strays[0]!r} in a place where VOC has no object")
    objects = [_object(n, node) for n, node in enumerate(nodes, start=1)]
    drawn_on = stated_size(tree.findtext("size/width"), tree.findtext("size/height"))
    return Annotation(image, file, objects, drawn_on=drawn_on)


def _object(n: int, node: ElementTree.Element) -> NamedObject:
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
        return NamedObject(where, problem=str(error))
    return NamedObject(where, (xmin - 1, ymin - 1, xmax, ymax), name, hard)


def _is_of_an_object(node: ElementTree.Element) -> bool:
    """Whether some tool has an object there: as VOC has, or nested deeper, or in other letters."""
    name = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    return name.lower() in ("object", "bndbox", "polygon")


def _edge(node: ElementTree.Element, edge: str) -> float:
    text = _text(node, f"bndbox/{edge}")
    value = number(text)
    if not isinstance(value, float):
        raise ValueError(f"{edge} is {text!r}, not a number")
    return value


def _text(node: ElementTree.Element, path: str, default: str = "") -> str:
    for part in (path.partition("/")[0], path):
        if len(node.findall(part)) > 1:
            raise ValueError(f"has {part.rpartition('/')[2]} more than once: which one counts?")
    text = (node.findtext(path) or "").strip() or default
    if not text:
        raise ValueError(f"lacks {path}")
    return text

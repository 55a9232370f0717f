"""Where a folder keeps images with XML annotations, and which of them are set apart for testing.

==================================  ====================================================================
images, annotations                 written by
==================================  ====================================================================
``JPEGImages``, ``Annotations``     VOC itself, one or more in a VOCdevkit; CVAT
``images``, ``annotations``         many data sets; also with ``annotations/xmls``
``data``, ``labels``                FiftyOne
beside each other, at any depth     LabelImg; Roboflow, in ``train``, ``valid`` and ``test``
any two folders apart               whoever called them otherwise
==================================  ====================================================================

All but the last also below folders of any name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeGuard

from ncenet.counts import count_of
from ncenet.data.dataset import Split
from ncenet.data.folders import SUFFIXES, files_below
from ncenet.errors import DataError
from ncenet.text_files import encoding_of, is_hidden, read_head, read_text

_IMAGES = ("jpegimages", "images", "image", "imgs", "data")
_ANNOTATIONS = ("annotations", "annotation", "labels", "xmls", "xml")
_PARTS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
_LISTS = ("train", "trainval", "val", "test")
_OF_A_YEAR = re.compile(r"(training|trainval|train|validation|valid|val|testing|test)([ _.-]?\d+)?")
"""Names of lists that set apart, perhaps with a year or a number behind."""
_LIST_WORDS = {"training": "train", "testing": "test", "valid": "val", "validation": "val"}
_OF_CLASSES = ("_train", "_trainval", "_val", "_test")
_TRAINING = {
    "test": ("trainval", "train", ""),
    "val": ("train", "trainval", ""),
    None: ("trainval", "train", "val", ""),
}
"""What is for training, the first that is there, by what is for testing."""
_XML = frozenset({".xml"})
_BEFORE_THE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(\[.*?\])?\s*>", re.DOTALL)
_MARKED = re.compile(r"(.+?)\s+-?[01]")
"""A line of a list of VOC's that marks its image as one with or without some class."""


class VocEntry(NamedTuple):
    """What there is under one name.

    Attributes:
        images: paths of the images of this name, relative to the root.
        annotations: of the XML files; several where their suffixes differ in case.
    """

    images: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()


class Place:
    """A folder of images and one of annotations, which may be the same.

    Args:
        root: of the data set; paths are relative to it.
        folder: that holds both.
        images: the one, within ``folder``; "" for itself.
        annotations: the other.
        part: "train", "val" or "test" when the folder is one of these.
    """

    def __init__(self, root: Path, folder: Path, images: str, annotations: str, part: str = "") -> None:
        self.root, self.folder, self._part = root, folder, part
        self.images, self.annotations = folder / images, folder / annotations

    @property
    def parts(self) -> frozenset[str]:
        """What it is divided into, by lists or by folders; "" alone when it isn't."""
        if self._part:
            return frozenset({self._part})
        if listed := self._lists.keys() & set(_LISTS):
            return frozenset(listed)
        folders = {_PARTS.get(name.partition("/")[0].lower(), "") for name in self.entries}
        return frozenset({""} if "" in folders or len(folders) < 2 else folders)

    @property
    def other_lists(self) -> list[str]:
        """Lists that say nothing of training and testing; those of VOC's own classes are left out."""
        others = [name for name in self._lists if name not in _LISTS and not name.endswith(_OF_CLASSES)]
        return [] if self._part else others + self._other_tasks

    def of(self, part: str) -> list[str]:
        """Names of the images of a part, whether or not they are there.

        Raises:
            DataError: a list can't be read, or names an image twice.
        """
        if part in (self._part, ""):
            return list(self.entries)
        if part in self._lists:
            return list(dict.fromkeys(name for file in self._lists[part] for name in self._named(file)))
        return [name for name in self.entries if _PARTS.get(name.partition("/")[0].lower()) == part]

    @cached_property
    def entries(self) -> Mapping[str, VocEntry]:
        """What there is, by path within the folders and without suffix."""
        images: dict[str, list[str]] = {}
        for path in files_below(self.images, SUFFIXES):
            images.setdefault(_stem(path), []).append(self._inside(self.images / path))
        annotations: dict[str, list[str]] = {}
        for path in files_below(self.annotations, _XML):
            file = self.annotations / path
            if self.images != self.annotations or is_annotation(file, of_an_image=_stem(path) in images):
                annotations.setdefault(_stem(path), []).append(self._inside(file))
        names = sorted(images.keys() | annotations.keys())
        return {
            name: VocEntry(tuple(images.get(name, ())), tuple(annotations.get(name, ()))) for name in names
        }

    @cached_property
    def _lists(self) -> Mapping[str, Sequence[Path]]:
        """Files with the names of images, by what they set apart, or by their own name in small letters.

        Several are of one part only where none is called just so: ``train2007`` and ``train2012``.
        """
        named: dict[str, list[Path]] = {}
        for file in self._list_files:
            named.setdefault(file.stem.lower(), []).append(file)
        lists = {name: files for name, files in named.items() if name in _LISTS}
        for name, files in named.items():
            found = _OF_A_YEAR.fullmatch(name)
            part = _LIST_WORDS.get(found[1], found[1]) if found else name
            if name in _LISTS or part in named:
                lists.setdefault(name, files)
            else:
                lists[part] = [*lists.get(part, ()), *files]
        return lists

    @property
    def _list_files(self) -> list[Path]:
        """Text files in ``ImageSets/Main``, or else in ``ImageSets`` itself, in whatever case."""
        for folder in ("imagesets/main", "imagesets"):
            place = _child(self.folder, folder)
            files = [] if place is None else sorted(place.iterdir())
            files = [file for file in files if file.suffix.lower() == ".txt" and not is_hidden(file.name)]
            if files:
                return files
        return []

    @property
    def _other_tasks(self) -> list[str]:
        """Lists of VOC's for other tasks, where there are none for boxes."""
        sets = None if self._list_files else _child(self.folder, "imagesets")
        inside = [] if sets is None else sorted(path for path in sets.iterdir() if any(path.glob("*.txt")))
        return [f"{path.parent.name}/{path.name}" for path in inside]

    def _named(self, file: Path) -> list[str]:
        found: dict[str, None] = {}
        for line in filter(None, map(str.strip, read_text(file).split("\n"))):
            entry = self._entry(line)
            if entry in found:
                raise DataError(f"{file}: names {entry!r} twice")
            found[entry] = None
        return list(found)

    def expected(self, name: str) -> str:
        """Path of the image that should be there under a name that has none."""
        return f"{self._inside(self.images / name)}.jpg"

    def expected_annotation(self, name: str) -> str:
        """Path of the annotation that should be there."""
        return f"{self._inside(self.annotations / name)}.xml"

    def _entry(self, line: str) -> str:
        """The name that a line means; it may have a suffix, folders before it, or a mark behind it."""
        marked = _MARKED.fullmatch(line)
        for text in (line, marked[1]) if marked else (line,):
            path = PurePosixPath(text.replace("\\", "/"))
            whole = path.with_suffix("") if path.suffix.lower() in (*SUFFIXES, ".xml") else path
            for name in (path, whole):
                for n in range(len(name.parts)):
                    within = "/".join(name.parts[n:])
                    if within in self.entries:
                        return within
        return whole.as_posix().lstrip("/")

    def _inside(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def find_places(root: Path) -> list[Place]:
    """The places of a folder that is of this form; none when it is of another."""
    folders = [(root, ""), *_part_folders(root)]
    years = [*folders, *((year, "") for year in _years(root))]
    found = [Place(root, year, *pair, part) for year, part in years if _is_voc(pair := _pair(year))]
    if found:
        return found
    for folder, part in folders:
        pair = _pair(folder)
        if pair is not None and _holds_annotations(folder / pair[1]):
            found.append(Place(root, folder, *pair, part))
    return found


def find_beside(root: Path) -> list[Place]:
    """The same deeper down in folders of any name; else XML files beside the images, or in a folder apart.

    Folders that are called otherwise than those of :func:`find_places` count where they hold every annotation
    that there is, so that none is passed over.
    """
    annotations = list(_annotations_below(root))
    if not annotations:
        return []
    places = [Place(root, folder, *pair, part) for folder, pair, part in _pairs_below(root)]
    inside = tuple(f"{place.annotations.relative_to(root).as_posix()}/" for place in places)
    if places and all(path.startswith(inside) for path in annotations):
        return places
    folders = [_common_folder(paths) for paths in (files_below(root, SUFFIXES), annotations)]
    apart = all(folders) and not any(
        f"{one}/".startswith(f"{other}/") for one, other in (folders, reversed(folders))
    )
    return [Place(root, root, *(folders if apart else ("", "")))]


def split_places(places: Sequence[Place]) -> tuple[dict[Split, list[tuple[Place, list[str]]]], list[str]]:
    """Which images are for training and which for testing, and what was passed over.

    Where something is called ``test``, the others are for training: ``trainval``, or ``train``. Where nothing
    is, ``val`` is for testing beside ``train``. Where nothing is set apart, all is one split, which stands
    under both words. What isn't divided is for training.

    Raises:
        DataError: see :meth:`Place.of`.
    """
    everywhere = frozenset[str]().union(*(place.parts for place in places))
    held_out = "test" if "test" in everywhere else "val" if {"train", "val"} <= everywhere else None
    splits: dict[Split, list[tuple[Place, list[str]]]] = {"train": [], "test": []}
    notes: list[str] = []
    for place in places:
        chosen = next((part for part in _TRAINING[held_out] if part in place.parts), None)
        trained = [] if chosen is None else place.of(chosen)
        tested = place.of(held_out) if held_out is not None and held_out in place.parts else []
        if (chosen, held_out) == ("trainval", "val"):  # val is a part of it
            trained = [name for name in trained if name not in set(tested)]
        elif shared := set(trained) & set(tested):
            trained, tested, note = _parted(trained, tested, shared)
            notes.append(f"{note} ({place.folder})")
        splits["train"] += [(place, trained)] if trained else []
        splits["test"] += [(place, tested)] if tested else []
        known = {chosen, held_out} | ({"train", "val"} if chosen == "trainval" else set())
        if over := sorted((place.parts - known) | set(place.other_lists)):
            notes.append(f"{', '.join(over)} of {place.folder} passed over")
    if held_out is None:
        splits["test"] = splits["train"]
    return splits, notes


def _parted(trained: list[str], tested: list[str], shared: set[str]) -> tuple[list[str], list[str], str]:
    """Names for training and for testing of which none is for both, and what was done."""
    if len(shared) == len(trained):
        return trained, [], "the test images are the training images: they were passed over"
    left = [name for name in trained if name not in shared]
    return left, tested, f"{count_of(len(shared), 'test image')} among the training images taken out"


def is_annotation(file: Path, *, of_an_image: bool) -> bool:
    """Whether an XML file is about an image; one that is no XML is, if it has the name of one."""
    try:
        head = read_head(file)
    except OSError:
        return of_an_image
    text = _BEFORE_THE_ROOT.sub("", head.decode(encoding_of(head), errors="ignore"))
    tag = re.match(r"\s*<([\w.:-]+)", text)
    return of_an_image if tag is None else tag[1] == "annotation"


def _pair(folder: Path) -> tuple[str, str] | None:
    """The folders of images and of annotations in a folder."""
    if not folder.is_dir():
        return None
    names = sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True)
    inside = {name.lower(): name for name in names}
    images = next((inside[name] for name in _IMAGES if name in inside), None)
    annotations = next((inside[name] for name in _ANNOTATIONS if name in inside), None)
    if images is None or annotations is None:
        return None
    deeper = f"{annotations}/xmls"
    return images, deeper if (folder / deeper).is_dir() else annotations


def _is_voc(pair: tuple[str, str] | None) -> TypeGuard[tuple[str, str]]:
    return pair is not None and [name.lower() for name in pair] == ["jpegimages", "annotations"]


def _years(root: Path, depth: int = 3) -> Iterator[Path]:
    """Folders called VOC2007, VOCdevkit or VOCtrainval_06-Nov-2007, and those within them."""
    for folder in sorted(root.iterdir()) if depth else ():
        if folder.is_dir() and folder.name.lower().startswith("voc"):
            yield folder
            yield from _years(folder, depth - 1)


def _child(folder: Path, path: str) -> Path | None:
    """The folder below another that has this path, in whatever case; None without one."""
    for word in path.split("/"):
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
        found = next((each for each in inside if each.name.lower() == word and each.is_dir()), None)
        if found is None:
            return None
        folder = found
    return folder


def _part_folders(root: Path) -> Iterator[tuple[Path, str]]:
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name.lower() in _PARTS:
            yield folder, _PARTS[folder.name.lower()]


def _holds_annotations(folder: Path) -> bool:
    """Whether some XML file below a folder is about an image."""
    return next(_annotations_below(folder), None) is not None


def _annotations_below(folder: Path) -> Iterator[str]:
    """XML files below a folder that are about an image."""
    for path in files_below(folder, _XML):
        file = folder / path
        beside = any(file.with_suffix(suffix).exists() for suffix in SUFFIXES)
        if is_annotation(file, of_an_image=beside):
            yield path


def _pairs_below(folder: Path, depth: int = 3, part: str = "") -> Iterator[tuple[Path, tuple[str, str], str]]:
    """Folders below another that have one of images and one of annotations, and the split they lie in."""
    for inner in sorted(folder.iterdir()) if depth else ():
        if is_hidden(inner.name) or not inner.is_dir():
            continue
        of = part or _PARTS.get(inner.name.lower(), "")
        if (pair := _pair(inner)) is not None and _holds_annotations(inner / pair[1]):
            yield inner, pair, of
        else:
            yield from _pairs_below(inner, depth - 1, of)


def _common_folder(paths: Sequence[str]) -> str:
    """The deepest folder in which all of these files lie; "" for the one that they are relative to."""
    return os.path.commonpath([path.rpartition("/")[0] for path in paths]) if paths else ""


def _stem(path: str) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()

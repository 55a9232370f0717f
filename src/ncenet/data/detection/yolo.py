"""YOLO: one text file an image, a line ``class x y width height`` an object, in fractions of the image.

::

    pets/
    ├── data.yaml              names: [cat, dog]; perhaps train: and val: or test:
    ├── images/train/1.jpg     or images/1.jpg, or train/images/1.jpg, or beside the labels
    └── labels/train/1.txt     the same path with labels for images

Without ``data.yaml`` the names stand in ``obj.names`` or ``classes.txt``, one a line, beside the folders or
in ``labels``; see :mod:`ncenet.data.detection.yolo_settings`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ncenet.class_names import shown
from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.annotations import Annotation, NamedObject, as_dataset
from ncenet.data.detection.yolo_settings import LISTS, SPLITS, has_names, read_settings, settings_file, within
from ncenet.data.folders import SUFFIXES, files_below, find_images
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UnreadableImage
from ncenet.text_files import number, read_text

_FIELDS = 5
_NO_LABELS = frozenset(
    {"classes.txt", *(name.format(word) for name in LISTS for words in SPLITS.values() for word in words)}
)


def find_yolo(root: Path) -> bool:
    """Whether a folder is one of these: it has settings, a pair of folders, or labels beside images."""
    if settings_file(root) is not None:
        return True
    places = [root, *(root / name for names in SPLITS.values() for name in names)]
    if any((place / "images").is_dir() and any(_texts(place, "labels")) for place in places):
        return True
    return has_names(root) and any(_holds_rows(root / path) for path in _texts(root, ""))


class YoloFolder:
    """A YOLO data set on disk.

    Args:
        path: the folder, or its ``data.yaml``.

    Raises:
        DataError: ``data.yaml`` cannot be read, or nothing names the classes.
    """

    def __init__(self, path: Path) -> None:
        settings = read_settings(path)
        self.root, self.class_names = settings.root, settings.names
        self._file, self._stated = settings.file, settings.stated
        self._images = {split: self._find(split) for split in SPLITS}
        self._notes: list[str] = []
        self._part()

    @property
    def has_splits(self) -> bool:
        """Whether there are images for training and others for testing."""
        return all(self._images[split] for split in SPLITS)

    def open(self, split: Split, classes: Sequence[str] | None = None) -> Dataset:
        """Open the images of a split, or all of them when there are no splits.

        Args:
            split: which images.
            classes: the classes that there are. Default: the names that the folder gives.

        Raises:
            DataError: there are no images, or what the settings name isn't there.
        """
        if split == "train" and self._images["train"] is None and "train" in self._stated:
            raise DataError(self._not_there("train"))
        ids = set(self._images[split if self.has_splits else "train"] or find_images(self.root))
        ids |= self._missing(ids)
        pool = FolderPool(self.root, sorted(ids), channels=3)
        sharing = Counter(map(label_file, pool.ids()))
        annotations = [_read(pool, id, self.class_names, sharing) for id in pool.ids()]
        known = self.class_names if classes is None else classes
        told = [f"read as a YOLO folder, {split} images" if self.has_splits else "read as a YOLO folder"]
        return as_dataset(self.root.name, pool, annotations, known, notes=(*told, *self._notes))

    def _find(self, split: str) -> set[str] | None:
        """Ids of a split: as the settings say, or where folders of this kind have it; None without one."""
        for word in SPLITS[split]:
            stated = self._stated.get(word, ())
            places = [within(self.root, path) for path in stated]
            there = [place for place in places if place is not None]
            if there and len(there) < len(stated):
                raise DataError(self._not_there(word))
            # What is stated and not there is told below, when it is needed.
            if ids := {id for place in there for id in self._listed(place)}:
                return ids
            if there and split == "train":
                raise DataError(f"{self._file}: {word}: there is no image in {', '.join(stated)}")
        if self._stated.keys() & set(SPLITS[split]):
            return None
        for word in SPLITS[split]:
            for folder in (self.root / "images" / word, self.root / word / "images", self.root / word):
                if found := _below(folder, self.root):
                    return set(found)
        whole = self.root / "images"
        return set(_below(whole, self.root)) or None if split == "train" else None

    def _part(self) -> None:
        """See to it that no image is for training and for testing, and note what was passed over."""
        for word in SPLITS["test"]:
            places = [within(self.root, path) for path in self._stated.get(word, ())]
            if not places:
                continue
            if not any(places):
                self._notes.append(f"{self._not_there(word)}; it was passed over")
            elif not any(id for place in places if place for id in self._listed(place)):
                self._notes.append(f"{self._file}: {word} names no image; it was passed over")
        train, test = self._images["train"], self._images["test"]
        if not train or not test:
            return
        if train <= test:
            self._images["test"] = None
            self._notes.append("the test images are the training images: they were passed over")
        elif both := train & test:
            self._images["train"] = train - both
            self._notes.append(f"{count_of(len(both), 'test image')} among the training images taken out")

    def _listed(self, place: PurePosixPath) -> Iterator[str]:
        """Ids of the images of a folder, or of those that a text file names one a line."""
        path = self.root / place
        if path.is_dir():
            yield from _below(path, self.root)
            return
        if path.suffix.lower() in SUFFIXES:
            yield place.as_posix()
            return
        for n, line in enumerate(read_text(path).split("\n"), start=1):
            if name := line.strip():
                there = within(self.root, name, beside=path.parent.resolve())
                id = name.replace("\\", "/").lstrip("./") if there is None else there.as_posix()
                if PurePosixPath(id).suffix.lower() not in SUFFIXES:
                    raise DataError(f"{path}:{n} {shown(name)} is no image file, by its suffix")
                yield id

    def _missing(self, ids: set[str]) -> set[str]:
        """Images that labels are there for and that are not: entered, so that they are reported."""
        beside = {label_file(id) for images in (ids, *self._images.values()) for id in images or ()}
        missing = set()
        for of_images in {id.rpartition("/")[0] for id in ids}:
            of_labels = label_file(f"{of_images}/x.jpg".lstrip("/")).removesuffix("x.txt").rstrip("/")
            known = beside | {label_file(id) for id in _below(self.root / of_images, self.root)}
            for path in _texts(self.root, of_labels):
                if path in known or (of_images == of_labels and not _holds_rows(self.root / path)):
                    continue
                inside = path.removeprefix(of_labels).lstrip("/")
                missing.add(PurePosixPath(of_images, inside).with_suffix(".jpg").as_posix())
        return missing

    def _not_there(self, word: str) -> str:
        missing = [path for path in self._stated[word] if within(self.root, path) is None]
        return f"{self._file}: {word}: {missing[0]!r} is not there within {self.root}"


def label_file(id: str) -> str:
    """The same path with the last folder ``images`` called ``labels``; without such a folder, beside it.

    >>> label_file("images/train/1.jpg"), label_file("train/1.jpg")
    ('labels/train/1.txt', 'train/1.txt')
    """
    *folders, name = id.split("/")
    if "images" in folders:
        folders[len(folders) - 1 - folders[::-1].index("images")] = "labels"
    return PurePosixPath(*folders, name).with_suffix(".txt").as_posix()


def _below(folder: Path, root: Path) -> list[str]:
    """Ids of the images of a folder; none when it isn't there."""
    prefix = f"{folder.relative_to(root).as_posix()}/".removeprefix("./")
    return [f"{prefix}{path}" for path in files_below(folder, SUFFIXES)] if folder.is_dir() else []


def _texts(root: Path, folder: str) -> Iterator[str]:
    """Text files below a folder that may hold labels, as paths from the root."""
    if (root / folder).is_dir():
        for path in files_below(root / folder, {".txt"}):
            if PurePosixPath(path).name not in _NO_LABELS:
                yield f"{folder}/{path}".lstrip("/")


def _holds_rows(file: Path) -> bool:
    """Whether the first line of a text is that of an object, and the file no note or licence."""
    try:
        words = read_text(file).strip().partition("\n")[0].split()
    except DataError:
        return False
    return len(words) == _FIELDS and all(isinstance(number(word), float) for word in words)


def _read(pool: FolderPool, id: str, names: Sequence[str], sharing: Counter[str]) -> Annotation:
    file = label_file(id)
    if sharing[file] > 1:
        return Annotation(id, file, problem=f"may be of {sharing[file]} images of that name: rename them")
    if not (pool.root / file).exists():
        return Annotation(id, file, problem="is missing; an image without objects has an empty file")
    try:
        text = read_text(pool.root / file)
    except DataError as error:
        return Annotation(id, file, problem=str(error).removeprefix(f"{pool.root / file}: "))
    lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    try:
        width, height = pool.size(id)
    except UnreadableImage:  # which a scan reports; what can be said of the text without it is said
        width, height = 1, 1
    return Annotation(id, file, [_object(f"line {n}", words, names, width, height) for n, words in lines])


def _object(where: str, words: Sequence[str], names: Sequence[str], width: int, height: int) -> NamedObject:
    if len(words) != _FIELDS:
        return NamedObject(where, problem=f"has {len(words)} fields, not class x y width height")
    if not words[0].isdecimal() or len(words[0]) > 9 or int(words[0]) >= len(names):
        return NamedObject(
            where, problem=f"has the class {shown(words[0])}, which is none of 0 to {len(names) - 1}"
        )
    values = [number(word) for word in words[1:]]
    x, y, w, h = values
    for value in values:
        if isinstance(value, str) or not math.isfinite(value):
            return NamedObject(where, problem=f"{shown(value)} is not a finite number")
    assert not (isinstance(x, str) or isinstance(y, str) or isinstance(w, str) or isinstance(h, str))
    if w <= 0 or h <= 0:
        return NamedObject(where, problem=f"the box has no area: it is {w:g} wide and {h:g} high")
    if max(x, y, w, h) > 2:
        return NamedObject(where, problem=f"{max(x, y, w, h):g} is no fraction of the image: pixels?")
    box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    return NamedObject(where, box, names[int(words[0])])

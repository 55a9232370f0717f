"""YOLO: one text file an image, a line ``class x y width height`` an object, in fractions of the image.

::

    pets/
    ├── data.yaml              names: [cat, dog]; perhaps train: and val: or test:
    ├── images/train/1.jpg     or images/1.jpg, or train/images/1.jpg
    └── labels/train/1.txt     the same path with labels for images

Without ``data.yaml`` the names stand in ``classes.txt``, one a line, beside the folders or in ``labels``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ncenet.data.builtin import Split
from ncenet.data.dataset import Dataset
from ncenet.data.detection.annotations import Annotation, Found, as_dataset, number
from ncenet.data.folders import find_images
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UnreadableImage

_SETTINGS = ("data.yaml", "data.yml", "dataset.yaml")
_SPLITS = {"train": ("train",), "test": ("test", "val", "valid")}
_FIELDS = 5


def find_yolo(root: Path) -> bool:
    """Whether a folder is one of these."""
    pairs = [root, *(root / name for names in _SPLITS.values() for name in names)]
    return _settings_file(root) is not None or any(
        (pair / "images").is_dir() and (pair / "labels").is_dir() for pair in pairs
    )


class YoloFolder:
    """A YOLO data set on disk.

    Args:
        path: the folder, or its ``data.yaml``.

    Raises:
        DataError: ``data.yaml`` cannot be read, or nothing names the classes.
    """

    def __init__(self, path: Path) -> None:
        folder, settings = (path.parent, path) if path.is_file() else (path, _settings_file(path))
        self._settings = settings
        self._record = {} if settings is None else _read_settings(settings)
        stated = folder / str(self._record.get("path", ""))
        self.root = (stated if stated.is_dir() else folder).resolve()
        self.class_names = self._names()

    @property
    def has_splits(self) -> bool:
        """Whether there are images for training and others for testing."""
        return all(self._images(split) is not None for split in _SPLITS)

    def open(self, split: Split, classes: Sequence[str] | None = None) -> Dataset:
        """Open the images of a split, or all of them when there are no splits.

        Args:
            split: which images.
            classes: the classes that there are. Default: the names that the folder gives.

        Raises:
            DataError: there are no images.
        """
        folder = (self._images(split) if self.has_splits else self._images("train")) or self.root
        prefix = f"{folder.relative_to(self.root).as_posix()}/".removeprefix("./")
        ids = {f"{prefix}{path}" for path in find_images(folder)}
        labels = self.root / _label_file(f"{prefix}x.jpg")
        beside = {PurePosixPath(_label_file(id)) for id in ids}
        for file in sorted(labels.parent.rglob("*.txt")):
            inside = PurePosixPath(file.relative_to(self.root).as_posix())
            # Labels without an image: the image is entered, and reported as missing when it is read.
            if inside not in beside and inside.name != "classes.txt":
                ids.add(f"{prefix}{file.relative_to(labels.parent).with_suffix('.jpg').as_posix()}")
        pool = FolderPool(self.root, sorted(ids), channels=3)
        annotations = [_read(pool, id, self.class_names) for id in pool.ids()]
        return as_dataset(self.root.name, pool, annotations, self.class_names if classes is None else classes)

    def _images(self, split: str) -> Path | None:
        """Folder of the images of a split: as the settings say, or where folders of this kind have it."""
        for name in _SPLITS[split]:
            stated = self._record.get(name)
            if isinstance(stated, str) and stated:
                # Tools write paths that lead out of the folder: ../train/images is meant to be within it.
                for path in (stated, stated.lstrip("./")):
                    folder = (self.root / path).resolve()
                    if folder.is_dir() and folder.is_relative_to(self.root):
                        return folder
                raise DataError(f"{self._settings}: {name}: {stated!r} is no folder within {self.root}")
            for folder in (self.root / "images" / name, self.root / name / "images"):
                if folder.is_dir():
                    return folder
        whole = self.root / "images"
        return whole if split == "train" and whole.is_dir() else None

    def _names(self) -> tuple[str, ...]:
        names: Any = self._record.get("names")
        if isinstance(names, dict) and set(names) == set(range(len(names))):
            names = [names[n] for n in range(len(names))]
        if names is None:
            for file in (self.root / "classes.txt", self.root / "labels" / "classes.txt"):
                if file.is_file():
                    names = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
                    names = [name for name in names if name]
        if not isinstance(names, list) or not names:
            raise DataError(
                f"{self.root}: nothing names the classes: write them into classes.txt, one a line, "
                "or into data.yaml as names: [cat, dog]"
            )
        return tuple(map(str, names))


def _settings_file(root: Path) -> Path | None:
    return next((root / name for name in _SETTINGS if (root / name).is_file()), None)


def _read_settings(file: Path) -> dict[str, Any]:
    try:
        record = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{file}: expected a mapping with names, train and val")
    return record


def _label_file(id: str) -> str:
    """The same path with the last folder ``images`` called ``labels``; without such a folder, beside it.

    >>> _label_file("images/train/1.jpg"), _label_file("train/1.jpg")
    ('labels/train/1.txt', 'train/1.txt')
    """
    *folders, name = id.split("/")
    if "images" in folders:
        folders[len(folders) - 1 - folders[::-1].index("images")] = "labels"
    return PurePosixPath(*folders, name).with_suffix(".txt").as_posix()


def _read(pool: FolderPool, id: str, names: Sequence[str]) -> Annotation:
    file = _label_file(id)
    try:
        text = (pool.root / file).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Annotation(id, file, problem="is missing; an image without objects has an empty file")
    except OSError as error:
        return Annotation(id, file, problem=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Annotation(id, file, problem=f"not text: {error.reason}")
    lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    try:
        width, height = pool.size(id)
    except UnreadableImage:  # which a scan reports; what can be said of the text without it is said
        width, height = 1, 1
    return Annotation(id, file, [_object(f"line {n}", words, names, width, height) for n, words in lines])


def _object(where: str, words: Sequence[str], names: Sequence[str], width: int, height: int) -> Found:
    if len(words) != _FIELDS:
        return Found(where, problem=f"has {len(words)} fields, not class x y width height")
    if not words[0].isdecimal() or int(words[0]) >= len(names):
        return Found(where, problem=f"has the class {words[0]!r}, which is none of 0 to {len(names) - 1}")
    values = [number(word) for word in words[1:]]
    x, y, w, h = values
    for value in values:
        if isinstance(value, str) or not math.isfinite(value):
            return Found(where, problem=f"{value!r} is not a finite number")
    assert not (isinstance(x, str) or isinstance(y, str) or isinstance(w, str) or isinstance(h, str))
    if w <= 0 or h <= 0:
        return Found(where, problem=f"the box has no area: it is {w:g} wide and {h:g} high")
    if max(x, y, w, h) > 2:
        return Found(where, problem=f"{max(x, y, w, h):g} is no fraction of the image: pixels?")
    box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    return Found(where, box, names[int(words[0])])

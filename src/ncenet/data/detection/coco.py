"""COCO: one JSON file for all images, with boxes (x, y, width, height) in pixels from 0."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from ncenet.box_gate import TURN, Size
from ncenet.class_names import class_name_problem, shown
from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.annotations import Annotation, NamedObject, as_dataset, stated_size, yes_or_no
from ncenet.data.pools import FolderPool
from ncenet.data.set_apart import Columns
from ncenet.errors import DataError
from ncenet.text_files import encoding_of, is_hidden, read_head, read_json

ANSWERED = "answered"
"""Key of an image that says that somebody has looked at it, which a list of images alone doesn't (ours)."""
SPLITS: tuple[Split, ...] = ("train", "test")
_KEYS = ("images", "annotations", "categories")
_PARTS = ("train", "valid", "validation", "val", "test")
_WORDS = {"train": {"train", "training", "trainval"}, "test": {"test", "testing"}}
_VALIDATION = {"val", "valid", "validation"}
_OTHER_ANNOTATIONS = ("captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info_")
"""What COCO has of the same images beside the boxes."""
_LOOKED_AT = 16
_HEAD, _WHOLE = 65_536, 20_000_000
_LARGEST = 1e9
_AREA = 0.001
"""By so much of it an area may differ from that of its box, and be the same (ours)."""
_BEGINS = re.compile(r'"(images|annotations|categories)"\s*:\s*\[')

Key: TypeAlias = int | float | str
"""Of an image or a category; tools that go through tables write whole numbers with a point."""


def find_coco(root: Path, split: Split) -> Path | None:
    """The COCO file of a folder: in it, in ``annotations`` or in the folder of a split.

    Of several it is the one that has the split in its name or in that of its folder; validation is a test
    where nothing else is.

    Raises:
        DataError: several files are there, and no one has the split in its name.
    """
    folders = (root, root / "annotations", *(root / part for part in _PARTS))
    files = [file for folder in folders for file in _json_files(folder) if _is_coco(*_identity(file))]
    files = [file for file in files if not file.name.startswith(_OTHER_ANNOTATIONS)] or files
    if len(files) < 2:
        return files[0] if files else None
    for words in (_WORDS[split], _VALIDATION if split == "test" else set[str]()):
        named = [file for file in files if words & _words(file, root)]
        if len(named) == 1:
            return named[0]
    trained = [file for file in files if _WORDS["train"] & _words(file, root)]
    if split == "test" and len(trained) == 1:
        return trained[0]
    names = ", ".join(file.relative_to(root).as_posix() for file in files)
    raise DataError(f"{root} holds several COCO files: {names}. Name one by itself")


class CocoFolder:
    """A folder with a file for each split, or with one alone.

    Images that the files share are test images alone. The test file is passed over where nothing would be
    left for training, and where its images are not there.

    Args:
        root: the folder.

    Raises:
        DataError: as :func:`find_coco`, or a file is none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = {split: find_coco(root, split) for split in SPLITS}
        self._shared, self._passed_over = frozenset[str](), ""
        self._is_whole = len(set(self._files.values())) == 1
        if not self._is_whole:
            train, test = (_image_files(*_identity(file)) for file in self._files.values() if file)
            self._shared, self._is_whole = train & test, train <= test or not test
            why = "are the training images" if test else "are not there"
            self._passed_over = f"the test images, of {self._files['test']}, {why}: they were passed over"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that hold different images."""
        return ("train",) if self._is_whole else SPLITS

    def open(self, split: Split, classes: Sequence[str] | None = None) -> Dataset:
        """Open the images of a split, or all of them where nothing is set apart; see :func:`open_coco`."""
        file = self._files["train" if self._is_whole else split]
        assert file is not None, "whoever opens it has asked whether it reads"
        if self._is_whole:
            dataset = open_coco(file, classes=classes)
            return replace(dataset, notes=(*dataset.notes, *filter(None, [self._passed_over])))
        return open_coco(file, classes=classes, without=self._shared if split == "train" else frozenset())


def open_coco(
    file: Path, *, classes: Sequence[str] | None = None, without: Collection[str] = frozenset()
) -> Dataset:
    """Open the images that a COCO file lists. Groups of objects (``iscrowd``) count as difficult.

    The images are searched where tools put them: beside the file, in ``images`` or ``data`` beside it or
    above, or above in a folder that is named like the file (``annotations/instances_val.json`` and ``val/``).

    Args:
        file: the JSON file.
        classes: the classes that there are. Default: its categories, in the order of the file.
        without: files of images that are left out, for they are for testing.

    Raises:
        DataError: not a COCO file, its images are in none of these places, or some are set apart by a key.
    """
    record = _read(file)
    names = _categories(file, record["categories"])
    images: dict[Key, str] = {}
    sizes: dict[Key, Size | None] = {}
    answered: set[Key] = set()
    columns = Columns(("id", "file_name", "width", "height", "license"))
    paths: dict[str, int] = {}
    for n, image in enumerate(record["images"], start=1):
        columns.see(image)
        id, name = image.get("id"), image.get("file_name")
        if not _is_key(id) or not isinstance(name, str) or not name:
            raise DataError(f"{file}: image {n} needs an 'id' and a 'file_name', got {shown(image)}")
        if id in images:
            raise DataError(f"{file}: image {n} has the id {shown(id)}, which another has already")
        path = name.replace("\\", "/")
        if (place := posixpath.normpath(path)) in paths:  # a path in two spellings is one image
            raise DataError(f"{file}: image {n} has the file_name of image {paths[place]}, {shown(name)}")
        if "\0" in path:
            raise DataError(
                f"{file}: image {n} has the file_name {shown(name)}, which holds the character NUL"
            )
        images[id], paths[place] = path, n
        sizes[id] = stated_size(image.get("width"), image.get("height"))
        if image.get(ANSWERED) is True:
            answered.add(id)
    if not images:
        raise DataError(f"{file}: lists no images")
    columns.refuse_splits(file, "images")
    objects: dict[Key, list[NamedObject]] = {id: [] for id in images}
    for n, each in enumerate(record["annotations"], start=1):
        id = each.get("image_id")
        if not _is_key(id) or id not in objects:
            raise DataError(f"{file}: annotation {n} is of the image {shown(id)}, which is not listed")
        objects[id].append(_object(n, each, names))
    _refuse_corners(file, record["annotations"])
    root = _image_root(file, list(images.values()))
    place = root.resolve().as_posix()
    shared = [id for id, path in images.items() if without and _file_of(place, path) in without]
    for id in shared:
        del images[id]
    pool = FolderPool(root, list(images.values()), channels=3)
    annotations = [
        Annotation(path, f"{file.name}, {path}", objects[id], drawn_on=sizes[id])
        for id, path in images.items()
    ]
    known = list(dict.fromkeys(names.values())) if classes is None else classes
    unsaid = [path for id, path in images.items() if not objects[id] and id not in answered]
    notes = [f"read as a COCO file, {file.name}", *_of_one_name(names)]
    if shared:
        notes.append(f"{count_of(len(shared), 'test image')} among the training images taken out")
    if unsaid:
        of = count_of(len(images), "image has", "images have")
        notes.append(f"{len(unsaid):,} of {of} no annotation: taken for empty ones")
    return as_dataset(file.stem, pool, annotations, known, notes=notes, unsaid=unsaid)


def _is_key(id: object) -> TypeGuard[Key]:
    return isinstance(id, int | float | str) and not isinstance(id, bool)


def _categories(file: Path, records: Sequence[dict[str, Any]]) -> dict[Key, str]:
    """The class of each category; two may be of one class."""
    names: dict[Key, str] = {}
    for n, each in enumerate(records, start=1):
        id, name = each.get("id"), each.get("name")
        if not _is_key(id):
            raise DataError(f"{file}: category {n} needs an 'id', got {shown(each)}")
        problem = class_name_problem(name)
        if problem is not None or not isinstance(name, str):
            raise DataError(f"{file}: category {n} has the name {shown(name)}, which {problem}")
        if names.setdefault(id, name) != name:
            raise DataError(f"{file}: category {n} has the id {shown(id)}, which {names[id]!r} has already")
    return names


def _of_one_name(names: dict[Key, str]) -> list[str]:
    """What is said of categories that were taken for one class, for they have one name."""
    ids: dict[str, list[Key]] = {}
    for id, name in names.items():
        ids.setdefault(name, []).append(id)
    return [
        f"categories {', '.join(map(shown, same))} have one name, {shown(name)}: taken for one class"
        for name, same in ids.items()
        if len(same) > 1
    ]


def _object(n: int, record: dict[str, Any], names: dict[Key, str]) -> NamedObject:
    where = f"annotation {n}"
    category = record.get("category_id")
    if not _is_key(category) or category not in names:
        return NamedObject(where, problem=f"has the category {shown(category)}, which is not listed")
    box = record.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return NamedObject(where, problem=f"bbox is {shown(box)}, not [x, y, width, height]")
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in box):
        return NamedObject(where, problem=f"bbox is {shown(box)}, not four numbers")
    if any(abs(value) > _LARGEST for value in box):
        return NamedObject(where, problem=f"bbox is {shown(box)}, beyond any image")
    if (mode := record.get("bbox_mode")) not in (None, 1, "XYWH_ABS", "BoxMode.XYWH_ABS"):
        return NamedObject(
            where, problem=f"bbox_mode is {shown(mode)}, and COCO's boxes are XYWH_ABS, which is 1"
        )
    x, y, width, height = box
    if not (width > 0 and height > 0):
        return NamedObject(where, problem=f"the box has no area: it is {width:g} wide and {height:g} high")
    attributes = record.get("attributes")
    turned = attributes.get("rotation", 0) if isinstance(attributes, dict) else 0
    if not isinstance(turned, int | float) or min(turned % 360, -turned % 360) > TURN:
        return NamedObject(
            where, problem=f"the box is turned by {shown(turned)} degrees; ncenet's are upright"
        )
    crowd = yes_or_no(record.get("iscrowd"))
    if crowd is None:
        return NamedObject(where, problem=f"iscrowd is {shown(record['iscrowd'])}, not 0 or 1")
    return NamedObject(where, (x, y, x + width, y + height), names[category], crowd)


def _read(file: Path) -> dict[str, Any]:
    record = read_json(file)
    for key in _KEYS:
        rows = record.get(key) if isinstance(record, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f"{file}: not a COCO file: {key!r} is no list of records")
    return dict(record)


def _json_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.glob("*")):
        if file.suffix.lower() == ".json" and file.is_file() and not is_hidden(file.name):
            yield file


def _identity(file: Path) -> tuple[Path, int, int]:
    about = file.stat()
    return file, about.st_mtime_ns, about.st_size


@functools.lru_cache(maxsize=256)
def _is_coco(file: Path, changed: int, size: int) -> bool:
    """Whether a file is one, also a broken one; a file that has no more than a word in common is none.

    Args:
        file: the file.
        changed: when; with the size this keeps an answer as long as it holds.
        size: in bytes. Of a file of hundreds of megabytes the beginning has to do.
    """
    try:
        head = read_head(file, _HEAD)
    except OSError:
        return False
    text = head.decode(encoding_of(head), errors="replace").lstrip("\ufeff \r\n\t")
    if not text.startswith("{") or _BEGINS.search(text) is None:
        return False
    if size > _WHOLE:
        return True
    try:
        record = read_json(file)
    except DataError:
        return True  # whoever opens it says what is wrong
    return all(isinstance(record.get(key), list) for key in ("images", "annotations"))


def _refuse_corners(file: Path, records: Sequence[dict[str, Any]]) -> None:
    """Refuse boxes that are corners, x1, y1, x2, y2, where the areas beside them say so, all alike."""
    found = None
    for each in records:
        box, area = each.get("bbox"), each.get("area")
        if not (isinstance(box, list) and len(box) == 4 and _is_amount(area) and all(map(_is_amount, box))):
            continue
        x, y, third, fourth = box
        if (
            abs(area - third * fourth) <= _AREA * area
            or abs(area - (third - x) * (fourth - y)) > _AREA * area
        ):
            return
        found = found or each
    if found is not None:
        raise DataError(
            f"{file}: bbox is [x, y, width, height], and the areas beside them are those of corners: "
            f"{shown(found['bbox'])} with the area {found['area']:g}; subtract x and y from the last two"
        )


def _is_amount(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LARGEST**2


@functools.lru_cache(maxsize=4)
def _image_files(file: Path, changed: int, size: int) -> frozenset[str]:
    """The image files that a COCO file lists, none where they are nowhere; see :func:`_is_coco`."""
    names = [image.get("file_name") for image in _read(file)["images"]]
    paths = [name.replace("\\", "/") for name in names if isinstance(name, str) and "\0" not in name]
    counts = _counts(file, paths)
    root = max(counts, key=counts.__getitem__).resolve().as_posix()
    return frozenset(_file_of(root, path) for path in paths) if any(counts.values()) else frozenset()


def _file_of(root: str, path: str) -> str:
    return posixpath.normpath(f"{root}/{path}")


def _words(file: Path, root: Path) -> set[str]:
    """Words of the name of a file, and of its folder when that is one of a split."""
    folder = "" if file.parent in (root, root / "annotations") else file.parent.name
    return set(re.findall("[a-z]+", f"{folder} {file.stem}".lower()))


def _image_root(file: Path, paths: Sequence[str]) -> Path:
    """The place where most of the first images are."""
    counts = _counts(file, paths)
    if not any(counts.values()):
        searched = ", ".join(map(str, counts))
        raise DataError(f"{file}: the image {shown(paths[0])} is in none of {searched}")
    return max(counts, key=counts.__getitem__)


def _counts(file: Path, paths: Sequence[str]) -> dict[Path, int]:
    """How many of the first images are in each place where tools put them; the likeliest place first."""
    above = file.parent.parent
    last_word = file.stem.rpartition("_")[2]
    places = [file.parent, file.parent / "images", file.parent / "data"]
    for folder in (above, file.parent):  # below each, a folder that is called like the file
        places += [folder / last_word, folder / "images" / last_word, folder / file.stem]
    places += [above / "images", above / "data", above]
    looked_at = paths[:_LOOKED_AT]
    return {place: sum((place / path).is_file() for path in looked_at) for place in places}

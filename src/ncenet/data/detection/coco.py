"""COCO: one JSON file for all images, with boxes (x, y, width, height) in pixels from 0."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ncenet.box_gate import Size
from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.annotations import Annotation, Found, as_dataset, stated_size, yes_or_no
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError

_KEYS = ("images", "annotations", "categories")
_WORDS = {"train": ("train",), "test": ("test", "val")}
_LOOKED_AT = 16


def find_coco(root: Path, split: Split) -> Path | None:
    """The COCO file of a folder: in it, or in its folder ``annotations``; the one whose name has the split.

    Raises:
        DataError: several files are there, and no one has the split in its name.
    """
    files = [
        file
        for file in sorted([*root.glob("*.json"), *(root / "annotations").glob("*.json")])
        if _looks_like_coco(file)
    ]
    if len(files) < 2:
        return files[0] if files else None
    for word in _WORDS[split]:
        named = [file for file in files if word in file.stem.lower()]
        if len(named) == 1:
            return named[0]
    names = ", ".join(file.relative_to(root).as_posix() for file in files)
    raise DataError(f"{root} holds several COCO files: {names}. Name one by itself")


def open_coco(file: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """Open the images that a COCO file lists. Groups of objects (``iscrowd``) count as difficult.

    The images are searched where tools put them: beside the file, in ``images`` beside it or above, or above
    in a folder that is named like the file (``annotations/instances_val.json`` and ``val/``).

    Args:
        file: the JSON file.
        classes: the classes that there are. Default: its categories, in the order of the file.

    Raises:
        DataError: not a COCO file, or its images are in none of these places.
    """
    record = _read(file)
    names = {each.get("id"): str(each.get("name", "")) for each in record["categories"]}
    images: dict[Any, str] = {}
    sizes: dict[Any, Size | None] = {}
    for n, image in enumerate(record["images"], start=1):
        if image.get("id") is None or not isinstance(image.get("file_name"), str) or not image["file_name"]:
            raise DataError(f"{file}: image {n} needs an 'id' and a 'file_name', got {image!r}")
        if image["id"] in images:
            raise DataError(f"{file}: image {n} has the id {image['id']!r}, which another has already")
        images[image["id"]] = image["file_name"].replace("\\", "/")
        sizes[image["id"]] = stated_size(image.get("width"), image.get("height"))
    if not images:
        raise DataError(f"{file}: lists no images")
    objects: dict[Any, list[Found]] = {id: [] for id in images}
    for n, each in enumerate(record["annotations"], start=1):
        if each.get("image_id") not in objects:
            raise DataError(
                f"{file}: annotation {n} is of the image {each.get('image_id')!r}, which is not listed"
            )
        objects[each["image_id"]].append(_object(n, each, names))
    root = _image_root(file, list(images.values()))
    pool = FolderPool(root, list(images.values()), channels=3)
    annotations = [
        Annotation(path, file.name, objects[id], drawn_on=sizes[id]) for id, path in images.items()
    ]
    known = list(dict.fromkeys(names.values())) if classes is None else classes
    return as_dataset(file.stem, pool, annotations, known)


def _object(n: int, record: dict[str, Any], names: dict[Any, str]) -> Found:
    where = f"annotation {n}"
    if record.get("category_id") not in names:
        return Found(where, problem=f"has the category {record.get('category_id')!r}, which is not listed")
    box = record.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return Found(where, problem=f"bbox is {box!r}, not [x, y, width, height]")
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in box):
        return Found(where, problem=f"bbox is {box!r}, not four numbers")
    x, y, width, height = box
    if not (width > 0 and height > 0):
        return Found(where, problem=f"the box has no area: it is {width:g} wide and {height:g} high")
    crowd = yes_or_no(record.get("iscrowd"))
    if crowd is None:
        return Found(where, problem=f"iscrowd is {record['iscrowd']!r}, not 0 or 1")
    return Found(where, (x, y, x + width, y + height), names[record["category_id"]], crowd)


def _read(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file}: not JSON: {error}") from error
    for key in _KEYS:
        rows = record.get(key) if isinstance(record, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f"{file}: not a COCO file: {key!r} is no list of records")
    return dict(record)


def _looks_like_coco(file: Path) -> bool:
    """Whether a file begins like one; whole files may have a hundred megabytes."""
    with file.open(encoding="utf-8", errors="replace") as text:
        start = text.read(65_536)
    return start.lstrip("\ufeff \r\n\t").startswith("{") and any(
        f'"{key}"' in start for key in (*_KEYS, "info")
    )


def _image_root(file: Path, paths: Sequence[str]) -> Path:
    """The place where most of the first images are."""
    above = file.parent.parent
    last_word = file.stem.rpartition("_")[2]
    places = [file.parent, file.parent / "images", above / last_word, above / "images" / last_word]
    places += [above / "images", above]
    looked_at = paths[:_LOOKED_AT]
    counts = [sum((place / path).is_file() for path in looked_at) for place in places]
    if not any(counts):
        searched = ", ".join(dict.fromkeys(str(place) for place in places))
        raise DataError(f"{file}: the image {paths[0]!r} is in none of {searched}")
    return places[counts.index(max(counts))]

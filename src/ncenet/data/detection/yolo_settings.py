"""What stands beside YOLO's labels: the names of the classes, and which images are for training.

``data.yaml`` says both (as Ultralytics has it: a folder, a list of image files, or several of these for each
split), ``obj.data`` with ``obj.names`` does in CVAT's and Darknet's form, ``classes.txt`` has names alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ncenet.class_names import check_class_names
from ncenet.data.folders import SUFFIXES
from ncenet.errors import DataError
from ncenet.text_files import is_hidden, parse_yaml, read_text

SETTINGS = ("data.yaml", "data.yml", "dataset.yaml", "obj.data", "data/obj.data", "cfg/obj.data")
NAMES = ("classes.txt", "labels/classes.txt", "obj.names", "_darknet.labels", "train/_darknet.labels")
SPLITS = {"train": ("train",), "test": ("test", "val", "valid", "validation")}
LISTS = ("{}.txt", "autosplit_{}.txt")
"""Names of lists of the images of a split."""
_OWN_LINE = re.compile(r"^(\{\s*)?[\"']?(names|train)[\"']?\s*[:=]", re.MULTILINE | re.IGNORECASE)
_NOTHING = ("", "~", "null", "Null", "NULL")


class Settings(NamedTuple):
    """What a data set says of itself.

    Attributes:
        root: the folder that holds all of it.
        file: where the splits stand, for messages; None when nothing names them.
        names: of the classes.
        stated: what stands there of each split, by the word for it: paths of folders or lists.
    """

    root: Path
    file: Path | None
    names: tuple[str, ...]
    stated: Mapping[str, tuple[str, ...]]


def settings_file(root: Path) -> Path | None:
    """The file of a folder that says what YOLO wants to know; another of that name is none."""
    files = [root / name for name in SETTINGS if (root / name).is_file()]
    texts = {file: text for file in files if _OWN_LINE.search(text := read_text(file))}
    if not texts:  # by another name, where it says both
        others = [file for file in sorted(root.glob("*.y*ml")) if {"names", "train"} <= _own_words(file)]
        texts = {file: read_text(file) for file in others}
    if len(set(texts.values())) > 1:
        both = " and ".join(file.name for file in texts)
        raise DataError(f"{root}: {both} say different things: name the one that counts, or remove the other")
    return next(iter(texts), None)


def _is_list(file: Path) -> bool:
    """Whether a text names image files, one a line."""
    if not file.is_file():
        return False
    lines = [line.strip() for line in read_text(file).split("\n") if line.strip()]
    return bool(lines) and all(PurePosixPath(line).suffix.lower() in SUFFIXES for line in lines)


def _own_words(file: Path) -> set[str]:
    """Which of the words that say something a YAML file has, that may be about something else."""
    if is_hidden(file.name) or not file.is_file():
        return set()
    try:
        return {found[2].lower() for found in _OWN_LINE.finditer(read_text(file))}
    except DataError:
        return set()


def has_names(root: Path) -> bool:
    """Whether a list of names of classes lies in a folder."""
    return any((root / name).is_file() for name in NAMES)


def read_settings(path: Path) -> Settings:
    """Read what a folder, or one of the files named above, says.

    Raises:
        DataError: the file can't be read, contradicts itself, or nothing names the classes.
    """
    folder, file = (path.parent, path) if path.is_file() else (path, settings_file(path))
    record: Mapping[str, Any] = {}
    if file is not None:
        record = _pairs(file) if file.suffix == ".data" else _yaml(file)
    stated = folder / str(record.get("path") or "")
    root = (stated if stated.is_dir() else folder).resolve()
    words = sum(SPLITS.values(), ())
    splits = {word: _paths(file, word, record[word]) for word in words if record.get(word)}
    if not splits:  # then lists that lie there say it
        lists = {
            word: name.format(word) for word in words for name in LISTS if _is_list(root / name.format(word))
        }
        splits = {word: (name,) for word, name in lists.items()}
    names = _names(root, file, record)
    return Settings(root, file, names, splits)


def within(root: Path, stated: str, *, beside: Path | None = None) -> PurePosixPath | None:
    r"""Where below the root a path leads that some tool wrote on some machine; None when nothing is there.

    ``../train/images`` and ``C:\pets\train\images`` are meant to be within the data set:
    what stands before the part that is there is left out, as long as two names are left, or one that nothing
    else has: that of a list, or of what lies in a folder with the root's name.

    Args:
        root: of the data set.
        stated: the path.
        beside: the folder of the file that states it, when that is another.
    """
    if "://" in stated:
        return None
    elsewhere = False
    for start in (beside or root, root):
        if (path := Path(os.path.normpath(start / stated))).exists():
            for real in (path, path.resolve()):
                if real.is_relative_to(root):
                    return PurePosixPath(real.relative_to(root).as_posix())
            elsewhere = True
    parts = [part for part in re.split(r"[/\\]", stated) if part not in ("", ".")]
    while parts and parts[0] == "..":
        parts = parts[1:]
    if not parts and stated.strip(" ./\\") == "":
        return PurePosixPath(".")
    for start in [beside, root] if beside is not None else [root]:
        for n in range(len(parts)):
            left = parts[n:]
            known = parts[n - 1].lower() == root.name.lower() or left[0].endswith((".txt", ".names"))
            if n and ((len(left) == 1 and not known) or elsewhere):
                break  # what is there as it stands, and outside, is what is meant
            place = start.joinpath(*left)
            if ".." not in left and place.exists():
                return PurePosixPath(place.relative_to(root).as_posix())
    return None


def _yaml(file: Path) -> Mapping[str, Any]:
    try:
        record = parse_yaml(read_text(file), words=True)
    except ValueError as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{file}: expected a mapping with names, train and val")
    return _in_small_letters(record.items(), file)


def _in_small_letters(pairs: Iterable[tuple[str, Any]], file: Path) -> dict[str, Any]:
    """A record whose keys are found in whatever case; YAML's words for nothing are nothing."""
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key.lower() in record:
            raise DataError(f"{file}: {key} stands there twice")
        record[key.lower()] = None if value in _NOTHING else value
    return record


def _pairs(file: Path) -> Mapping[str, Any]:
    """Lines ``key = value``; what YAML calls nc is classes there."""
    lines = [line.partition("=") for line in read_text(file).splitlines()]
    pairs = ((key.strip(), value.strip()) for key, equals, value in lines if equals)
    record = _in_small_letters(pairs, file)
    if isinstance(names := record.pop("names", None), str):
        place = within(file.parent.resolve(), names)
        if place is None:
            raise DataError(f"{file}: the names of the classes, {names!r}, are not there")
        record["names_file"] = str(file.parent / place)
    return record


def _paths(file: Path | None, word: str, value: object) -> tuple[str, ...]:
    paths = value if isinstance(value, list) else [value]
    if not all(isinstance(path, str) and path for path in paths):
        raise DataError(f"{file}: {word} is {value!r}: expected a folder, a list of image files, or several")
    return tuple(paths)


def _names(root: Path, file: Path | None, record: Mapping[str, Any]) -> tuple[str, ...]:
    stated = record.get("names")
    if isinstance(stated, dict):
        try:
            numbered = {int(number): name for number, name in stated.items()}
        except ValueError:
            numbered = {}
        if len(numbered) < len(stated) or set(numbered) != set(range(len(numbered))):
            raise DataError(f"{file}: names are numbered {', '.join(stated)}: expected 0, 1, 2 and so on")
        stated = [numbered[n] for n in range(len(numbered))]
    if stated:
        if not isinstance(stated, list):
            raise DataError(f"{file}: names is {stated!r}: expected a list, such as [cat, dog]")
        count = record.get("nc") or ""
        if str(count).isdecimal() and int(count) != len(stated):
            raise DataError(f"{file}: nc is {count}, and there are {len(stated)} names: which is right?")
        return check_class_names(stated, str(file))
    listed = [Path(record["names_file"])] if "names_file" in record else [root / name for name in NAMES]
    lists = {each: _listed(each) for each in listed if each.is_file()}
    if not any(lists.values()):
        raise DataError(
            f"{root}: nothing names the classes: write them into classes.txt, one a line, "
            "or into data.yaml as names: [cat, dog], or name the .yaml file that has them"
        )
    (first, names), *others = lists.items()
    for other, different in others:
        if different != names:
            raise DataError(f"{first} and {other} name other classes: remove the one that isn't right")
    count = str(record.get("classes") or "")
    if file is not None and file.suffix == ".data" and count.isdecimal() and int(count) != len(names):
        raise DataError(f"{file}: classes is {count}, and {first} has {len(names)} names: which is right?")
    return names


def _listed(file: Path) -> tuple[str, ...]:
    """One name a line; a line left empty between two of them would shift the numbers."""
    lines = [line.strip() for line in read_text(file).rstrip().split("\n")]
    if lines == [""]:
        return ()
    return check_class_names(lines, str(file))

"""Images in folders: which files count, and which class a folder stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ncenet.errors import DataError
from ncenet.text_files import is_hidden

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib"),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".heic", ".heif"),
    )
)
"""Suffixes of image files, in any case. HEIC is found where nothing decodes it too, to be reported."""

_SPLIT = re.compile(
    r"(train|training|trainval|val|valid|validation|dev|eval|evaluation|test|testing|h[oe]ld[ _-]?out"
    r"|unlabell?ed)([ _.-]?(set|data|images|split))?[ _.-]?\d*",
    re.IGNORECASE,
)
"""Folder names that are splits of a data set, and no classes."""


def find_images(root: Path) -> list[str]:
    """Paths of the image files below a folder, relative to it with ``/``, sorted.

    A file counts by its suffix, so a broken image is found and can be reported. See :func:`files_below`.

    Raises:
        DataError: no image was found, a folder cannot be read, or a name is not valid text.
    """
    passed: list[str] = []
    found = list(files_below(root, SUFFIXES, passed=passed))
    if not found:
        others = f"; {len(passed)} other file(s), such as {min(passed)!r}, were passed over" if passed else ""
        raise DataError(
            f"{root}: no images in this folder{others}. Files count by suffix: {' '.join(sorted(SUFFIXES))}"
        )
    return found


def files_below(root: Path, suffixes: Collection[str], *, passed: list[str] | None = None) -> list[str]:
    """Paths of the files below a folder that have one of these suffixes, relative to it with ``/``, sorted.

    Hidden files and folders are passed over, and those that systems keep for themselves. Links are followed,
    except into a folder that they are in.

    Args:
        root: the folder.
        suffixes: in small letters; they count in any case.
        passed: gets the paths of the files with other suffixes.

    Raises:
        DataError: a folder cannot be read, or a name is not valid text.
    """
    others = [] if passed is None else passed
    return sorted(_walk(root, "", (os.path.realpath(root),), suffixes, others))


def _walk(
    folder: Path, prefix: str, inside: tuple[str, ...], suffixes: Collection[str], passed: list[str]
) -> Iterator[str]:
    """Files of one folder and those below; ``inside`` are the real folders on the way here."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    for entry in entries:
        if is_hidden(entry.name):
            continue
        path = prefix + entry.name
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if real not in inside:
                yield from _walk(Path(entry.path), path + "/", (*inside, real), suffixes, passed)
        # What is no regular file (a link that leads nowhere, a pipe) is found too: it has to be reported.
        elif PurePosixPath(entry.name).suffix.lower() in suffixes:
            try:
                path.encode("utf-8")
            except UnicodeEncodeError:
                raise DataError(
                    f"{folder}: the file name {entry.name!r} is not valid UTF-8: rename it"
                ) from None
            yield path
        else:
            passed.append(path)


def classes_of(root: Path, ids: Sequence[str]) -> dict[str, str] | None:
    """The class of each image by its first folder, or None when the folders are not classes.

    They are when every image lies in a folder of ``root`` (at any depth) and there are at least two of those.

    Raises:
        DataError: folders are the splits of a data set: two are called so (``train``, ``test``, ``val2017``),
            or one is and holds folders for classes itself; or the folders within the classes are.

    >>> classes_of(Path("pets"), ["cat/1.jpg", "dog/young/1.jpg"])
    {'cat/1.jpg': 'cat', 'dog/young/1.jpg': 'dog'}
    >>> classes_of(Path("photos"), ["1.jpg", "2.jpg"]) is None
    True
    """
    first = {id: id.partition("/")[0] for id in ids}
    folders = set(first.values())
    if not all("/" in id for id in ids) or len(folders) < 2:
        return None
    splits = sorted(folder for folder in folders if _SPLIT.fullmatch(folder))
    inside = {id.split("/")[1] if id.count("/") > 1 else "" for id in ids if first[id] in splits}
    if len(splits) > 1 or (splits and "" not in inside and len(inside) > 1):
        others = sorted(folders - set(splits))
        beside = f", beside {' and '.join(others)}" if others else ""
        raise DataError(
            f"{root} holds splits, not classes: {' and '.join(splits)}{beside}. Name each by itself, such as "
            f"{root / min(splits)}; if they are classes after all, rename the folders"
        )
    within = {id.split("/")[1] if id.count("/") > 1 else "" for id in ids}
    if len(within) > 1 and all(_SPLIT.fullmatch(name) for name in within):
        raise DataError(
            f"{root} holds splits within its classes: {' and '.join(sorted(within))}. Put each above its "
            f"classes, such as {root / min(within) / min(folders)}, and name one"
        )
    return first

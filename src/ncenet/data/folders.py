"""Images in folders: which files count, and which class a folder stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ncenet.counts import count_of
from ncenet.data.set_apart import split_of, splits_among
from ncenet.errors import DataError
from ncenet.files import COMPARISON_FILE, LEDGER_FILE
from ncenet.text_files import is_hidden

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib"),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".heic", ".heif"),
    )
)
"""Suffixes of image files, in any case. HEIC is found where nothing decodes it too, to be reported."""

_PICTURES = frozenset({"image", "img", "jpegimage", "photo", "picture"})
_BESIDE = frozenset(
    (
        *("mask", "label", "annotation", "ann", "gt", "groundtruth", "segmentation", "segmentationclas"),
        *("segmentationobject", "depth", "thumbnail", "thumb", "preview", "overlay"),
    )
)
"""Folders with the images of a data set, and what was made of them: no classes. Without a last s."""
_OURS = frozenset({LEDGER_FILE, COMPARISON_FILE})
_DRAWN = re.compile(r"curves\.png$|cycles/\d+/pictures/")
"""The figure that a report puts there, and the pictures of a detector."""
_SORTED = re.compile(r"sorted(-\d+)?/")
"""Where the page puts copies of the images in the folder of a run."""
_SHOWN = 4


def find_images(root: Path) -> list[str]:
    """Paths of the image files below a folder, relative to it with ``/``, sorted.

    A file counts by its suffix, so a broken image is found and can be reported. See :func:`files_below`.

    Raises:
        DataError: no image was found, a folder cannot be read, or a name is not valid text.
    """
    passed: list[str] = []
    found = list(files_below(root, SUFFIXES, passed=passed))
    if not found:
        if any((root / name).exists() for name in _OURS):
            raise DataError(f"{root}: no images in this folder, it is that of a run or comparison of ncenet")
        others = (
            f"; passed over: {count_of(len(passed), 'other file')}, such as {min(passed)!r}" if passed else ""
        )
        others += "".join(f"; {told}" for told in of_runs(root))
        raise DataError(
            f"{root}: no images in this folder{others}. Files count by suffix: {' '.join(sorted(SUFFIXES))}"
        )
    return found


def of_runs(root: Path) -> list[str]:
    """What is to be said of images that are passed over because they lie in the folder of a run; or nothing.

    Figures of reports, pictures of detectors and sorted copies don't count: nobody misses them.
    """
    runs: list[str] = []
    files_below(root, (), runs=runs)
    counts = {run: _count(root / run) for run in runs}
    folders = [run for run in runs if counts[run]]
    if not folders:
        return []
    held = next(name for name in sorted(_OURS) if (root / folders[0] / name).exists())
    others = f" and {count_of(len(folders) - 1, 'other folder')}" if len(folders) > 1 else ""
    images = f"{count_of(sum(counts.values()), 'image')} in {folders[0]}{others}"
    return [
        f"{images} passed over: with {held} in it, that is the folder of a run or comparison; move images "
        "that belong to the pool out of it"
    ]


def _count(run: Path) -> int:
    """Images that a run has not put into its folder itself; 0 while it is at work and can't be read."""
    try:
        return sum(not _SORTED.match(path) for path in files_below(run, SUFFIXES))
    except DataError:
        return 0


def files_below(
    root: Path,
    suffixes: Collection[str],
    *,
    passed: list[str] | None = None,
    runs: list[str] | None = None,
) -> list[str]:
    """Paths of the files below a folder that have one of these suffixes, relative to it with ``/``, sorted.

    Hidden files and folders are passed over, and those that systems keep for themselves. So is what a run or
    comparison has written among the images: figures and sorted copies are none of them; see :func:`of_runs`.
    Links are followed, except into a folder that they are in.

    Args:
        root: the folder.
        suffixes: in small letters; they count in any case.
        passed: gets the paths of the files with other suffixes.
        runs: gets the paths of the folders of runs and comparisons.

    Raises:
        DataError: a folder cannot be read, or a name is not valid text.
    """
    others, left = [] if passed is None else passed, [] if runs is None else runs
    found = sorted(_walk(root, "", (os.path.realpath(root),), suffixes, others, left))
    ours = any((root / name).exists() for name in _OURS)
    return [path for path in found if not (ours and _DRAWN.match(path))]


def _walk(
    folder: Path,
    prefix: str,
    inside: tuple[str, ...],
    suffixes: Collection[str],
    passed: list[str],
    runs: list[str],
) -> Iterator[str]:
    """Files of one folder and those below; ``inside`` are the real folders on the way here."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    if prefix and not _OURS.isdisjoint(entry.name for entry in entries):
        runs.append(prefix.removesuffix("/"))
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        path = prefix + entry.name
        if _is_folder(entry):
            real = os.path.realpath(entry.path)
            if real not in inside:
                yield from _walk(Path(entry.path), path + "/", (*inside, real), suffixes, passed, runs)
        # What is no regular file (a link that leads nowhere, a pipe) is found too: it has to be reported.
        elif suffixes and PurePosixPath(entry.name).suffix.lower() in suffixes:
            try:
                path.encode("utf-8")
            except UnicodeEncodeError:
                raise DataError(
                    f"{folder}: the file name {entry.name!r} is not valid UTF-8: rename it"
                ) from None
            yield path
        else:
            passed.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is one or leads to one; False when the system can't say, as of a link in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def classes_of(root: Path, ids: Sequence[str]) -> dict[str, str] | None:
    """The class of each image by its first folder, or None when the folders are not classes.

    They are when every image lies in a folder of ``root`` (at any depth) and there are at least two of those.

    Raises:
        DataError: folders are the splits of a data set, at whatever depth: two are called so (``train``,
            ``test``, ``val2017``; ``seg_train``, ``seg_test``), or one is and holds folders for classes
            itself; or they hold images and what belongs to these, such as masks.

    >>> classes_of(Path("pets"), ["cat/1.jpg", "dog/young/1.jpg"])
    {'cat/1.jpg': 'cat', 'dog/young/1.jpg': 'dog'}
    >>> classes_of(Path("photos"), ["1.jpg", "2.jpg"]) is None
    True
    """
    first = {id: id.partition("/")[0] for id in ids}
    inside = _inside({id.rpartition("/")[0] for id in ids})
    are_classes = len(inside[""]) > 1 and "" not in inside[""]
    if are_classes:
        _refuse_splits_within(root, inside)
    for folder, names in sorted(inside.items()):
        if splits := splits_among(names) or ([] if folder else _splits(inside)):
            others = sorted(names - {*splits, ""})
            more = " and others" if len(others) > _SHOWN else ""
            beside = f", beside {' and '.join(others[:_SHOWN])}{more}" if others else ""
            raise DataError(
                f"{root / folder} holds splits, not classes: {' and '.join(splits)}{beside}. Name each by "
                f"itself, such as {root / folder / min(splits)}; if they are classes after all, rename the "
                "folders"
            )
    if not are_classes:
        return None
    _refuse_pictures(root, inside[""])
    return first


def _inside(folders: Collection[str]) -> dict[str, set[str]]:
    """Names of the folders within each folder that images lie in or below; "" where it has images itself."""
    inside: dict[str, set[str]] = {"": set()}
    for folder in folders:
        above = ""
        for name in filter(None, folder.split("/")):
            inside[above].add(name)
            above = f"{above}/{name}".lstrip("/")
            inside.setdefault(above, set())
        inside[above].add("")
    return inside


def _splits(inside: Mapping[str, Collection[str]]) -> list[str]:
    """The first folders that are called like splits and nothing else, where they can't be classes."""
    splits = sorted(name for name in inside[""] if _is_split(name))
    if len(splits) == 1 and "" not in inside[""]:
        below = inside[splits[0]]
        return splits if "" not in below and len(below) > 1 and len(inside[""]) > 1 else []
    return splits if len(splits) > 1 else []


def _refuse_splits_within(root: Path, inside: Mapping[str, Collection[str]]) -> None:
    within = {name for folder in inside[""] for name in inside[folder]}
    if len(within) > 1 and all(_is_split(name) for name in within):
        raise DataError(
            f"{root} holds splits within its classes: {' and '.join(sorted(within))}. Put each above its "
            f"classes, such as {root / min(within) / min(inside[''])}, and name one"
        )


def _refuse_pictures(root: Path, folders: Collection[str]) -> None:
    """Refuse images and what was made of them as two classes."""
    pictures = sorted(folder for folder in folders if _word(folder) in _PICTURES)
    beside = sorted(folder for folder in folders if _word(folder) in _BESIDE)
    if pictures and beside:
        raise DataError(
            f"{root} holds images in {' and '.join(pictures)} and what belongs to them in "
            f"{' and '.join(beside)}, not classes: name {root / pictures[0]}; if they are classes after all, "
            "rename the folders"
        )


def _word(folder: str) -> str:
    return folder.lower().replace("_", "").removesuffix("s")


def _is_split(name: str) -> bool:
    found = split_of(name)
    return found is not None and not found[1]

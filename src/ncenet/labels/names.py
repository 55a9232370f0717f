"""File names for ids and classes, whatever characters they have, that every file system takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath

_FORBIDDEN = frozenset('<>:"\\|?*%/')
"""On some system; ``%`` because it marks what was replaced."""
_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)))
)
_LONGEST = 200
"""Bytes of one name; file systems take 255 (ours)."""


def file_name(text: str) -> str:
    """One name for a file or folder; unless it is long, :func:`urllib.parse.unquote` gives back the text.

    Characters that some system refuses are percent-encoded, so are a leading dot and trailing dots and
    blanks. A text of more than 200 bytes is cut, and a hash of the whole put behind it.

    >>> file_name("cat"), file_name("a/b: 5 %"), file_name("..")
    ('cat', 'a%2Fb%3A 5 %25', '%2E%2E')
    >>> from urllib.parse import unquote
    >>> unquote(file_name("a/b: 5 %"))
    'a/b: 5 %'
    """
    if text.partition(".")[0].upper() in _DEVICES:
        return _encoded(text[:1]) + file_name(text[1:])
    end = len(text.rstrip(". "))
    name = "".join(
        _encoded(c)
        if c in _FORBIDDEN or ord(c) < 32 or c == "\x7f" or i >= end or (i == 0 and c == ".")
        else c
        for i, c in enumerate(text)
    )
    if len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return name.encode()[: _LONGEST - 20].decode(errors="ignore").rstrip(". ") + "~" + digest


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """A folder for each class; two classes never share one, also where case makes no difference.

    >>> folder_names(["cat", "Cat", "dog"])
    {'cat': 'cat', 'Cat': '%43%61%74', 'dog': 'dog'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        folder = file_name(name)
        if folder.casefold() in taken:
            folder = _encoded(name)
        taken.add(folder.casefold())
        found[name] = folder
    return found


def image_path(id: str) -> str:
    """A path for an image below some folder: that of its id, made harmless.

    >>> image_path("2024/june/1.jpg"), image_path("../a.jpg"), image_path("/a.jpg")
    ('2024/june/1.jpg', '%2E%2E/a.jpg', '%2F/a.jpg')
    """
    return "/".join(file_name(part) if part else "%2F" for part in id.split("/"))


def distinct_paths(paths: dict[str, str]) -> dict[str, str]:
    """The same paths by id, except that no two are equal where case makes no difference.

    >>> distinct_paths({"a.jpg": "a.jpg", "A.jpg": "A.jpg"})
    {'a.jpg': 'a.jpg', 'A.jpg': 'A~2.jpg'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for id, path in paths.items():
        stem, dot, suffix = path.rpartition(".")
        candidate, number = path, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem}~{number}{dot}{suffix}" if dot else f"{path}~{number}"
        taken.add(candidate.casefold())
        found[id] = candidate
    return found


def flat_names(paths: dict[str, str]) -> dict[str, str]:
    """One file name for each path, by id: no folders, no blanks, and no two alike but for their suffix.

    What would be longer than 200 bytes keeps its end, with a hash of the whole before it.

    For forms that keep the annotation of an image under its name with another suffix.

    >>> flat_names({"1": "a/b c.jpg", "2": "x.png", "3": "X.jpg"})
    {'1': 'a%2Fb%20c.jpg', '2': 'x.png', '3': 'X~2.jpg'}
    """
    split = {id: PurePosixPath(_flat(path)) for id, path in paths.items()}
    stems = distinct_paths({id: name.stem for id, name in split.items()})
    return {id: stems[id] + name.suffix for id, name in split.items()}


def _flat(path: str) -> str:
    name = "".join(_encoded(c) if c == "/" or c.isspace() else c for c in path)
    if len(name.encode()) <= _LONGEST:
        return name
    # The end tells images apart for people, and its suffix says that this is one; the hash tells all apart.
    digest = hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
    return f"{digest}~{name.encode()[-_LONGEST + 20 :].decode(errors='ignore')}"


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())

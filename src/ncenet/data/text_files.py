"""Text as tools write it: in UTF-8, or in another encoding whose mark stands at its beginning."""

from __future__ import annotations

import codecs
import json
import os
import stat
from pathlib import Path
from typing import Any

from ncenet.errors import DataError

MOST_BYTES = 1_000_000_000
"""Largest list or file of annotations that is read (ours); those of COCO have half as many."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_KEPT = frozenset(
    {"@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found", "System Volume Information"}
)
"""Folders of network drives, Windows and macOS, with thumbnails or what was thrown away."""


def read_whole(file: Path, *, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file.

    Args:
        file: where; links are followed.
        most: bytes; a larger file is not read.

    Raises:
        OSError: it can't be read; is a folder, a device or a pipe, from which a read might never come back;
            or is too large. ``strerror`` is the reason.
    """
    _check_regular(file.stat(), most)  # a device is not even opened: some act on it
    # Without O_NONBLOCK to open a pipe, which may have come there meanwhile, is to wait for its other end.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as data:
        _check_regular(os.fstat(descriptor), most)
        return data.read(most)


def read_head(file: Path, size: int = 4096) -> bytes:
    """The first bytes of a regular file.

    Raises:
        OSError: as for :func:`read_whole`.
    """
    _check_regular(file.stat(), None)
    with file.open("rb") as data:
        return data.read(size)


def _check_regular(about: os.stat_result, most: int | None) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(None, "is a folder")
    if not stat.S_ISREG(about.st_mode):
        raise OSError(None, "is no regular file, but a device or a pipe")
    if most is not None and about.st_size > most:
        raise OSError(None, f"has {about.st_size / 1e6:,.0f} MB, more than {most / 1e6:,.0f}")


def read_text(file: Path) -> str:
    """The text of a file, without a mark of its encoding at the beginning.

    Raises:
        DataError: it can't be read, or is no text.
    """
    try:
        data = read_whole(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode(encoding_of(data))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not text in {error.encoding}: {error.reason} at byte {error.start}"
        ) from error
    if "\0" in text:
        raise DataError(f"{file}: not text: it holds the character NUL")
    return text


def encoding_of(data: bytes) -> str:
    """The encoding that the first bytes of a text name; UTF-8 when they name none.

    JSON and XML from Windows come in UTF-16, sometimes without a mark: then every other byte is 0.

    >>> encoding_of(b"{}"), encoding_of("{}".encode("utf-16-le"))
    ('utf-8', 'utf-16-le')
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if len(data) >= 4 and data[:1] != b"\0" and data[1:2] == data[3:4] == b"\0" != data[2:3]:
        return "utf-16-le"
    if len(data) >= 4 and data[1:2] != b"\0" and data[:1] == data[2:3] == b"\0" != data[3:4]:
        return "utf-16-be"
    return "utf-8"


def read_json(file: Path) -> Any:
    """What a JSON file holds; a key that stands twice in a record is a mistake.

    Raises:
        DataError: it can't be read, or is no JSON.
    """
    text = read_text(file)
    try:
        return json.loads(text, object_pairs_hook=_record)
    except RecursionError as error:
        raise DataError(f"{file}: nested too deeply for JSON that somebody wrote") from error
    except ValueError as error:  # of numbers with thousands of digits as well
        raise DataError(f"{file}: not JSON: {error}") from error


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]!r} stands twice in a record")
    return record


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that the system or a tool keeps to itself, such as ``._a.xml``.

    >>> is_hidden("._a.jpg"), is_hidden("@eaDir"), is_hidden("a.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name in _KEPT

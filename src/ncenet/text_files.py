"""Text as tools write it: in UTF-8, or in another encoding whose mark stands at its beginning.

JSON and YAML are read strictly: what somebody can't have meant is told in one line, never dropped.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import yaml

from ncenet.errors import DataError

MOST_BYTES = 1_000_000_000
"""Largest list or file of annotations that is read (ours); those of COCO have half as many."""
LONGEST_LINE = 100_000_000
"""Characters of a line of a table (ours); a million boxes of one image take half as many."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_OWN_PIPES = frozenset({Path("/dev/fd"), Path("/proc/self/fd")})
"""Where a shell puts what another program writes: ``ncenet import RUN <(program)``."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes half a character; most have their other half behind."""
_KEPT = frozenset(
    {"@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found", "System Volume Information"}
)
"""Folders of network drives, Windows and macOS, with thumbnails or what was thrown away."""


def read_whole(file: Path, *, most: int | None = MOST_BYTES) -> bytes:
    """The bytes of a regular file.

    Args:
        file: where; links are followed.
        most: bytes; a larger file is not read. None for any.

    Raises:
        OSError: it can't be read; is a folder, a device or a pipe, from which a read might never come back;
            or is too large. ``strerror`` is the reason.
    """
    _check_regular(file.stat(), most)  # a device is not even opened: some act on it
    # Without O_NONBLOCK to open a pipe, which may have come there meanwhile, is to wait for its other end.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as data:
        _check_regular(os.fstat(descriptor), most)
        return data.read() if most is None else data.read(most)


def read_head(file: Path, size: int = 4096) -> bytes:
    """The first bytes of a regular file.

    Raises:
        OSError: as for :func:`read_whole`.
    """
    check_regular(file)
    with file.open("rb") as data:
        return data.read(size)


def check_regular(file: Path, *, most: int | None = None) -> None:
    """Make sure that a library which reads by itself waits for no pipe, and reads no device.

    Raises:
        OSError: as for :func:`read_whole`.
    """
    _check_regular(file.stat(), most)


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
            f"{file}: not text in {error.encoding.upper()}: {error.reason} at byte {error.start}"
        ) from error
    if "\0" in text:
        raise DataError(f"{file}: not text: it holds the character NUL")
    return text


@contextmanager
def open_text(file: Path, *, newline: str = "") -> Iterator[Iterator[str]]:
    """The lines of a table in UTF-8, however large it is; a file of holes is refused at its first line.

    Args:
        file: a regular file, or a pipe that somebody names on the command line.
        newline: as of :func:`open`.

    Raises:
        DataError: it cannot be read, is no text in UTF-8, or holds NUL or a line that is too long.
    """
    try:
        about = file.stat()
        if not (stat.S_ISFIFO(about.st_mode) and file.parent in _OWN_PIPES):
            _check_regular(about, None)
        with file.open(encoding="utf-8-sig", newline=newline) as text:
            yield _lines(text, file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not text in UTF-8: {error.reason} at byte {error.start}; save it as CSV UTF-8"
        ) from error


def _lines(text: TextIO, file: Path) -> Iterator[str]:
    """The lines one by one; a whole line is never asked for, which may be as long as the file."""
    for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), ""), start=1):
        if "\0" in line:
            raise DataError(f"{file}:{number} not text: it holds the character NUL")
        if len(line) == LONGEST_LINE:
            raise DataError(f"{file}:{number} a line has more than {LONGEST_LINE:,} characters")
        yield line


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
    return parse_json(read_text(file), file)


def parse_json(
    text: str,
    name: object,
    *,
    line: int | None = None,
    record: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
) -> Any:
    """What a text in JSON says.

    Args:
        text: all of it.
        name: of the file that it is from, for messages.
        line: on which it stands there, when it is one of many.
        record: makes a record of its pairs; None takes a key that stands twice for a mistake.

    Raises:
        DataError: it is no JSON, or none that can be kept: it is nested too deeply, has a number of thousands
            of digits, or half a character.
    """
    try:
        return load_json(text, record=record)
    except json.JSONDecodeError as error:
        raise DataError(f"{name}:{line or error.lineno} not JSON: {error.msg}") from error
    except ValueError as error:
        where = f"{name}:" if line is None else f"{name}:{line}"
        raise DataError(f"{where} not JSON: {error}") from error


def load_json(text: str, *, record: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> Any:
    """The same, for whoever knows more of the place.

    Raises:
        ValueError: why not, in one line.

    >>> load_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: the key 'a' stands twice in a record
    """
    try:
        said = json.loads(text, object_pairs_hook=record or _record)
    except RecursionError as error:
        raise ValueError("nested too deeply for what somebody wrote") from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "limit" in str(error) and "digits" in str(error):
            raise ValueError("holds a number of thousands of digits") from error
        raise
    if _HALF.search(text):
        try:
            json.dumps(said, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            before = error.object[max(0, error.start - 20) : error.start + 1]
            raise ValueError(f"holds half a character, at the end of {before!a}") from error
    return said


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]!r} stands twice in a record")
    return record


def parse_yaml(text: str, *, words: bool = False) -> Any:
    """What a text in YAML says.

    Args:
        text: one document.
        words: take every word for the text that stands there: no is no, and 010 is 010.

    Raises:
        ValueError: it is no YAML, or a key stands twice in it; one line, with the number of its own.

    >>> parse_yaml("names: [no, 010]"), parse_yaml("names: [no, 010]", words=True)
    ({'names': [False, 8]}, {'names': ['no', '010']})
    """
    try:
        return yaml.load(text, _Words if words else _Values)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{place}{str(error.problem or error.context).removeprefix('but ')}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError("nested too deeply for YAML that somebody wrote") from error


def _check_keys(node: yaml.MappingNode) -> None:
    keys: set[str] = set()
    for key in [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]:
        if key.value in keys:
            raise yaml.MarkedYAMLError(problem=f"{key.value} stands there twice", problem_mark=key.start_mark)
        keys.add(key.value)


class _Words(yaml.BaseLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A key that stands twice is a mistake."""
        _check_keys(node)
        return super().construct_mapping(node, deep)


class _Values(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A key that stands twice is a mistake."""
        _check_keys(node)
        return super().construct_mapping(node, deep)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that the system or a tool keeps to itself, such as ``._a.xml``.

    >>> is_hidden("._a.jpg"), is_hidden("@eaDir"), is_hidden("a.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name in _KEPT


def number(text: str) -> float | str:
    """A number if the text is one, else the text, for the message that names it.

    >>> number("1.5"), number("1_0")
    (1.5, '1_0')
    """
    try:
        return text if "_" in text else float(text)  # 1_0 is a number to Python alone
    except ValueError:
        return text

"""Messages of Arrow's stream format from whomever, looked at before they are unpacked.

Each buffer of a batch may be compressed by itself, and a few bytes may unpack to anything. How long a buffer
is then stands in front of it; where the buffers are is told by the message, a table of FlatBuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from ncenet.arrays import check_memory
from ncenet.errors import DataError
from ncenet.tables import pyarrow

BATCH, DICTIONARY = "record batch", "dictionary"
_HEADER, _DATA = 2, 1
"""Fields of a message and of a dictionary: what follows, and the batch of its values."""
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
"""Fields of a batch."""


class Found(NamedTuple):
    """A message of a stream.

    Attributes:
        at: where it begins.
        message: of pyarrow.
        rows: of a batch; 0 of any other.
    """

    at: int
    message: Any
    rows: int


def messages(file: Any, name: object) -> Iterator[Found]:
    """Those of a stream, from where its file is read next to its end.

    Args:
        file: of pyarrow, open.
        name: of it, for messages.

    Raises:
        DataError: one is broken, or doesn't fit into memory unpacked.
    """
    pa = pyarrow("reading Arrow files")
    while True:
        at = file.tell()
        try:
            message = pa.ipc.read_message(file)
        except EOFError:
            return
        yield Found(at, message, _checked(message, name))


def message_at(file: Any, at: int, name: object) -> Any:
    """The message at a place; see :func:`messages`."""
    file.seek(at)
    message = pyarrow("reading Arrow files").ipc.read_message(file)
    _checked(message, name)
    return message


def _checked(message: Any, name: object) -> int:
    """The rows of a batch whose buffers fit into memory."""
    if message.type not in (BATCH, DICTIONARY):
        return 0
    try:
        rows, size = _unpacked(message)
    except (struct.error, IndexError) as error:
        raise DataError(f"{name}: a message that is damaged: {error}") from error
    try:
        check_memory(size)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error
    return rows


def _unpacked(message: Any) -> tuple[int, int]:
    """Rows of a batch, and bytes of its buffers unpacked."""
    data, body = memoryview(message.metadata), memoryview(message.body or b"")
    batch = _table(data, _field(data, _table(data, 0), _HEADER))
    if message.type == DICTIONARY:
        batch = _table(data, _field(data, batch, _DATA))
    length, buffers = _field(data, batch, _LENGTH), _field(data, batch, _BUFFERS)
    rows = 0 if length is None else _number(data, "<q", length)
    if buffers is None or _field(data, batch, _COMPRESSION) is None:
        return rows, len(body)
    first = buffers + _number(data, "<I", buffers)
    size = 0
    for each in range(_number(data, "<I", first)):
        start, long = struct.unpack_from("<qq", data, first + 4 + 16 * each)
        unpacked = _number(body, "<q", start) if long else 0
        size += long if unpacked < 0 else unpacked  # less than none: this one is as it is
    return rows, size


def _field(data: memoryview, table: int, number: int) -> int | None:
    """Where a field of a table begins; None when it is left out."""
    fields = table - _number(data, "<i", table)
    place = 4 + 2 * number
    if place >= _number(data, "<H", fields):
        return None
    return table + offset if (offset := _number(data, "<H", fields + place)) else None


def _table(data: memoryview, at: int | None) -> int:
    """The table to which the offset at a place leads."""
    if at is None:
        raise IndexError("it holds no batch")
    return at + _number(data, "<I", at)


def _number(data: memoryview, form: str, at: int) -> int:
    if at < 0:
        raise IndexError("it points before its beginning")
    number: int = struct.unpack_from(form, data, at)[0]
    return number

"""WebDataset: tar files whose members of one stem are a sample, such as ``a/1.jpg`` and ``a/1.json``."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

from ncenet import addresses, stores
from ncenet.data.folders import SUFFIXES
from ncenet.data.images import MAX_BYTES
from ncenet.data.readers import readers
from ncenet.data.shard_files import ShardFile
from ncenet.data.shard_ids import NamedRows
from ncenet.data.shard_reader import ShardReader
from ncenet.errors import DataError
from ncenet.parquet_rows import WANTED_BYTES
from ncenet.tables import pyarrow
from ncenet.text_files import parse_json

KEY, JSON, CLASS, LABEL = "__key__", "json", "cls", "label"
BLOCK_BYTES = 16 * 2**20
"""Samples are read together up to so many bytes (ours)."""
LARGEST_HEADER = 1_000_000
"""Bytes of what stands in a tar file beside the members (ours): a name has thousands at most."""
_BUFFER = 8 * 2**20
_STEM = re.compile(r"((?:.*/|)[^./][^./]*)\.([^/]+)\Z")


class Member(NamedTuple):
    """Where the bytes of a part of a sample are; none where it is no file."""

    start: int
    size: int


class Sample(NamedTuple):
    """Members of one stem.

    Attributes:
        key: the stem.
        parts: by ending, without the dot.
    """

    key: str
    parts: dict[str, Member]


class _Headers:
    """A tar file of which headers are read: none has megabytes, whatever it says of itself."""

    def __init__(self, file: Any) -> None:
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, size: int) -> bytes:
        """That many bytes.

        Raises:
            tarfile.ReadError: they are more than a header has.
        """
        if size > LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        data: bytes = self._file.read(size)
        return data


class TarShard(ShardFile):
    """A tar file. Its columns are the endings of its members, ``__key__``, and the fields of its JSON.

    What columns there are is told by the first sample. Nothing is unpacked, and no name is a path.
    """

    key = KEY

    def __init__(self, address: str) -> None:
        self.address = address
        with self._opened() as file:
            self._check_end(file)
            first = next(self._samples(file), None)
            parts = {} if first is None else first.parts
            self.types = {KEY: "text", **dict.fromkeys(parts, "bytes")}
            self._fields: tuple[str, ...] = ()
            if first is not None and JSON in parts:
                told = self._json(first, file)
                self._fields = tuple(name for name in told if name not in self.types)
                self.types |= dict.fromkeys(self._fields, "text")
            self._by_class = CLASS in parts and LABEL not in self.types
            if self._by_class:
                self.types[LABEL] = "text"

    @cached_property
    def _index(self) -> list[Sample]:
        with self._opened() as file:
            return list(self._samples(file))

    @cached_property
    def _ends(self) -> list[int]:
        ends, size = [], 0
        for row, sample in enumerate(self._index):
            size += sum(member.size for member in sample.parts.values())
            if size >= BLOCK_BYTES or row == len(self._index) - 1:
                ends.append(row + 1)
                size = 0
        return ends

    @property
    def ends(self) -> Sequence[int]:
        """See :class:`ShardFile`; the headers of all members are read once."""
        return self._ends

    def read(self, block: int, columns: Sequence[str]) -> Any:
        """See :class:`ShardFile`."""
        start = self._ends[block - 1] if block else 0
        with self._opened() as file:
            return self._table(self._index[start : self._ends[block]], columns, file)

    def stream(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """See :class:`ShardFile`; in one pass, header by header."""
        with self._opened() as file, self._opened() as data:
            waiting: list[Sample] = []
            size = 0
            for sample in self._samples(file):
                waiting.append(sample)
                size += sum(member.size for member in sample.parts.values())
                if len(waiting) == rows or size >= WANTED_BYTES:
                    yield self._table(waiting, columns, data)
                    waiting, size = [], 0
            if waiting:
                yield self._table(waiting, columns, data)

    def image_column(self) -> str:
        """The one ending that is of images.

        Raises:
            DataError: there is none, or there are several.
        """
        found = [name for name in self.types if f".{name.rpartition('.')[2]}" in SUFFIXES]
        if len(found) != 1:
            what = f"several images, {', '.join(found)}" if found else "no image"
            raise DataError(
                f"{self.address}: a sample holds {what}; its parts are {', '.join(self.types)}"
                + ("; name one with `image_column`" if found else "")
            )
        return found[0]

    def row_ids(self, name: str) -> NamedRows:
        """See :class:`ShardFile`; the keys."""
        return NamedRows(f"{name}/", [sample.key for sample in self._index])

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with addresses.reading(self.address, handle=True) as source, stores.reasons(self.address):
            try:
                # Headers stand between the images: a store is asked for much at a time, not for each.
                yield io.BufferedReader(source, _BUFFER) if stores.is_remote(self.address) else source
            except tarfile.TarError as error:
                raise DataError(f"{self.address}: no tar file, or broken: {error}") from error

    def _check_end(self, file: Any) -> None:
        """Refuse a file that was cut short: a tar file ends with two blocks of zeros."""
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 1024))
        if size < 1024 or file.read(1024) != bytes(1024):
            raise DataError(f"{self.address}: ends without the mark of an end: cut short, or no tar file")
        file.seek(0)

    def _samples(self, file: Any) -> Iterator[Sample]:
        """Samples in their order; the bytes of members are not read."""
        file.seek(0)
        headers: Any = _Headers(file)
        with tarfile.open(fileobj=headers, mode="r:") as archive:
            seen: set[str] = set()
            sample: Sample | None = None
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # nothing is looked up by name
                stem = _STEM.match(self._name(member))
                if stem is None or not (member.isreg() or member.issym() or member.islnk()):
                    continue
                key, ending = stem[1], stem[2].lower()
                if sample is None or sample.key != key:
                    if sample is not None:
                        yield sample
                    if key in seen:
                        raise DataError(
                            f"{self.address}: the sample {key!r} is there twice, or its members stand apart, "
                            f"at {member.name}: write them one after the other"
                        )
                    seen.add(key)
                    sample = Sample(key, {})
                if member.size > MAX_BYTES:
                    has = f"{member.size / 1e6:,.0f} MB, more than {MAX_BYTES / 1e6:,.0f}"
                    raise DataError(f"{self.address}: the member {member.name} has {has}")
                if ending in sample.parts:
                    raise DataError(f"{self.address}: the member {member.name} is there twice")
                sample.parts[ending] = Member(member.offset_data, member.size if member.isreg() else 0)
            file.seek(archive.offset)
            if file.read(512) != bytes(512):
                at = f"{archive.offset:,}"
                raise DataError(f"{self.address}: broken at byte {at}: no header of a member there")
            if sample is not None:
                yield sample

    def _name(self, member: tarfile.TarInfo) -> str:
        try:
            member.name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{self.address}: the name of the member {member.name!r} is no UTF-8") from error
        return member.name.removeprefix("./")

    def _table(self, samples: Sequence[Sample], columns: Sequence[str], file: Any) -> Any:
        pa = pyarrow("reading WebDatasets")
        arrays = {}
        told = [self._json(each, file) for each in samples] if set(columns) & set(self._fields) else []
        for name in columns:
            if name == KEY:
                arrays[name] = pa.array([sample.key for sample in samples], pa.string())
            elif name in self._fields:
                arrays[name] = pa.array([_text(each.get(name)) for each in told], pa.string())
            elif name == LABEL and self._by_class:
                arrays[name] = pa.array([self._class(sample, file) for sample in samples], pa.string())
            else:
                arrays[name] = pa.array([_bytes(each.parts.get(name), file) for each in samples], pa.binary())
        return pa.table(arrays)

    def _class(self, sample: Sample, file: Any) -> str | None:
        data = _bytes(sample.parts.get(CLASS), file)
        try:
            return None if data is None else data.decode().strip() or None
        except UnicodeDecodeError as error:
            raise DataError(f"{self.address}: {sample.key}.{CLASS} is no text") from error

    def _json(self, sample: Sample, file: Any) -> dict[str, Any]:
        data = _bytes(sample.parts.get(JSON), file)
        if data is None:
            return {}
        name = f"{self.address}, {sample.key}.{JSON}"
        try:
            told = parse_json(data.decode(), name)
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: not text in UTF-8") from error
        return told if isinstance(told, dict) else {}


def _bytes(member: Member | None, file: Any) -> bytes | None:
    """The bytes of a part; None where it is missing, empty, or no file."""
    if member is None or not member.size:
        return None
    file.seek(member.start)
    data: bytes = file.read(member.size)
    return data


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@readers.register("webdataset", order=645)
class WebDataset(ShardReader):
    """Tar files of one pool."""

    form = "a .tar file of a WebDataset, or a folder of such"
    ending = ".tar"

    def file(self, address: str) -> ShardFile:
        """See :class:`ShardReader`."""
        return TarShard(address)

"""A file of many images: its columns, and its rows block by block, so that few are in memory at a time."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ncenet import addresses, stores
from ncenet.data.images import MAX_BYTES
from ncenet.data.rows import RowIds
from ncenet.data.shard_ids import RowsOfShard
from ncenet.errors import DataError
from ncenet.parquet_rows import spelt_out
from ncenet.tables import pyarrow
from ncenet.text_files import read_whole

IMAGE = "image"
_END_BYTES = 65536


class ShardFile(ABC):
    """One file. Whatever its form, it is read as tables of pyarrow.

    Attributes:
        address: where it is.
        types: what each column holds, in words that are compared and shown.
        count: rows, where the end of the file tells; None when it takes reading.
        class_names: of the labels, as far as the file says.
        key: column of the names that rows have; None where they have numbers.
    """

    address: str
    types: dict[str, str]
    count: int | None = None
    class_names: tuple[str, ...] = ()
    key: str | None = None

    @property
    @abstractmethod
    def ends(self) -> Sequence[int]:
        """After how many rows each block ends; may take reading the file through."""

    @abstractmethod
    def read(self, block: int, columns: Sequence[str]) -> Any:
        """Columns of a block, as a table."""

    def first(self, block: int, columns: Sequence[str]) -> Any:
        """Columns of the first row of a block, as a table; of some forms it is had without the others."""
        return self.read(block, columns).slice(0, 1)

    @abstractmethod
    def stream(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Columns of all rows, in tables of at most so many, of fewer where they are large."""

    def image_column(self) -> str:
        """The column of images when nobody names one.

        Raises:
            DataError: there is none, or there are several.
        """
        if IMAGE not in self.types:
            raise DataError(f"{self.address}: has no column {IMAGE!r}, only {', '.join(self.types)}")
        return IMAGE

    def some_values(self) -> Iterator[dict[str, Any]]:
        """What stands in its columns, as far as the end of the file tells: parts of rows."""
        return iter(())

    def row_ids(self, name: str) -> RowsOfShard:
        """Ids of the rows of a shard of that name."""
        return RowIds(f"{name}/", self.ends[-1] if self.ends else 0)

    def fingerprint(self) -> str:
        """Other for a file that was changed, as far as its size, its beginning and its end tell."""
        size = addresses.bytes_of(self.address)
        digest = hashlib.blake2b(digest_size=8)
        with addresses.reading(self.address, handle=True) as file, stores.reasons(self.address):
            digest.update(file.read(_END_BYTES))
            file.seek(max(0, size - _END_BYTES))
            digest.update(file.read(_END_BYTES))
        return f"{size} {digest.hexdigest()}"

    def check_column(self, name: str) -> None:
        """Refuse a column that is not there.

        Raises:
            DataError: there is none.
        """
        if name not in self.types:
            raise DataError(f"{self.address}: has no column {name!r}, only {', '.join(self.types)}")


def check_image_column(file: ShardFile, name: str) -> None:
    """Refuse a column that holds neither encoded bytes nor addresses of files.

    Raises:
        DataError: says what it holds.
    """
    file.check_column(name)
    held = file.types[name]
    if held not in ("bytes", "text") and "bytes: bytes" not in held:
        raise DataError(
            f"{file.address}: column {name!r} holds {held}, not encoded bytes or addresses of files"
        )


def cells(column: Any, address: str) -> list[bytes | str | None]:
    """Images of a column: encoded bytes, the address of a file, or nothing.

    Args:
        column: of pyarrow: bytes, text, or structs with ``bytes`` and perhaps ``path``.
        address: of the file that it stands in; addresses in it may be relative to its folder.
    """
    found: list[bytes | str | None] = []
    for cell in spelt_out(column, address).to_pylist():
        if isinstance(cell, dict):
            cell = cell.get("bytes") if cell.get("bytes") is not None else cell.get("path")
        found.append(addresses.beside(address, cell) if isinstance(cell, str) and cell else cell or None)
    return found


def fetched(cell: bytes | str | None) -> bytes | None:
    """The encoded bytes of an image, read from where they are.

    Raises:
        DataError: they cannot be read, or are too many.
    """
    if not isinstance(cell, str):
        return cell
    if stores.is_remote(cell):
        scheme = cell.partition("://")[0]
        if scheme not in stores.NAMED:
            raise DataError(
                f"{cell[:200]}: a table may name files of this machine by their path, and others by "
                f"{', '.join(sorted(stores.NAMED))}, and none by {scheme}"
            )
        return addresses.read_bytes(cell, most=MAX_BYTES)
    try:
        with stores.reasons(cell):
            return read_whole(Path(cell), most=MAX_BYTES)
    except ValueError as error:
        raise DataError("holds the character NUL: no file has such a name") from error


def id_texts(column: Any, name: str, address: str, start: int = 0) -> list[str]:
    """Ids of a column.

    Args:
        column: of pyarrow.
        name: what it is called.
        address: of its file, for messages.
        start: number of its first row.

    Raises:
        DataError: one is missing, or it holds neither text nor whole numbers.
    """
    pa = pyarrow("reading ids")
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        kind = pa.string()
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise DataError(f"{address}: the column {name!r} holds {kind}: ids are text or whole numbers")
    with stores.reasons(address):
        ids: list[str | None] = spelt_out(column, address).cast(pa.string()).to_pylist()
    for row, id in enumerate(ids, start):
        if not id:
            raise DataError(f"{address}: row {row} has no id in {name!r}")
    return [str(id) for id in ids]


def check_alike(files: Sequence[ShardFile], columns: Sequence[str]) -> None:
    """Refuse shards of one pool whose columns differ in what they hold.

    Raises:
        DataError: a column is missing, or of another type than in the first.
    """
    for file in files:
        for name in columns:
            file.check_column(name)
            if file.types[name] != files[0].types[name]:
                raise DataError(
                    f"the column {name!r} is {files[0].types[name]} in {files[0].address} and "
                    f"{file.types[name]} in {file.address}: write it alike"
                )

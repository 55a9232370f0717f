"""Parquet files: one row an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.counts import first_of
from ncenet.data.class_labels import class_names_in, classes_in
from ncenet.data.pools import Channels, EncodedPool
from ncenet.data.rows import RowIds
from ncenet.data.scan_cache import stamp_of
from ncenet.data.set_apart import Columns
from ncenet.errors import DataError, MissingExtra, UnreadableImage
from ncenet.parquet_rows import read_fitting, spelt_out
from ncenet.tables import pyarrow as the_library
from ncenet.tables import reading_parquet, type_word

if TYPE_CHECKING:
    import pyarrow

_OF_IMAGES = frozenset({"image", "label", "labels", "boxes", "difficult"})
"""Columns that say nothing of splits."""


class ParquetPool(EncodedPool):
    """Images in the column ``image`` of a Parquet file; the id is ``<name of the file>/<row number>``.

    The column holds encoded bytes, or a struct with a field ``bytes``. It stays encoded in memory, so the
    pool takes about as much of it as the file.

    Args:
        file: the Parquet file.
        channels: 1, 3 or "auto".

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file, no column of images, or no rows.
    """

    def __init__(self, file: Path, *, channels: Channels = "auto") -> None:
        self.file = Path(file).absolute()
        self._stamp = stamp_of(self.file)  # before it is read
        column = _column(self.file, "image")
        import pyarrow.compute
        import pyarrow.types as kind

        if kind.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
            column = pyarrow.compute.struct_field(column, "bytes")
        if not (kind.is_binary(column.type) or kind.is_large_binary(column.type)):
            raise DataError(f"{file}: column 'image' holds {column.type}, not encoded bytes")
        if len(column) == 0:
            raise DataError(f"{file}: has no rows")
        self._encoded = column
        self._ids = RowIds(f"{self.file.stem}/", len(column))
        self.channels = self._choose(channels)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.file, self.channels)

    def ids(self) -> RowIds:
        """All ids, in the order of the rows."""
        return self._ids

    def read(self, id: str) -> bytes:
        """The encoded bytes.

        Raises:
            DataError: there is no such id.
            UnreadableImage: the row holds no bytes.
        """
        row = self._ids.row(id)
        if row is None:
            raise DataError(f"there is no image {id!r} in {self.file}")
        data: bytes | None = self._encoded[row].as_py()
        if data is None:
            raise UnreadableImage(id, "no bytes in this row")
        return data

    def stamp(self, id: str) -> str | None:
        """That of the whole file."""
        return self._stamp


def _reopen(file: Path, channels: int) -> ParquetPool:
    return ParquetPool(file, channels=channels)


def label_column(file: Path) -> tuple[list[str], tuple[str, ...]] | None:
    """The class of each row and the names of all classes, or None when there is no column ``label``.

    Integers are indices into ``class_names`` (JSON) of the schema's metadata, or into the names that a
    Hugging Face data set keeps there; without such names they are names themselves. Text is the name.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file; labels of another type; a label that is missing or unknown or can't be
            the name of a class, with its row.
    """
    schema = _schema(file)
    if "label" not in schema.names:
        return None
    column = _column(file, "label")
    with reading_parquet(file):
        return classes_in(column, class_names_in(schema, file), file)


def refuse_splits(file: Path) -> None:
    """Refuse a file of which some rows are for testing what is learned from others.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: it is one, or not a Parquet file.
    """
    arrow = the_library("reading Parquet files")
    columns = Columns()
    with reading_parquet(file):
        for values in extremes(arrow.parquet.read_metadata(file)):
            columns.see(values)
    columns.refuse_splits(file)


def extremes(metadata: Any) -> Iterator[dict[str, Any]]:
    """The least and the largest value of each column in each row group, as far as the metadata has them."""
    names = [metadata.schema.column(n).path for n in range(metadata.num_columns)]
    looked_at = [n for n, name in enumerate(names) if name.partition(".")[0] not in _OF_IMAGES]
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for n in looked_at:
            told = group.column(n).statistics
            if told is not None and told.has_min_max:
                yield {names[n]: told.min}
                yield {names[n]: told.max}


def column_names(file: Path) -> list[str]:
    """The names of the columns.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file.
    """
    return list(_schema(file).names)


def read_columns(file: Path, names: Sequence[str], *, optional: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Columns as lists, by name.

    Args:
        file: the Parquet file.
        names: must be there.
        optional: are left out when they are not there.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file, or a column is missing.
    """
    there = column_names(file)
    wanted = [*names, *(name for name in optional if name in there)]
    return {name: _values(file, name) for name in wanted}


def holds_bytes(file: Path) -> bool:
    """Whether the column ``image`` holds something else than addresses, which are read elsewhere.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file.
    """
    schema = _schema(file)
    return "image" not in schema.names or type_word(schema.field("image").type) != "text"


def class_names_of(file: Path) -> tuple[str, ...]:
    """Names of the classes that the metadata gives; none when it gives none.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file, or names that cannot be read.
    """
    return class_names_in(_schema(file), file)


def _values(file: Path, name: str) -> list[Any]:
    column = _column(file, name)
    with reading_parquet(file):
        return list(column.to_pylist())


def _column(file: Path, name: str) -> pyarrow.ChunkedArray:
    schema = _schema(file)
    if name not in schema.names:
        vectors = "; vectors stand in a column 'vector'" if name == "image" else ""
        raise DataError(f"{file}: has no column {name!r}, only {first_of(schema.names)}{vectors}")
    import pyarrow.parquet

    with reading_parquet(file), pyarrow.parquet.ParquetFile(file) as opened:
        return spelt_out(read_fitting(opened, file, [name], file)[name], file)


def _schema(file: Path) -> pyarrow.Schema:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("reading Parquet files", "parquet", "50 MB") from None
    with reading_parquet(file):
        return pyarrow.parquet.read_schema(file)

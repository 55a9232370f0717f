"""Parquet files: one row an image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.class_names import check_class_names, class_name_problem, shown
from ncenet.data.pools import Channels, EncodedPool
from ncenet.data.rows import RowIds
from ncenet.data.scan_cache import stamp_of
from ncenet.errors import DataError, MissingExtra, UnreadableImage

if TYPE_CHECKING:
    import pyarrow


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


def read_labels(file: Path) -> tuple[list[str], tuple[str, ...]] | None:
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
    import pyarrow.types as kind

    of_values = schema.field("label").type
    if kind.is_dictionary(of_values):
        of_values = of_values.value_type
    numbers = kind.is_integer(of_values)
    if not (numbers or kind.is_string(of_values) or kind.is_large_string(of_values)):
        raise DataError(f"{file}: the column 'label' holds {of_values}: classes are text or whole numbers")
    values = _column(file, "label").to_pylist()
    names = _class_names(file, schema)
    if names and numbers:
        known: dict[Any, str] = dict(enumerate(names))
    else:
        known = {value: str(value) for value in names or sorted(set(values) - {None})}
    rows = {value: row for row, value in reversed(list(enumerate(values)))}  # the first of each value
    for value, row in sorted(rows.items(), key=lambda item: item[1]):
        if value is None:
            raise DataError(f"{file}: row {row} (counted from 0) has no label")
        problem = class_name_problem(known.get(value, str(value)))
        if problem is not None:
            raise DataError(
                f"{file}: row {row} (counted from 0) has the label {shown(value)}, which {problem}"
            )
        if value not in known:
            raise DataError(
                f"{file}: row {row} (counted from 0) has the label {shown(value)}, which has no class name"
            )
    return [known[value] for value in values], tuple(known.values())


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
    return {name: _column(file, name).to_pylist() for name in wanted}


def class_names_of(file: Path) -> tuple[str, ...]:
    """Names of the classes that the metadata gives; none when it gives none.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: not a Parquet file, or names that cannot be read.
    """
    return _class_names(file, _schema(file))


def _class_names(file: Path, schema: pyarrow.Schema) -> tuple[str, ...]:
    """Names of the classes from the schema's metadata; none when it holds none."""
    metadata = schema.metadata or {}
    names: Any = ()
    try:
        if b"class_names" in metadata:
            names = json.loads(metadata[b"class_names"])
        elif b"huggingface" in metadata:
            names = json.loads(metadata[b"huggingface"])["info"]["features"].get("label", {}).get("names", ())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{file}: the class names in its metadata cannot be read: {error!r}") from error
    if not isinstance(names, list | tuple) or any(isinstance(name, bool) for name in names):
        raise DataError(f"{file}: the class names in its metadata are {shown(names)}, not a list of names")
    words = [str(name) if isinstance(name, int) else name for name in names]
    return check_class_names(words, f"{file}, class names in its metadata")


def _column(file: Path, name: str) -> pyarrow.ChunkedArray:
    schema = _schema(file)
    if name not in schema.names:
        vectors = "; vectors stand in a column 'vector'" if name == "image" else ""
        raise DataError(f"{file}: has no column {name!r}, only {', '.join(schema.names)}{vectors}")
    import pyarrow.parquet

    return pyarrow.parquet.read_table(file, columns=[name])[name]


def _schema(file: Path) -> pyarrow.Schema:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("reading Parquet files", "parquet", "50 MB") from None
    try:
        return pyarrow.parquet.read_schema(file)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise DataError(f"{file}: not a Parquet file that can be read: {error}") from error

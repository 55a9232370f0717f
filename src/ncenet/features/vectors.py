"""Vectors that somebody brings: a file that holds one for each id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet.arrays import check_vectors, map_npy, read_npz
from ncenet.counts import count_of, first_of
from ncenet.data.rows import RowOf
from ncenet.errors import DataError
from ncenet.parquet_rows import read_fitting, spelt_out
from ncenet.tables import parse_csv, pyarrow, reading_parquet
from ncenet.text_files import number, open_text

if TYPE_CHECKING:
    import numpy.typing as npt

SUFFIXES = (".npy", ".npz", ".parquet", ".csv")
_SHOULD = (
    "expected .npz with arrays 'ids' and 'vectors', .npy with its ids beside it in NAME.ids.txt, one a line, "
    "or .parquet or .csv with a column 'id' and a column 'vector' (in CSV also one column for each number)"
)


def is_vectors(name: str) -> bool:
    """Whether a name of features is that of a file of vectors.

    >>> is_vectors("clip.npz"), is_vectors("lite0")
    (True, False)
    """
    return Path(name).suffix.lower() in SUFFIXES


class VectorTable:
    """The vectors of a file.

    Args:
        file: ``.npz`` with arrays ``ids`` (N,) and ``vectors`` (N, D); ``.npy`` with (N, D) and beside it
            ``NAME.ids.txt`` with N lines; Parquet with columns ``id`` and ``vector`` (a list); CSV with a
            column ``id`` and either ``vector``, numbers with spaces or commas between and perhaps brackets
            around them, or a column for each number.

    Raises:
        DataError: there is no such file, it has no ids or no vectors, a vector has no id, an id occurs
            twice, vectors are of different lengths, one holds nan, inf or more than single precision can, or
            that rounds off what sets them apart.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            ids, vectors = _read(file)
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
            raise DataError(f"{file}: vectors are (N, D) numbers, got {vectors.dtype} {vectors.shape}")
        if not vectors.size:
            raise DataError(f"{file}: holds no vectors; {_SHOULD}")
        if len(ids) != len(vectors):
            named = f" in {_ids_beside(file)}" if file.suffix.lower() == ".npy" else ""
            empty = f", {ids.count('')} of them empty" if "" in ids else ""
            raise DataError(
                f"{file}: {count_of(len(ids), 'id')}{named}{empty} for {count_of(len(vectors), 'vector')}"
            )
        if "" in ids:
            raise DataError(f"{file}: vector {ids.index('') + 1} of {len(vectors)} is without an id")
        check_vectors(vectors, file, lambda row: repr(ids[row]))
        self.ids, self.vectors = tuple(ids), vectors
        try:
            self._row_of = RowOf(self.ids)
        except DataError as error:
            raise DataError(f"{file}: {error}") from None
        self._known = frozenset(self.ids)

    @property
    def dim(self) -> int:
        """D."""
        return int(self.vectors.shape[1])

    def __contains__(self, id: object) -> bool:
        return id in self._known

    def check(self, ids: Sequence[str]) -> None:
        """Make sure that these images have vectors.

        Raises:
            DataError: some have none.
        """
        missing = [id for id in ids if id not in self._known]
        if missing:
            like = f"; its ids are like {self.ids[0]!r}" if self.ids else ""
            raise DataError(
                f"{self.file}: no vector for {len(missing):,} of {count_of(len(ids), 'image')}, the first "
                f"{missing[0]!r}{like}"
            )

    def rows(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) in the order of ``ids``.

        Raises:
            DataError: an id has none.
        """
        self.check(ids)
        return np.asarray(self.vectors[[self._row_of(id) for id in ids]], np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for all ids and vectors."""
        digest = hashlib.blake2b("\n".join(self.ids).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.vectors, np.float32).tobytes())
        return digest.hexdigest()


def _read(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    match file.suffix.lower():
        case ".npz":
            return _npz(file)
        case ".npy":
            return _npy(file)
        case ".parquet":
            return _parquet(file)
        case ".csv":
            return _csv(file)
    raise DataError(f"{file}: no file of vectors: {_SHOULD}")


def _npz(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    arrays = read_npz(file)
    if not {"ids", "vectors"} <= arrays.keys():
        raise DataError(f"{file}: holds {', '.join(arrays) or 'nothing'}; {_SHOULD}")
    ids = arrays["ids"]
    if ids.ndim != 1 or ids.dtype.fields is not None:
        raise DataError(f"{file}: ids are (N,) names, got {ids.dtype} {ids.shape}")
    return [_text(id, file) for id in ids.tolist()], arrays["vectors"]


def _npy(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    beside = _ids_beside(file)
    if file.exists() and not beside.exists():
        raise DataError(f"{file}: vectors without ids: {beside} is not there; {_SHOULD}")
    vectors = map_npy(file)
    with open_text(beside) as lines:
        return [line.rstrip("\r\n") for line in lines], vectors


def _ids_beside(file: Path) -> Path:
    """Where the ids of a bare array stand."""
    return file.with_name(f"{file.stem}.ids.txt")


def _parquet(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    arrow = pyarrow("reading vectors from Parquet files")
    with reading_parquet(file), arrow.parquet.ParquetFile(file) as opened:
        names = opened.schema_arrow.names
        if any(names.count(name) != 1 for name in ("id", "vector")):
            raise DataError(f"{file}: has the columns {first_of(names)}; {_SHOULD}")
        table = read_fitting(opened, file, ("id", "vector"), file)
    if not len(table):  # with columns of any type
        return [], np.zeros((0, 0), np.float32)
    column, types = table["vector"], arrow.types
    lists = types.is_list, types.is_large_list, types.is_fixed_size_list
    if not any(each(column.type) for each in lists) or not (
        types.is_floating(column.type.value_type) or types.is_integer(column.type.value_type)
    ):
        raise DataError(f"{file}: column 'vector' holds {column.type}, and should hold lists of numbers")
    if column.null_count:
        raise DataError(f"{file}: column 'vector' has {column.null_count} empty rows")
    lengths = arrow.compute.unique(arrow.compute.list_value_length(column)).to_pylist()
    if len(lengths) > 1:
        raise DataError(f"{file}: vectors of different lengths: {', '.join(map(str, sorted(lengths)))}")
    flat = np.concatenate([chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks])
    ids = [_text(id, file) for id in spelt_out(table["id"], file).to_pylist()]
    return ids, flat.reshape(len(table), sum(lengths))


def _csv(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    ids, vectors, length = [], [], None
    with open_text(file) as lines:
        rows = parse_csv(lines, file)
        line, header = next(rows, (1, []))
        if header.count("id") != 1 or header.count("vector") > 1 or len(header) < 2:
            raise DataError(f"{file}:{line} has the columns {first_of(header) or 'none'}; {_SHOULD}")
        at, text = header.index("id"), "vector" in header
        for line, row in rows:
            numbers = _split(row[header.index("vector")]) if text else [*row[:at], *row[at + 1 :]]
            length = len(numbers) if length is None else length
            if len(numbers) != length:
                raise DataError(f"{file}:{line} has {len(numbers)} numbers, the first vector {length}")
            values = [number(word) for word in numbers]
            if other := [value for value in values if isinstance(value, str)]:
                raise DataError(f"{file}:{line} holds something else than numbers: {other[0]!r}")
            vectors.append(values)
            ids.append(row[at])
    return ids, np.array(vectors, np.float64).reshape(len(ids), length or 0)


def _split(text: str) -> list[str]:
    """What stands in a field, as lists and arrays are written too; between two commas stands something.

    >>> _split("[0.5, 1]"), _split("0.5 1"), _split("0.5,,1")
    (['0.5', '1'], ['0.5', '1'], ['0.5', '', '1'])
    """
    text = text.strip()
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [word for part in inner.split(",") for word in part.split() or [""]] if inner.strip() else []


def _text(id: object, file: Path) -> str:
    """An id as text; bytes are UTF-8, numbers as they are written, and what is missing is empty."""
    try:
        match id:
            case bytes():
                return id.decode()
            case str():
                id.encode()
                return id
            case None:
                return ""
            case int() | float() if not isinstance(id, bool):
                return str(id)
    except UnicodeError as error:
        raise DataError(f"{file}: the id {id!r} is no text in UTF-8") from error
    raise DataError(f"{file}: ids are text or numbers, got {id!r}")

"""Vectors that somebody brings: a file that holds one for each id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet.arrays import map_npy, read_npz
from ncenet.data.rows import RowOf
from ncenet.errors import DataError
from ncenet.parquet_rows import read_fitting, spelt_out
from ncenet.tables import parse_csv, pyarrow, reading_parquet
from ncenet.text_files import open_text

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
            column ``id`` and either ``vector``, numbers with spaces between, or a column for each number.

    Raises:
        DataError: there is no such file, it has no ids or no vectors, an id occurs twice, vectors are of
            different lengths, or one holds nan or inf.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            ids, vectors = _read(file)
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
        if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.number):
            raise DataError(f"{file}: vectors are (N, D) numbers, got {vectors.dtype} {vectors.shape}")
        if len(ids) != len(vectors):
            raise DataError(f"{file}: {len(ids)} ids for {len(vectors)} vectors")
        finite = np.isfinite(vectors).all(1)
        if not finite.all():
            raise DataError(
                f"{file}: {int((~finite).sum())} vector(s) hold nan or inf, the first of "
                f"{ids[int(np.argmin(finite))]!r}"
            )
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
                f"{self.file}: no vector for {len(missing)} of {len(ids)} image(s), the first "
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
    return [str(id) for id in arrays["ids"].reshape(-1).tolist()], arrays["vectors"]


def _npy(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    beside = file.with_name(f"{file.stem}.ids.txt")
    if not beside.exists():
        raise DataError(f"{file}: vectors without ids: {beside} is not there; {_SHOULD}")
    with open_text(beside) as lines:
        return [line.rstrip("\r\n") for line in lines], map_npy(file)


def _parquet(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    arrow = pyarrow("reading vectors from Parquet files")
    with reading_parquet(file), arrow.parquet.ParquetFile(file) as opened:
        names = opened.schema_arrow.names
        if not {"id", "vector"} <= set(names):
            raise DataError(f"{file}: has the columns {', '.join(names)}; {_SHOULD}")
        table = read_fitting(opened, file, ("id", "vector"), file)
    column = table["vector"].combine_chunks()
    if column.null_count or not hasattr(column, "flatten"):
        raise DataError(f"{file}: column 'vector' holds {column.type} with {column.null_count} empty rows")
    lengths = set(arrow.compute.list_value_length(column).to_pylist())
    if len(lengths) > 1:
        raise DataError(f"{file}: vectors of different lengths: {', '.join(map(str, sorted(lengths)))}")
    values = column.flatten().to_numpy(zero_copy_only=False)
    return [str(id) for id in spelt_out(table["id"], file).to_pylist()], values.reshape(len(column), -1)


def _csv(file: Path) -> tuple[list[str], npt.NDArray[Any]]:
    ids, vectors, length = [], [], None
    with open_text(file) as lines:
        rows = parse_csv(lines, file)
        line, header = next(rows, (1, []))
        if "id" not in header or len(header) < 2:
            raise DataError(f"{file}:{line} has the columns {', '.join(header) or 'none'}; {_SHOULD}")
        at, text = header.index("id"), "vector" in header
        for line, row in rows:
            numbers = (
                row[header.index("vector")].split() if text else [c for i, c in enumerate(row) if i != at]
            )
            length = len(numbers) if length is None else length
            if len(numbers) != length:
                raise DataError(f"{file}:{line} has {len(numbers)} numbers, the first vector {length}")
            try:
                vectors.append([float(number) for number in numbers])
            except ValueError as error:
                raise DataError(f"{file}:{line} holds something else than numbers: {error}") from None
            ids.append(row[at])
    return ids, np.array(vectors, np.float32).reshape(len(ids), -1)

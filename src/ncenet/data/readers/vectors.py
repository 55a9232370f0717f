"""Feature vectors: a NumPy archive, or a Parquet file with a column of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ncenet.arrays import check_vectors, read_npz
from ncenet.class_names import shown
from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.parquet import column_names, label_column, read_columns, refuse_splits
from ncenet.data.pools import ArrayPool, Channels
from ncenet.data.readers import Reader, readers
from ncenet.data.set_apart import Columns
from ncenet.errors import DataError

COLUMN = "vector"


@readers.register("npz", order=300)
class Npz(Reader):
    """Arrays ``X``, and perhaps ``y`` and ``ids``.

    ``X`` holds vectors (N, D) of any numbers, or images (N, H, W) or (N, H, W, channels) as uint8. ``y`` (N,)
    holds names of classes, or numbers that are their names.
    """

    form = "an .npz file with arrays X (and y, ids)"

    def reads(self, path: Path) -> bool:
        """Files that end in ``.npz``."""
        return path.is_file() and path.suffix.lower() == ".npz"

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        arrays = _load(path)
        rows = arrays["X"]
        for name in ("y", "ids"):
            if name in arrays and arrays[name].shape != (len(rows),):
                raise DataError(
                    f"{path}: {name} is {arrays[name].shape} and X has {len(rows)} rows: one for each"
                )
        _refuse_splits(arrays, path)
        ids = _ids(arrays["ids"].tolist(), path) if "ids" in arrays else None
        images = rows.dtype == np.uint8 and rows.ndim != 2
        pool = ArrayPool(rows if images else _vectors(rows, path), ids)
        if "y" not in arrays:
            return Dataset(path.stem, pool)
        if arrays["y"].dtype.kind not in "iuU":
            raise DataError(f"{path}: y holds {arrays['y'].dtype}: classes are text or whole numbers")
        values = arrays["y"].tolist()
        names = tuple(str(value) for value in sorted(set(values)))
        labels = dict(zip(pool.ids(), map(str, values), strict=True))
        return Dataset(path.stem, pool, Oracle(labels), names)


@readers.register("parquet-vectors", order=400)
class ParquetVectors(Reader):
    """Columns ``vector``, and perhaps ``label`` and ``id``: a row for each vector."""

    form = f"a .parquet file with a column {COLUMN!r} of numbers (and label, id)"

    def reads(self, path: Path) -> bool:
        """Parquet files with a column ``vector`` and none of images."""
        if not path.is_file() or path.suffix.lower() != ".parquet":
            return False
        names = column_names(path)
        return COLUMN in names and "image" not in names

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        refuse_splits(path)
        columns = read_columns(path, [COLUMN], optional=["id"])
        try:
            rows = np.array(columns[COLUMN], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{path}: column {COLUMN!r} holds rows of different lengths, or no numbers"
            ) from error
        ids = _ids(columns["id"], path) if "id" in columns else None
        pool = ArrayPool(_vectors(rows, path), ids)
        labelled = label_column(path)
        if labelled is None:
            return Dataset(path.stem, pool)
        labels, names = labelled
        return Dataset(path.stem, pool, Oracle(dict(zip(pool.ids(), labels, strict=True))), names)


def _load(path: Path) -> Mapping[str, npt.NDArray[Any]]:
    arrays = read_npz(path)
    if "X" not in arrays:
        raise DataError(f"{path}: holds no array X, only {', '.join(arrays) or 'nothing'}")
    return arrays


def _refuse_splits(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Refuse an archive with an array beside ``X`` that sets some of its rows apart for testing."""
    columns = Columns(("X", "y", "ids"))
    for name, array in arrays.items():
        if array.shape == (len(arrays["X"]),) and array.dtype.kind in "biuU":
            for value in np.unique(array).tolist():
                columns.see({name: value})
    columns.refuse_splits(path)


def _vectors(rows: npt.NDArray[Any], path: Path) -> npt.NDArray[np.float32]:
    if rows.ndim != 2 or rows.dtype.kind not in "iuf" or 0 in rows.shape:
        raise DataError(f"{path}: {rows.dtype} {rows.shape} are no feature vectors, which are numbers (N, D)")
    check_vectors(rows, path, lambda row: f"row {row}, counted from 0")
    return rows.astype(np.float32)


def _ids(values: Sequence[object], path: Path) -> list[str]:
    """Names of rows: text or whole numbers, each once."""
    for row, value in enumerate(values):
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            raise DataError(f"{path}: the id in row {row}, counted from 0, is {shown(value)}")
    ids = [str(value) for value in values]
    if len(set(ids)) < len(ids):
        twice = next(id for id, count in Counter(ids).items() if count > 1)
        raise DataError(f"{path}: the id {shown(twice)} stands there twice")
    return ids

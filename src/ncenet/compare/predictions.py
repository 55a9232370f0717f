"""What became of each held-out image: read from ``test.csv``, for a bootstrap over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncenet.errors import DataError
from ncenet.tables import read_csv

Floats: TypeAlias = NDArray[np.float64]

COLUMNS = ["id", "label", "predicted"]
"""Columns of a ``test.csv`` that holds one class for each image."""


@dataclass(frozen=True)
class Predicted:
    """The held-out images of one run.

    Attributes:
        ids: of the images (N,).
        right: (N,), the share of the tested cycles in which the network was right on each, in [0, 1]; its
            mean is the mean over the cycles of the accuracy.
    """

    ids: tuple[str, ...]
    right: Floats


def read_predicted(files: Sequence[Path]) -> Predicted | None:
    """Read the ``test.csv`` of each cycle.

    Args:
        files: of the tested cycles of one run.

    Returns:
        None if there are no files, or one is missing or holds something else than classes.

    Raises:
        DataError: the cycles were tested on different images.
    """
    ids: list[str] = []
    total = np.zeros(0)
    for file in files:
        if not file.exists():
            return None
        columns, table = read_csv(file)
        if columns != COLUMNS:
            return None
        tested = [row[0] for row in table]
        if not ids:
            ids, total = tested, np.zeros(len(tested))
        elif tested != ids:
            raise DataError(f"{file}: other images than {files[0]}: no comparison")
        total += np.array([row[1] == row[2] for row in table])
    return Predicted(tuple(ids), total / len(files)) if ids else None

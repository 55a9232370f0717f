"""What became of each held-out image: read from ``test.csv``, for a bootstrap over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncenet.errors import DataError
from ncenet.run.folder import CycleFolder
from ncenet.run.record_files import read_predicted

Floats: TypeAlias = NDArray[np.float64]


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


def predicted_of(cycles: Sequence[CycleFolder]) -> Predicted | None:
    """What became of the held-out images in the tested cycles of one run.

    Args:
        cycles: the tested ones.

    Returns:
        None if there are none, or one has kept no class for each image, as where boxes were tested.

    Raises:
        DamagedRecord: a record is damaged.
        DataError: the cycles were tested on different images.
    """
    ids: list[str] = []
    total = np.zeros(0)
    for cycle in cycles:
        rows = read_predicted(cycle)
        if rows is None:
            return None
        tested = [row.id for row in rows]
        if not ids:
            ids, total = tested, np.zeros(len(tested))
        elif tested != ids:
            raise DataError(f"{cycle.predicted}: other images than {cycles[0].predicted}: no comparison")
        total += np.array([row.label == row.predicted for row in rows])
    return Predicted(tuple(ids), total / len(cycles)) if ids else None

"""The learning curve of a detector, from the records of its cycles.

Each point was measured when its model was trained, on the labels that the held-out images had then, and has
the interval that was drawn from them. Nothing is forecast: the law by which accuracies are extrapolated, and
the comparison of errors on queried and random images, count images that are right or wrong, which an mAP
doesn't.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ncenet.files import cycle_folder


def box_point(folder: Path, cycle: int) -> dict[str, Any] | None:
    """A point of the curve, whose ``accuracy`` is the mAP; None when nothing was measured.

    Args:
        folder: the run folder.
        cycle: which cycle.

    Raises:
        ValueError: the record of the cycle is damaged; or what else reading it raises.
    """
    file = cycle_folder(folder, cycle) / "test.json"
    if not file.exists():
        return None
    record = json.loads(file.read_text(encoding="utf-8"))
    if record.get("mAP_interval") is None:
        return None
    low, high = record["mAP_interval"]
    return {
        "labeled": counted(record["labeled"]),
        "accuracy": _share(record["mAP"]),
        "low": _share(low),
        "high": _share(high),
        "images": counted(record["images"]),
    }


def counted(value: Any) -> int:
    """A number of things, from a record.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of images")
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no mAP")
    return float(value)

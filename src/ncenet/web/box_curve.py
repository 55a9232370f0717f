"""The learning curve of a detector, from the records of its cycles.

Each point was measured when its model was trained, on the labels that the held-out images had then, and has
the interval that was drawn from them. Nothing is forecast: the law by which accuracies are extrapolated, and
the comparison of errors on queried and random images, count images that are right or wrong, which an mAP
doesn't.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ncenet.files import cycle_folder
from ncenet.ledger.ledger import Ledger


def box_curve(folder: Path, ledger: Ledger) -> dict[str, Any]:
    """Curve and advice as :meth:`ncenet.web.state.Stock.take` gives them; ``accuracy`` is the mAP.

    Args:
        folder: the run folder.
        ledger: its ledger.
    """
    files = (cycle_folder(folder, cycle.number) / "test.json" for cycle in ledger.cycles())
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    curve = [
        {
            "labeled": record["labeled"],
            "accuracy": record["mAP"],
            "low": record["mAP_interval"][0],
            "high": record["mAP_interval"][1],
            "images": record["images"],
        }
        for record in records
        if record.get("mAP_interval") is not None
    ]
    return {"curve": curve, "outlook": None, "choosing": None}

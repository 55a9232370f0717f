"""Kill a detection run in the midst of its fits, and resume it; run as a program, prints one JSON record.

python -m tests.integration.detection_kills VOC_FOLDER OUT
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ncenet.ledger import Ledger
from ncenet.recipe import DataRecipe, LoopRecipe, ModelRecipe, Recipe, TrainRecipe
from tests.integration.kills import finished, started

MOMENTS = ("cycles/001/checkpoint.pt", "cycles/002/checkpoint.pt", "cycles/002/pictures/test-1.jpg")
"""The run is killed as soon as each of these is there, one after the other."""


def recipe(voc: Path) -> Recipe:
    return Recipe(
        task="detection",
        data=DataRecipe(train=str(voc), image_size=64, workers=1),
        model=ModelRecipe(anchor_features=16),
        train=TrainRecipe(epochs=3, min_steps=9, batch_size=4, warm=True, checkpoint_seconds=0),
        loop=LoopRecipe(strategy="confusion", initial=12, query_size=8, budget_unit="box", cycles=3),
    )


def outcome(run: Path) -> dict[str, Any]:
    """Ledger, curve, models and pictures of a run, without clocks."""
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        dump = json.loads(json.dumps(ledger.dump()))
    names = ("query.csv", "detections.csv", "model.safetensors", "*.jpg", "pictures.csv")
    return {
        "dump": dump,
        "files": {
            str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest()
            for name in names
            for file in sorted(run.rglob(name))
        },
        "curve": [json.loads(f.read_text())["mAP"] for f in sorted(run.glob("cycles/*/test.json"))],
        "left": [str(file.relative_to(run)) for file in run.rglob("*.partial")],
    }


def main(voc: Path, out: Path) -> None:
    plan = recipe(voc)
    assert finished(plan, out / "whole") == 0
    run, killed = out / "killed", 0
    for moment in MOMENTS:
        child = started(plan, run)
        ended, status = 0, 0
        while not ended and not (run / moment).exists():
            time.sleep(0.001)
            ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
        killed += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    code = finished(plan, run)
    expected, found = outcome(out / "whole"), outcome(run)
    differing = [key for key in expected if found[key] != expected[key]]
    print(json.dumps({"exit": code, "killed": killed, "differing": differing, "curve": expected["curve"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Kill simulations at random moments and resume them; run as a program, prints one JSON record.

    python -m tests.integration.kills FOLDER FIRST LAST

Torch is imported once; every run is a fork, so a kill costs no start of Python.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ncenet.ledger import Ledger
from ncenet.loop.simulate import simulate
from ncenet.progress import Notify
from ncenet.recipe import DataRecipe, LoopRecipe, ModelRecipe, Recipe, TrainRecipe

torch.set_num_threads(1)


def recipe(folder: Path) -> Recipe:
    return Recipe(
        data=DataRecipe(train=str(folder / "train"), test=str(folder / "test"), workers=1),
        model=ModelRecipe(dropout=0.1),
        train=TrainRecipe(epochs=4, min_steps=12, batch_size=16, warm=True, checkpoint_seconds=0),
        loop=LoopRecipe(strategy="confusion", initial=12, query_size=8, cycles=4),
    )


def started(plan: Recipe, run: Path, notify: Notify | None = None) -> int:
    """Process number of a fork that runs the simulation."""
    child = os.fork()
    if child == 0:
        try:
            simulate(plan, run, notify=notify)
        except BaseException as error:  # noqa: BLE001 - a fork must not return into its parent's loop
            print(f"{run.name}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def finished(plan: Recipe, run: Path) -> int:
    """Exit code of a run that nobody kills."""
    return os.waitstatus_to_exitcode(os.waitpid(started(plan, run), 0)[1])


def in_midst_of_a_fit(cycle: int, moments: random.Random) -> Notify:
    """Kills its own process at a random step of a cycle's fit, which has written a checkpoint by then.

    From outside, such a moment is missed on a busy machine: a fit takes a tenth of a second.
    """
    step = moments.randint(4, 12)  # an epoch takes three steps at most

    def kill(event: Mapping[str, Any]) -> None:
        if event["event"] == "fit" and event["cycle"] == cycle and event["step"] >= step:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def outcome(run: Path) -> dict[str, Any]:
    """Ledger, curve and predictions of a run, without clocks."""
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        dump = json.loads(json.dumps(ledger.dump()))
    files = {
        str(file.relative_to(run)): file.read_bytes().hex()
        for name in ("query.csv", "test.csv", "model.safetensors")
        for file in sorted(run.glob(f"cycles/*/{name}"))
    }
    curve = [json.loads(f.read_text())["accuracy"] for f in sorted(run.glob("cycles/*/test.json"))]
    left = [str(f.relative_to(run)) for f in run.rglob("*.partial")]
    return {"dump": dump, "files": files, "curve": curve, "left": left}


def wait_for_a_random_moment(moments: random.Random, run: Path, duration: float) -> None:
    """Some time within a random cycle: runs differ in pace, and all cycles should be hit."""
    cycle, deadline = moments.randrange(4), time.perf_counter() + 10 * duration
    while len(list(run.glob("cycles/*/fit.json"))) < cycle and time.perf_counter() < deadline:
        time.sleep(0.005)
    time.sleep(moments.uniform(0, duration / 4))


def main(folder: Path, first: int, last: int) -> None:
    plan = recipe(folder)
    reference = folder / f"reference-{first}"
    simulate(plan, reference)  # in this process, which imports what its forks will need
    start = time.perf_counter()
    assert finished(plan, folder / f"timed-{first}") == 0
    duration = time.perf_counter() - start
    expected = outcome(reference)
    differing, killed, checkpoints, cycles = [], 0, 0, set()
    for number in range(first, last):
        run = folder / f"killed-{number}"
        moments = random.Random(number)
        if number % 2 == 1:
            child = started(plan, run, in_midst_of_a_fit(number // 2 % 4 + 1, moments))
        else:
            child = started(plan, run)
            wait_for_a_random_moment(moments, run, duration)
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        killed += status == -signal.SIGKILL
        checkpoints += any(run.glob("cycles/*/checkpoint.pt"))
        cycles.add(len(list(run.glob("cycles/*/fit.json"))))
        code = finished(plan, run)
        found = outcome(run)
        if code != 0 or found != expected:
            parts = [key for key in expected if found[key] != expected[key]]
            files = [f for f in expected["files"] if found["files"].get(f) != expected["files"][f]]
            differing.append({"run": number, "exit": code, "parts": parts, "files": files})
    record = {
        "differing": differing,
        "killed": killed,
        "checkpoints": checkpoints,
        "cycles": sorted(cycles),
        "curve": expected["curve"],
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

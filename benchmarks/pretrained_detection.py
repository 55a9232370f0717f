"""What a pretrained backbone is worth to a detector, beside the light one that learns from scratch.

    python benchmarks/pretrained_detection.py TRAIN TEST --name bccd --sizes 25 50 205 --seeds 0 1 2

TRAIN and TEST hold images with boxes. A cell is a fit on random images, the same ones for every arm of a
seed, and a test on all of TEST. Each is appended to the CSV file when it is done, and cells that stand there
are left out: killed, it goes on. Seconds are those of the processor; those of a fit hold what the frozen part
of the backbone makes of the images, for which nothing is kept from one cell to the next. Ratios are to the
light detector of the same set, size and seed. --print prints the tables. Beside each cell it prints seconds
by the clock too, which are those of a user on a machine that does nothing else; they stand in no file.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

import numpy as np
import torch
from detectors import detector

from ncenet.boxes import Boxes
from ncenet.compare.statistics import paired_difference
from ncenet.data.dataset import Dataset
from ncenet.data.open import open_dataset
from ncenet.functional.average_precision import judge_all, mean_average_precision
from ncenet.types import LabeledSet

RESULTS = Path(__file__).parent / "results" / "pretrained_detection.csv"
COLUMNS = ("set", "labels", "seed", "arm", "mAP", "fit_seconds", "test_seconds", "steps")
Row: TypeAlias = dict[str, object]
Arms: TypeAlias = dict[tuple[int, str], dict[int, dict[str, str]]]
"""By size and arm, the rows by seed."""


def cell(
    train: Dataset, test: Dataset, size: int, seed: int, arm: str, side: int | None
) -> dict[str, object]:
    """One fit, and what it is worth."""
    assert train.oracle is not None and test.oracle is not None
    backbone, head = arm.split("-")
    ids = train.pool.ids()
    chosen = [ids[row] for row in np.random.default_rng(seed).permutation(len(ids))[:size]]
    labels = train.oracle.answer(chosen)
    learner = detector(seed, backbone=backbone, head=head, side=side)
    start, clock = time.process_time(), time.perf_counter()
    report = learner.fit(
        LabeledSet(chosen, [labels[id] for id in chosen], train.class_names), train.pool, cycle=1
    )
    fitted, waited = time.process_time(), time.perf_counter() - clock
    found = list(learner.detect(test.pool, test.pool.ids()))
    tested = time.process_time()
    truth = [Boxes.from_label(label) for label in test.oracle.answer(test.pool.ids()).values()]
    precision = mean_average_precision(judge_all(found, truth, train.class_names))
    return {
        "mAP": f"{precision.mean:.4f}",
        "fit_seconds": f"{fitted - start:.1f}",
        "test_seconds": f"{tested - fitted:.1f}",
        "steps": report.steps,
        "fit_clock": f"{waited:.1f}",
    }


def measure(said: argparse.Namespace) -> None:
    """All cells that are missing."""
    torch.set_num_threads(said.threads)
    train, test = (open_dataset(str(file), task="detection") for file in (said.train, said.test))
    done = {(row["set"], int(row["labels"]), int(row["seed"]), row["arm"]) for row in _rows(said.out)}
    for seed, size, arm in itertools.product(said.seeds, said.sizes, said.arms):
        key = (said.name, size, seed, arm)
        if key in done:
            continue
        with tempfile.TemporaryDirectory() as kept:
            os.environ["XDG_CACHE_HOME"] = kept
            row = dict(zip(COLUMNS, key, strict=False)) | cell(train, test, size, seed, arm, said.side)
        new = not said.out.exists()
        with said.out.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            if new:
                writer.writeheader()
            writer.writerow(row)
        print(row, flush=True)


def tables(file: Path) -> None:
    """Of each set: mAP of each arm, and its difference and time beside the light detector."""
    cells: dict[str, dict[tuple[int, str], dict[int, dict[str, str]]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for row in _rows(file):
        cells[row["set"]][int(row["labels"]), row["arm"]][int(row["seed"])] = row
    for name, found in cells.items():
        print(
            f"\n| {name}: labels | arm | seeds | mAP, % | against small-nce, points | fit, of small-nce's |"
        )
        print("|---|---|---|---|---|---|")
        for (labels, arm), rows in sorted(found.items()):
            base = found.get((labels, "small-nce"), {})
            both = sorted(rows.keys() & base.keys())
            against, ratio = "", ""
            if arm != "small-nce" and both:
                pairs = [[100 * float(each[seed]["mAP"]) for seed in both] for each in (rows, base)]
                said = paired_difference(*pairs)
                between = "" if said.low is None else f" ({said.low:+.1f} to {said.high:+.1f})"
                against = f"{said.spread.mean:+.1f}{between}"
                times = [float(rows[s]["fit_seconds"]) / float(base[s]["fit_seconds"]) for s in both]
                ratio = f"{fmean(times):.2f}"
            each = ", ".join(f"{100 * float(row['mAP']):.1f}" for _, row in sorted(rows.items()))
            print(f"| {labels} | {arm} | {each} | {against} | {ratio} |")


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path, nargs="?")
    parser.add_argument("test", type=Path, nargs="?")
    parser.add_argument("--name", default="images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=["small-nce", "lite0-nce", "lite0-softmax"])
    parser.add_argument("--side", type=int, default=None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--print", action="store_true", dest="show")
    said = parser.parse_args()
    if said.show:
        tables(said.out)
    else:
        measure(said)


if __name__ == "__main__":
    main()

"""What choosing by the boxes of a detector is worth: difficulty and entropy beside random images.

    python benchmarks/difficulty.py bccd_train.parquet bccd_test.parquet --seeds 0 1 2 3 4 5 6 7 8 9

TRAIN and TEST hold images with boxes. A seed begins with FIRST random images, the same for every arm; twice
an arm chooses as many more from a file of boxes that the detector found, as `ncenet select` does for any
detector's, and each time a detector on frozen pretrained maps learns anew. Then, of as many seeds as --again
says, *again* is the random arm once more, same seed and images: what a machine adds; and *redrawn* learns on
the random arm's images from other draws: what training adds. Each cell is appended to the CSV file when it is
done, and those that stand there are left out: killed, it goes on. --print prints the table: a seed counts
with its mean over the two rounds.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from detectors import detector

import ncenet
from ncenet.boxes import Boxes
from ncenet.compare.statistics import paired_difference
from ncenet.data.dataset import Dataset
from ncenet.data.open import open_dataset
from ncenet.functional.average_precision import judge_all, mean_average_precision
from ncenet.learners.detector import Detector
from ncenet.models.scorer import LEAST
from ncenet.types import LabeledSet

RESULTS = Path(__file__).parent / "results" / "difficulty.csv"
COLUMNS = ("seed", "arm", "labels", "mAP", "processor_seconds", "chosen")
FIRST = ROUND = 20
ROUNDS = 2
SIDE = 160
"""Of the images, as in recipes/bccd.yaml: with 256 a fit takes two and a half times as long."""
OTHER = 1000
"""Added to the seed of what is redrawn."""
RANDOM = "random"
ARMS: dict[str, dict[str, Any]] = {
    RANDOM: {},
    "entropy": {"strategy": "entropy"},
    "difficulty": {"strategy": "difficulty"},
    "difficulty, embeddings": {"strategy": "difficulty"},
}
NOISE = ("again", "redrawn")


def fitted(train: Dataset, chosen: list[str], seed: int) -> Detector:
    """A detector that learned on some images."""
    assert train.oracle is not None
    learner = detector(seed, side=SIDE)
    labels = train.oracle.answer(chosen)
    known = LabeledSet(chosen, [labels[id] for id in chosen], train.class_names)
    learner.fit(known, train.pool, cycle=1)
    return learner


def precision_of(learner: Detector, test: Dataset) -> float:
    """Its mean average precision, in percent."""
    assert test.oracle is not None
    ids = test.pool.ids()
    truth = test.oracle.answer(ids)
    found = list(learner.detect(test.pool, ids))
    said = judge_all(found, [Boxes.from_label(truth[id]) for id in ids], test.class_names)
    return 100 * mean_average_precision(said).mean


def scores(learner: Detector, train: Dataset, file: Path, *, embeddings: bool) -> Path:
    """What a detector says of all images, as a file of anybody's boxes."""
    columns: dict[str, list[Any]] = {"id": [], "boxes": []} | ({"embedding": []} if embeddings else {})
    for chunk in learner.predict(train.pool, train.pool.ids(), want=frozenset({"boxes", "features"})):
        assert chunk.features is not None
        for found, vector in zip(learner.objects(train.pool, chunk), chunk.features, strict=True):
            objects = zip(found.labels, found.scores, strict=True)
            columns["id"].append(found.id)
            columns["boxes"].append([{"label": a, "likelihood": b} for a, b in objects if b >= LEAST])
            if embeddings:
                columns["embedding"].append(vector.tolist())
    pq.write_table(pa.table(columns), file)
    return file


def measure(said: argparse.Namespace) -> None:
    """All cells that are missing."""
    torch.set_num_threads(1)
    train, test = (open_dataset(str(file), task="detection") for file in (said.train, said.test))
    cells = [(seed, tuple(ARMS)) for seed in said.seeds]
    for seed, arms in cells + [(seed, NOISE) for seed in said.seeds[: said.again]]:
        first: Detector | None = None
        for arm in arms:
            rows = {(int(row["seed"]), row["arm"], int(row["labels"])): row for row in read(said.out)}
            chosen = [
                train.pool.ids()[row]
                for row in np.random.default_rng(seed).permutation(len(train.pool.ids()))[:FIRST]
            ]
            learner = first
            for labels in range(FIRST + ROUND, FIRST + (ROUNDS + 1) * ROUND, ROUND):
                if done := rows.get((seed, arm, labels)):
                    chosen, learner = json.loads(done["chosen"]), None
                    continue
                began = time.process_time()
                if arm in NOISE:
                    chosen = json.loads(rows[seed, RANDOM, labels]["chosen"])
                elif arm == RANDOM:
                    others = [id for id in train.pool.ids() if id not in set(chosen)]
                    draws = np.random.default_rng([seed, labels])
                    chosen = chosen + [others[row] for row in draws.permutation(len(others))[:ROUND]]
                else:
                    learner = learner or fitted(train, chosen, seed)
                    first = first or (learner if len(chosen) == FIRST else None)
                    chosen = chosen + more(learner, train, chosen, arm)
                learner = fitted(train, chosen, seed + OTHER * (arm == "redrawn"))
                row = (seed, arm, labels, f"{precision_of(learner, test):.3f}")
                append(said.out, (*row, f"{time.process_time() - began:.1f}", json.dumps(chosen)))


def more(learner: Detector, train: Dataset, known: list[str], arm: str) -> list[str]:
    """What an arm asks for next."""
    with tempfile.TemporaryDirectory() as folder:
        file = scores(learner, train, Path(folder) / "boxes.parquet", embeddings="embeddings" in arm)
        skip = Path(folder) / "known.txt"
        skip.write_text("\n".join(known), encoding="utf-8")
        return list(ncenet.select(str(file), ROUND, exclude=[str(skip)], notify=False, **ARMS[arm]).ids)


def append(file: Path, row: tuple[Any, ...]) -> None:
    new = not file.exists()
    with file.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow(row)
    print(*row[:5], flush=True)


def read(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def table(file: Path) -> None:
    """What each arm found, and its difference to the random one over the seeds that both have done."""
    found: dict[str, dict[int, list[float]]] = {}
    for row in read(file):
        found.setdefault(row["arm"], {}).setdefault(int(row["seed"]), []).append(float(row["mAP"]))
    done = {
        arm: {seed: each for seed, each in seeds.items() if len(each) == ROUNDS}
        for arm, seeds in found.items()
    }
    sizes = " | ".join(f"mAP at {FIRST + (n + 1) * ROUND}, %" for n in range(ROUNDS))
    print(f"| arm | seeds | {sizes} | beside random, points | lowest, highest |")
    print("|---|---|" + "---|" * ROUNDS + "---|---|")
    for arm, seeds in done.items():
        means = " | ".join(f"{np.mean([each[n] for each in seeds.values()]):.1f}" for n in range(ROUNDS))
        both = sorted(seeds.keys() & done[RANDOM].keys())
        against = edges = ""
        if arm != RANDOM and len(both) > 1:
            pairs = [[float(np.mean(of[seed])) for seed in both] for of in (seeds, done[RANDOM])]
            said = paired_difference(*pairs)
            apart = [a - b for a, b in zip(*pairs, strict=True)]
            against = f"{said.spread.mean:+.2f} ({said.low:+.2f} to {said.high:+.2f})"
            edges = f"{min(apart):+.1f}, {max(apart):+.1f}"
        print(f"| {arm} | {len(seeds)} | {means} | {against} | {edges} |")


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path, nargs="?")
    parser.add_argument("test", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--again", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--print", action="store_true", dest="show")
    said = parser.parse_args()
    if said.show:
        table(said.out)
    else:
        measure(said)


if __name__ == "__main__":
    main()

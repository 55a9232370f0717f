"""When it pays to have pretrained weights learn on, beside a head on their frozen features; and its cost.

    python benchmarks/finetune.py TRAIN TEST --name clothing10 --sizes 100 300 1000 --seeds 0

Both arms learn the same random labels, with the NCE head, and are tested on all of TEST. "frozen" is a head
on vectors of lite0 that are there already; "tuned" is backbone lite0 with the steps that the flags say.
Seconds are those of the processor: of a fit, and of the predictions on TEST. Each cell is appended to the CSV
file when it is done, and cells that stand there are left out.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from pathlib import Path

import numpy as np
import torch

from ncenet.data.open import open_dataset
from ncenet.features.pool import VectorPool, open_source
from ncenet.learners.committee import build_learner
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet, Learner, Pool

RESULTS = Path(__file__).parent / "results" / "finetune.csv"
COLUMNS = ("set", "labels", "seed", "arm", "accuracy", "balanced", "fit_seconds", "test_seconds", "steps")


def worth(learner: Learner, pool: Pool, truth: dict[str, str], names: tuple[str, ...]) -> tuple[float, float]:
    """Accuracy and balanced accuracy, in percent."""
    chunks = learner.predict(pool, list(truth), want=frozenset())
    said = [names[best] for chunk in chunks for best in chunk.probs.argmax(-1).tolist()]
    right, labels = (
        np.array([a == b for a, b in zip(said, truth.values(), strict=True)]),
        list(truth.values()),
    )
    of = [right[[label == name for label in labels]].mean() for name in sorted(set(labels))]
    return 100 * float(right.mean()), 100 * float(np.mean(of))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--name", default="images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--min-steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--backbone-rate", type=float, default=0.01)
    parser.add_argument("--side", type=int)
    parser.add_argument("--arm", default="tuned", help="name of the arm that learns on, in the file")
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    torch.set_num_threads(1)
    steps = ("epochs", "min_steps", "batch_size", "lr", "backbone_rate")
    flags = {"model.backbone": "lite0", "data.image_size": said.side}
    tuned = Recipe().with_changes(flags | {f"train.{name}": getattr(said, name) for name in steps})
    frozen = Recipe().with_changes({"model.features": "lite0"})
    train, test = open_dataset(said.train), open_dataset(said.test)
    ids, test_ids = train.pool.ids(), test.pool.ids()
    source = open_source(frozen.model, pool=train.pool, ids=ids)
    vectors = {pool: VectorPool(pool, source) for pool in (train.pool, test.pool)}
    for pool in vectors.values():
        pool.embed(pool.ids())
    truth = test.required_oracle().answer(test_ids)
    done = set()
    if said.out.exists():
        with said.out.open(encoding="utf-8", newline="") as lines:
            done = {
                (row["set"], int(row["labels"]), int(row["seed"]), row["arm"])
                for row in csv.DictReader(lines)
            }
    for seed, size, arm in itertools.product(said.seeds, said.sizes, ("frozen", said.arm)):
        key = (said.name, size, seed, arm)
        if key in done or size > len(ids):
            continue
        recipe = frozen if arm == "frozen" else tuned
        pools = vectors if arm == "frozen" else {pool: pool for pool in vectors}
        chosen = [ids[row] for row in np.random.default_rng(seed).permutation(len(ids))[:size]]
        labels = train.required_oracle().answer(chosen)
        labeled = LabeledSet(chosen, [labels[id] for id in chosen], train.class_names)
        learner = build_learner(
            recipe.model, recipe.train, recipe.data, Streams(seed), flip_safe=train.flip_safe
        )
        start = time.process_time()
        report = learner.fit(labeled, pools[train.pool], cycle=1)
        fitted = time.process_time()
        found = worth(learner, pools[test.pool], truth, train.class_names)
        seconds = f"{fitted - start:.1f}", f"{time.process_time() - fitted:.1f}"
        row = (*key, *(f"{value:.1f}" for value in found), *seconds, report.steps)
        new = not said.out.exists()
        with said.out.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(COLUMNS)
            writer.writerow(row)
        print(row, flush=True)


if __name__ == "__main__":
    main()

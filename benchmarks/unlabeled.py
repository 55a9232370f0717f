"""What images without a label add to prototypes: soft k-means after the fit, with few labels a class.

    python benchmarks/unlabeled.py FOLDER --sets clothing10 grocery81 --seeds 5

FOLDER holds sets as benchmarks/stored.py reads them. Random labels, so many for each class on average.
Accuracy and balanced accuracy of the NCE head in %, and the differences in points, paired by seed, of the
same head whose prototypes the others of the pool have moved, with half the 95 % interval.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from first_labels import gain
from stored import Stored

from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.recipe import HeadRecipe
from selection import open_set

EACH = (1, 2, 3, 5, 10)
WEIGHTS = (1.0, 2.0, 5.0)


def measured(head: PrototypeClassifier, data: Stored) -> tuple[float, float]:
    with torch.no_grad():
        right = (head(data.test).argmax(1) == data.test_targets).double()
    of_class = [right[data.test_targets == c].mean() for c in data.test_targets.unique().tolist()]
    return float(right.mean()), float(torch.stack(of_class).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    moved_by = " | ".join(f"weight {weight:g} | balanced" for weight in WEIGHTS)
    print(f"| set | labels a class | accuracy | balanced | {moved_by} |")
    print(f"|---|---:|---:|---:|{'---:|' * 2 * len(WEIGHTS)}", flush=True)
    for name in args.sets:
        data = open_set(args.folder, name)
        for each in EACH:
            found = []  # (seeds, 1 + weights, 2)
            for seed in range(args.seeds):
                order = torch.from_numpy(np.random.default_rng(seed).permutation(len(data.pool)))
                rows, rest = order[: each * data.classes], order[each * data.classes :]
                torch.manual_seed(seed)
                head = build_head(HeadRecipe(), data.pool.shape[1], data.classes, stored=True)
                assert isinstance(head, PrototypeClassifier)
                fit_head(head, data.pool[rows], data.targets[rows])
                values = [measured(head, data)]
                for weight in WEIGHTS:
                    other = copy.deepcopy(head)
                    other.unlabeled = weight
                    other.settle(data.pool[rest], data.targets[rows])
                    values.append(measured(other, data))
                found.append(values)
            table = np.array(found)
            base = [f"{100 * table[:, 0, n].mean():.1f}" for n in range(2)]
            gains = [gain(table[:, 1 + w, n], table[:, 0, n]) for w in range(len(WEIGHTS)) for n in range(2)]
            print(f"| {name} | {each} | {' | '.join([*base, *gains])} |", flush=True)


if __name__ == "__main__":
    main()

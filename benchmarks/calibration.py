"""How far likelihoods on stored features are from how often they are right, before and after a temperature.

    python benchmarks/calibration.py FOLDER --sets clothing10 grocery81

FOLDER holds sets as benchmarks/stored.py reads them. Random labels; expected calibration error on the test
images: of the likelihood of the likeliest class as the head says it, of its share, of the share with the
temperature that labels left out in turn tell (five folds), and with the temperature that the test images
themselves would choose, which nobody knows. Means over seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from stored import Stored, open_stored
from torch import Tensor

from ncenet.functional.calibration import TINY, calibration_error, find_temperature, tempered
from ncenet.learners.folds import FOLDS
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import Head, build_head
from ncenet.recipe import HeadRecipe

LABELS_A_CLASS = (2, 5, 20)


def fitted(name: str, data: Stored, rows: Tensor) -> Head:
    torch.manual_seed(0)
    head = build_head(HeadRecipe(name=name), data.pool.shape[1], data.classes, stored=True)
    fit_head(head, data.pool[rows], data.targets[rows])
    return head


def said(head: Head, vectors: Tensor) -> Tensor:
    with torch.no_grad():
        return head.probs(head(vectors)).clamp_min(TINY).log()


def temperature(name: str, data: Stored, rows: Tensor) -> float:
    part = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)) % FOLDS
    logs, targets = [], []
    for fold in range(FOLDS):
        learned, asked = rows[part != fold], rows[part == fold]
        asked = asked[torch.isin(data.targets[asked], data.targets[learned])]
        logs.append(said(fitted(name, data, learned), data.pool[asked]))
        targets.append(data.targets[asked])
    return find_temperature(torch.cat(logs), torch.cat(targets))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | head | labels | right, % | likelihood | share | by labels left out | by test images | T |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in args.sets:
        data = open_stored(args.folder, name)
        for head_name in ("nce", "softmax"):
            for labels in (each * data.classes for each in LABELS_A_CLASS):
                if labels > len(data.pool) // 2:
                    continue
                rows = []
                for seed in range(args.seeds):
                    chosen = torch.from_numpy(
                        np.random.default_rng(seed).permutation(len(data.pool))[:labels]
                    )
                    logs, targets = said(fitted(head_name, data, chosen), data.test), data.test_targets
                    T = temperature(head_name, data, chosen)
                    best = find_temperature(logs, targets, by="error")
                    shares = [tempered(logs, each) for each in (1.0, T, best)]
                    errors = [calibration_error(each, targets) for each in (logs.exp(), *shares)]
                    right = float((logs.argmax(1) == targets).double().mean())
                    rows.append([100 * right, *(100 * error for error in errors), T])
                numbers = np.mean(rows, 0)
                cells = [f"{number:.1f}" for number in numbers[:-1]] + [f"{numbers[-1]:.2f}"]
                print(f"| {name} | {head_name} | {labels} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""How strongly softmax is to be pulled where one class prevails: what rules gain there, and cost elsewhere.

    python benchmarks/ridge.py FOLDER magnetictile --sizes 10 30 100 --seeds 10
    python benchmarks/ridge.py FOLDER cifar10 clothing10 fashion_mnist --pairs --sizes 10 30 100 --seeds 10

FOLDER holds sets as benchmarks/stored.py reads them. With ``--pairs`` each draw is of two random classes of a
set, one of them with half, 0.7 or 0.9 of the images. The rules choose among the pulls of
`ncenet.learners.ridge`: "plain" never tries a stronger one, "ours" takes one that is twenty times as likely,
"likeliest" the likeliest, "doubting" begins with the strongest and takes a weaker one that is twenty times
as likely, and "strongest" always names the common class, nearly. Accuracy and balanced accuracy on the test
images, in percent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch
from head_fit import right
from stored import Stored, open_stored
from torch import Tensor

from ncenet.learners.head_fit import STEPS, _trials
from ncenet.learners.ridge import CLEARLY, FACTORS, FOLDS, MOST, UP_TO, _log_likelihood
from ncenet.nn.heads import build_head
from ncenet.recipe import HeadRecipe

PULLS = (1.0, *FACTORS)
SHARES = (0.5, 0.7, 0.9)
RULES = ("plain", "ours", "likeliest", "doubting", "strongest")


class Task(NamedTuple):
    """Vectors and targets to draw from and to test on."""

    pool: Tensor
    targets: Tensor
    test: Tensor
    truth: Tensor
    classes: int


def pick(rule: str, likely: list[float]) -> int:
    """Which of PULLS a rule takes, from the log likelihood of labels that are left out.

    >>> [pick(rule, [-9.0, -5.0, -7.0, -8.0]) for rule in RULES]
    [0, 1, 1, 1, 3]
    >>> [pick(rule, [-9.0, -7.0, -7.0, -8.0]) for rule in RULES]
    [0, 0, 1, 3, 3]
    """
    order = range(len(likely)) if rule in ("ours", "likeliest") else range(len(likely))[::-1]
    need = 0.0 if rule == "likeliest" else CLEARLY
    if rule in ("plain", "strongest"):
        return 0 if rule == "plain" else len(likely) - 1
    best = order[0]
    floor = likely[best] + need
    for n in order[1:]:
        if likely[n] > floor:
            best, floor = n, likely[n]
    return best


def pairs(data: Stored, share: float, seed: int) -> Task:
    """Two random classes of a set, the first with such a share of all images."""
    both = torch.randperm(data.classes, generator=torch.Generator().manual_seed(100 + seed))[:2].tolist()

    def rows(targets: Tensor) -> Tensor:
        of = [(targets == c).nonzero().flatten() for c in both]
        parts = (share, 1 - share)
        most = min(int(len(each) / part) for each, part in zip(of, parts, strict=True))
        return torch.cat([each[: int(most * part)] for each, part in zip(of, parts, strict=True)])

    here, there = rows(data.targets), rows(data.test_targets)
    truth = [(targets == both[1]).long() for targets in (data.targets[here], data.test_targets[there])]
    return Task(data.pool[here], truth[0], data.test[there], truth[1], 2)


def draw(task: Task, size: int, seed: int) -> Iterator[tuple[float, float]]:
    """What each rule comes to on one draw of labels."""
    rows = torch.randperm(len(task.pool), generator=torch.Generator().manual_seed(seed))[:size]
    vectors, targets = task.pool[rows].float(), task.targets[rows]
    head = build_head(HeadRecipe(name="softmax"), vectors.shape[1], task.classes, stored=True)
    head.meet(targets)
    fit = _trials(head, STEPS)
    fold = torch.empty(size, dtype=torch.long)
    fold[torch.argsort(targets, stable=True)] = torch.arange(size) % FOLDS
    tried = size <= UP_TO and MOST * size <= targets.bincount().max() < size
    likely = [_log_likelihood(pull, vectors, targets, fold, fit) for pull in PULLS] if tried else []
    found = [right(fit(pull, vectors, targets)(task.test).argmax(1), task.truth) for pull in PULLS]
    for rule in RULES:
        yield found[pick(rule, likely) if tried or rule == "strongest" else 0]


def main() -> None:
    """Print a row for each set, share and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pairs", action="store_true", help="two classes of each set at a time")
    said = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | labels | draws |", " | ".join(RULES), "|")
    print("|---|---:|---:|" + "---:|" * len(RULES))
    for name in said.sets:
        data = open_stored(said.folder, name)
        whole = Task(data.pool, data.targets, data.test, data.test_targets, data.classes)
        for share in SHARES if said.pairs else (None,):
            for size in said.sizes:
                tasks = [whole if share is None else pairs(data, share, seed) for seed in range(said.seeds)]
                draws = [
                    list(draw(task, size, seed)) for seed, task in enumerate(tasks) if len(task.pool) >= size
                ]
                cells = [
                    f"{mean(a for a, _ in column):.1f} / {mean(b for _, b in column):.1f}"
                    for column in zip(*draws, strict=True)
                ]
                of = name if share is None else f"{name}, two classes, {share:g}"
                print(f"| {of} | {size} | {len(draws)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""Query strategies on stored features, with two heads, over several sets and seeds: the runs.

    python benchmarks/selection.py FOLDER --sets clothing10 cifar10 --seeds 10 --out runs.csv

FOLDER holds sets as benchmarks/stored.py reads them; NAME-lt is set NAME with its pool thinned to a tail, and
NAME:CLASS is a set of two classes, CLASS and all others.
An arm is a head and a strategy, such as "nce herding"; "first" behind it means that the first images, too,
are herded and not drawn at random. Every arm of a seed starts from the same random images, two for each
class on average, and asks twenty times for as many images as there are classes, but 10 to 40. Seeds go on
outside, so that whatever has finished is balanced; what stands in the file is not run again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from stored import Stored, open_stored
from torch import Tensor

from ncenet.data.long_tail import class_sizes
from ncenet.functional import herd, typical_distance
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import Head, build_head
from ncenet.recipe import HeadRecipe
from ncenet.strategies import strategies
from ncenet.types import Prediction, QueryStrategy

ARMS = (
    "softmax random",
    "softmax margin",
    "softmax entropy",
    "softmax badge",
    "softmax core-set",
    "softmax typiclust",
    "softmax uherding",
    "nce random",
    "nce margin",
    "nce rejection",
    "nce confusion",
    "nce herding",
    "nce herding first",
    "nce refine",
    "softmax typiclust-margin",
    "softmax fast-bait",
    "softmax scikit-activeml:Badge",
    "softmax scikit-activeml:TypiClust",
    "paper random",
    "paper rejection",
    "paper confusion",
)
QUERIES = 20
TAIL = 50
"""Of a long tail: the commonest class keeps so many times the images of the rarest."""
FIELDS = ("set", "arm", "seed", "cycle", "labels", "accuracy", "balanced", "seconds")


class View:
    """What a strategy sees of a head and stored vectors."""

    def __init__(self, head: Head, data: Stored, labeled: Sequence[int], needs: frozenset[str]) -> None:
        self._head, self._data, self._needs = head, data, needs
        self.chances: Tensor | None = None  # (N,) of the pool: to belong to a class
        known = set(labeled)
        self.offer([row for row in range(len(data.pool)) if row not in known])
        self._labeled = list(labeled)
        self.labeled_ids = [f"{row:06}" for row in labeled]
        self.labels = data.targets[self._labeled].tolist()

    def offer(self, rows: list[int]) -> None:
        """What may be asked for."""
        self._rows, self.ids = rows, [f"{row:06}" for row in rows]

    def inputs(self, ids: Sequence[str]) -> Tensor:
        raise NotImplementedError("no strategy here reads images")

    def predictions(self) -> Iterator[Prediction]:
        for said in self._predict(self.ids, self._rows):
            known = {} if self.chances is None else {"in_scope": self.chances[self._rows].float()}
            yield replace(said, extras={**said.extras, **known})

    def labeled_predictions(self) -> Iterator[Prediction]:
        return self._predict(self.labeled_ids, self._labeled)

    def _predict(self, ids: Sequence[str], rows: list[int]) -> Iterator[Prediction]:
        if not rows:
            return
        vectors = self._data.pool[rows]
        with torch.no_grad():
            extras = {"in_radii": self._head.in_radii(vectors)} if "in_radii" in self._needs else {}
            yield Prediction(ids, self._head.probs(self._head(vectors)), vectors, extras)


def run(data: Stored, arm: str, seed: int, queries: int) -> Iterator[dict[str, object]]:
    name, how, *start = arm.split()
    how, _, theirs = how.partition(":")
    strategy: QueryStrategy = strategies.get(how)(**({"name": theirs} if theirs else {}))
    first, size = 2 * data.classes, min(max(data.classes, 10), 40)
    if start:
        radius = 0.35 * typical_distance(data.pool)
        labeled = herd(data.pool, first, radius).indices.tolist()
    else:
        labeled = np.random.default_rng(seed).permutation(len(data.pool))[:first].tolist()
    for cycle in range(queries + 1):
        begun = time.perf_counter()
        torch.manual_seed(1000 * seed + cycle)
        head = build_head(HeadRecipe(name=name), data.pool.shape[1], data.classes, stored=True)
        fit_head(head, data.pool[labeled], data.targets[labeled])
        with torch.no_grad():
            right = (head(data.test).argmax(1) == data.test_targets).double()
        classes = data.test_targets.unique().tolist()
        balanced = torch.stack([right[data.test_targets == c].mean() for c in classes]).mean()
        if cycle < queries:
            view = View(head, data, labeled, strategy.needs)
            rng = torch.Generator().manual_seed(1000 * seed + cycle)
            labeled += [int(image) for image in strategy.query(view, size, rng=rng).ids]
        yield {
            "set": data.name,
            "arm": arm,
            "seed": seed,
            "cycle": cycle,
            "labels": first + cycle * size,
            "accuracy": f"{float(right.mean()):.5f}",
            "balanced": f"{float(balanced):.5f}",
            "seconds": f"{time.perf_counter() - begun:.3f}",
        }


def open_set(folder: Path, name: str) -> Stored:
    """A set by its name; with -lt behind it, its pool as a long tail (classes in a random order)."""
    whole, _, one = name.partition(":")
    data = open_stored(folder, whole.removesuffix("-lt"))
    if one:
        with np.load(folder / f"{whole}_train.npz") as train:
            names = sorted(set(train["labels"].tolist()))
        targets, test_targets = ((t == names.index(one)).long() for t in (data.targets, data.test_targets))
        return replace(data, name=name, targets=targets, test_targets=test_targets, classes=2)
    if not name.endswith("-lt"):
        return data
    order = torch.randperm(len(data.pool), generator=torch.Generator().manual_seed(0))
    ranks = torch.randperm(data.classes, generator=torch.Generator().manual_seed(0)).tolist()
    members = [order[data.targets[order] == c] for c in ranks]
    sizes = class_sizes([len(of_class) for of_class in members], TAIL)
    rows = torch.cat([of_class[:size] for of_class, size in zip(members, sizes, strict=True)]).sort().values
    return replace(data, name=name, pool=data.pool[rows], targets=data.targets[rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", required=True)
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    done = set()
    if args.out.exists():
        with args.out.open(newline="", encoding="utf-8") as file:
            done = {(row["set"], row["arm"], int(row["seed"])) for row in csv.DictReader(file)}
    sets = {name: open_set(args.folder, name) for name in args.sets}
    with args.out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if not done:
            writer.writeheader()
        for seed in range(args.seeds):
            for name, data in sets.items():
                for arm in args.arms:
                    if (name, arm, seed) not in done:
                        writer.writerows(list(run(data, arm, seed, args.queries)))  # whole runs alone
                        file.flush()
                        print(f"{name}, {arm}, seed {seed}", flush=True)


if __name__ == "__main__":
    main()

"""What should learn on data that are vectors: a head alone, as on those of a network, or a perceptron.

    python benchmarks/own_vectors.py FOLDER --sets clothing10 grocery81 --lengths 8 16 32 64 --seeds 3

FOLDER holds sets as benchmarks/stored.py reads them; ``--lengths`` takes besides so many of the principal
components of each set. Of scikit-learn come digits (64 numbers), breast cancer (30), wine (13) and iris (4),
half of whose rows are the pool. Random labels; accuracy and balanced accuracy on the test rows, in percent,
as the recipe's defaults learn with ``model.features: data`` and with ``model.backbone: mlp``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import t
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score

from ncenet.data.pools import ArrayPool
from ncenet.learners.classifier import Classifier
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

TABLES = {"digits": load_digits, "breast cancer": load_breast_cancer, "wine": load_wine, "iris": load_iris}
LEARNERS: dict[str, dict[str, Any]] = {
    "head alone": {"model.features": "data"},
    "perceptron": {"model.backbone": "mlp"},
}


class Vectors(NamedTuple):
    """A pool, and rows to test on."""

    name: str
    pool: npt.NDArray[np.float32]
    labels: npt.NDArray[np.str_]
    test: npt.NDArray[np.float32]
    truth: npt.NDArray[np.str_]


def of_tables() -> Iterator[Vectors]:
    for name, load in TABLES.items():
        table = load()
        rows = np.random.default_rng(0).permutation(len(table.data))
        pool, test = np.array_split(rows, 2)
        vectors, labels = table.data.astype(np.float32), table.target.astype(str)
        yield Vectors(name, vectors[pool], labels[pool], vectors[test], labels[test])


def of_networks(folder: Path, name: str, lengths: list[int]) -> Iterator[Vectors]:
    with np.load(folder / f"{name}_train.npz") as train, np.load(folder / f"{name}_test.npz") as test:
        pool, rows = train["features"].astype(np.float32), test["features"].astype(np.float32)
        labels, truth = train["labels"].astype(str), test["labels"].astype(str)
    known = np.isin(truth, labels)
    rows, truth = rows[known], truth[known]
    yield Vectors(name, pool, labels, rows, truth)
    for length in lengths:
        reduce = PCA(length, random_state=0).fit(pool)
        short, short_rows = (reduce.transform(each).astype(np.float32) for each in (pool, rows))
        yield Vectors(name, short, labels, short_rows, truth)


def accuracies(data: Vectors, count: int, seed: int, changes: dict[str, Any]) -> tuple[float, float]:
    """Accuracy and balanced accuracy after so many random labels, in percent."""
    recipe = Recipe().with_changes(changes)
    pool, names = ArrayPool(data.pool), tuple(sorted(set(data.labels.tolist())))
    rows = np.random.default_rng(seed).permutation(len(data.pool))[:count].tolist()
    learner = Classifier(recipe.model, recipe.train, recipe.data, Streams(seed))
    ids = [pool.ids()[row] for row in rows]
    learner.fit(LabeledSet(ids, data.labels[rows].tolist(), names), pool, cycle=0)
    test = ArrayPool(data.test)
    said = torch.cat([chunk.probs for chunk in learner.predict(test, test.ids(), want=frozenset())])
    predicted = np.array(names)[said.argmax(1).numpy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that nothing is tested on
        balanced = balanced_accuracy_score(data.truth, predicted)
    return 100 * float(np.mean(predicted == data.truth)), 100 * float(balanced)


def row(data: Vectors, count: int, seeds: int) -> str:
    found = {
        name: np.array([accuracies(data, count, seed, changes) for seed in range(seeds)])
        for name, changes in LEARNERS.items()
    }
    ours, other = found.values()
    cells = [f"{mean(ours[:, 0]):.1f}", f"{mean(other[:, 0]):.1f}"]
    for measure in range(2):
        by_seed = (ours - other)[:, measure].tolist()
        half = t.ppf(0.975, seeds - 1) * stdev(by_seed) / seeds**0.5
        cells.append(f"{mean(by_seed):+.1f} ± {half:.1f}")
    return f"| {data.name} | {data.pool.shape[1]:,} | {count} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--lengths", type=int, nargs="*", default=[])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 60, 200])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | numbers | labels | head alone | perceptron | difference | balanced |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    sources = [of_tables(), *(of_networks(args.folder, name, args.lengths) for name in args.sets)]
    for source in sources:
        for data in source:
            for count in args.sizes:
                if count < len(data.pool):
                    print(row(data, count, args.seeds), flush=True)


if __name__ == "__main__":
    main()

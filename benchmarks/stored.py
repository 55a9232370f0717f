"""Sets of stored features for the benchmarks of heads and selection.

    python benchmarks/stored.py FOLDER clothes_train.parquet clothes_test.parquet cars/ --most 5000

A set NAME is two files, NAME_train.npz and NAME_test.npz, with ``features`` (N, D) and ``labels`` (N,).
Vectors of any network will do; `numpy.savez` writes such a file. As a program it writes one for each data set
that it is given (labelled images as `ncenet` reads them), with the vectors that `--features` would have; of
more than ``--most`` images random ones.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ncenet.data.open import open_dataset
from ncenet.data.pools import Subset
from ncenet.features.pool import VectorPool, open_source
from ncenet.nn.principal import PrincipalComponents
from ncenet.recipe import ModelRecipe


@dataclass(frozen=True)
class Stored:
    """Vectors as the head reads them: principal components of the pool, at length 1."""

    name: str
    pool: Tensor
    targets: Tensor
    test: Tensor
    test_targets: Tensor
    classes: int
    raw: Tensor
    raw_test: Tensor


def open_stored(folder: Path, name: str, components: int = 256, limit: int | None = None) -> Stored:
    with np.load(folder / f"{name}_train.npz") as train, np.load(folder / f"{name}_test.npz") as test:
        names = sorted(set(train["labels"].tolist()))
        known = np.isin(test["labels"], names)
        raw, raw_test = (
            torch.from_numpy(np.asarray(f, dtype=np.float32))
            for f in (train["features"], test["features"][known])
        )
        targets, test_targets = (
            torch.tensor([names.index(label) for label in labels.tolist()])
            for labels in (train["labels"], test["labels"][known])
        )
    if limit is not None and limit < len(raw):
        rows = torch.randperm(len(raw), generator=torch.Generator().manual_seed(0))[:limit]
        raw, targets = raw[rows], targets[rows]
    reduce = PrincipalComponents.of(raw, components)
    return Stored(name, reduce(raw), targets, reduce(raw_test), test_targets, len(names), raw, raw_test)


def write(folder: Path, data: Path, features: str, most: int | None) -> None:
    dataset = open_dataset(str(data))
    ids = list(dataset.pool.ids())
    if most is not None and most < len(ids):
        ids = [ids[row] for row in sorted(np.random.default_rng(0).permutation(len(ids))[:most])]
    pool = Subset(dataset.pool, ids)
    vectors = VectorPool(pool, open_source(ModelRecipe(features=features), pool=pool, ids=ids)).rows(ids)
    labels = dataset.required_oracle().answer(ids)
    np.savez(folder / data.stem, features=vectors, labels=np.array([labels[id] for id in ids]))
    print(f"{data.stem}: {len(ids):,} vectors of {vectors.shape[1]:,} numbers", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--features", default="lite0")
    parser.add_argument("--most", type=int)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for data in args.data:
        write(args.folder, data, args.features, args.most)


if __name__ == "__main__":
    main()

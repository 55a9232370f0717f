"""Sets of stored features for the benchmarks of heads and selection.

A set NAME is two files, NAME_train.npz and NAME_test.npz, with ``features`` (N, D) and ``labels`` (N,).
Vectors of any network will do; `numpy.savez` writes such a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ncenet.nn.principal import PrincipalComponents


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

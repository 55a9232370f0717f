"""CIFAR-10 and CIFAR-100: small photographs, 32 x 32 pixels."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import numpy as np

from ncenet.data.builtin import BuiltinSet, datasets, not_here
from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.pools import ArrayPool
from ncenet.data.rows import RowIds

_MEGABYTES = 170


@datasets.register("cifar10")
def cifar10() -> BuiltinSet:
    """The paper's main data set."""
    return _describe("cifar10", 10)


@datasets.register("cifar100")
def cifar100() -> BuiltinSet:
    """The same with a hundred classes."""
    return _describe("cifar100", 100)


def _describe(name: str, classes: int) -> BuiltinSet:
    return BuiltinSet(
        name=name,
        description=f"photographs of {classes} kinds of animals and things, 32 x 32 RGB",
        licence="none stated; for research (University of Toronto)",
        images=(50_000, 10_000),
        classes=classes,
        download_mb=_MEGABYTES,
        open=functools.partial(_open, name),
    )


def _open(name: str, split: Split, root: Path, download: bool) -> Dataset:
    import torchvision.datasets

    reader = torchvision.datasets.CIFAR10 if name == "cifar10" else torchvision.datasets.CIFAR100
    try:
        with warnings.catch_warnings():
            # The published files are pickles of an old NumPy, of which a new one disapproves.
            warnings.simplefilter("ignore")
            data = reader(root, train=split == "train", download=download)
    except RuntimeError as error:
        if download:
            raise
        raise not_here(name, _MEGABYTES, root) from error
    ids = RowIds(f"{split}/", len(data.data))
    names = tuple(data.classes)
    labels = {id: names[target] for id, target in zip(ids, data.targets, strict=True)}
    return Dataset(f"{name} ({split})", ArrayPool(np.asarray(data.data), ids), Oracle(labels), names)

"""Long tails: a balanced data set thinned, so that its classes become as unequal as real ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

from ncenet.data.dataset import Dataset, Oracle
from ncenet.errors import DataError


def class_sizes(counts: Sequence[int], ratio: float) -> list[int]:
    """How many images each class keeps under a power law.

    The class of rank r keeps n (r + 1)^-a images, where a = log(ratio) / log(C), so the last of C classes
    keeps one for every ``ratio`` of the first; n is as large as all classes allow, and no class vanishes.

    Args:
        counts: images of each of the C classes, in the order of their ranks.
        ratio: at least 1; 1 keeps the classes equal.

    >>> class_sizes([6000, 6000, 6000, 6000], 100)
    [6000, 600, 156, 60]
    """
    exponent = math.log(ratio) / math.log(len(counts)) if len(counts) > 1 else 0.0
    shares = [(rank + 1) ** -exponent for rank in range(len(counts))]
    largest = min(count / share for count, share in zip(counts, shares, strict=True))
    return [max(1, round(largest * share)) for share in shares]


def long_tailed(dataset: Dataset, ratio: float) -> Dataset:
    """The data set with each class thinned; the first class is the commonest, the last the rarest.

    Which images stay is decided by a hash of their ids: the same ones in every run and for every seed, so
    that all arms of a comparison see the same data.

    Args:
        dataset: images with labels.
        ratio: images of the commonest class for each one of the rarest.

    Raises:
        DataError: the images have no labels, or a class has no image.
    """
    ids = dataset.pool.ids()
    labels = dataset.required_oracle().answer(ids)
    members: dict[str, list[str]] = {name: [] for name in dataset.class_names}
    for id in ids:
        members[labels[id]].append(id)
    empty = [name for name, of_class in members.items() if not of_class]
    if empty:
        raise DataError(f"{dataset.name}: no long tail, the class {empty[0]!r} has no image")
    sizes = class_sizes([len(of_class) for of_class in members.values()], ratio)
    kept: set[str] = set()
    for of_class, size in zip(members.values(), sizes, strict=True):
        kept.update(sorted(of_class, key=_digest)[:size])
    # An oracle of its own: what is handed out from now on is counted, this look is not.
    oracle = Oracle({id: labels[id] for id in ids if id in kept})
    return replace(dataset.subset([id for id in ids if id in kept]), oracle=oracle)


def _digest(id: str) -> bytes:
    return hashlib.blake2b(id.encode(), digest_size=16).digest()

"""What computing the features of a run would cost: how many are missing, and how fast they come."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ncenet.counts import count_of
from ncenet.data.open import open_train
from ncenet.errors import UnreadableImage
from ncenet.features.vectors import VectorTable
from ncenet.loop.networks import pools_of, source_of
from ncenet.recipe import OWN, Recipe
from ncenet.types import Pool

HASHED = 1000
"""Of a larger pool so many images are looked up in the store (ours); hashing a million takes an hour."""


class EmbeddingCost(NamedTuple):
    """An estimate for the images of one run, or of all runs on the same images.

    Attributes:
        features: name of the extractor.
        data: the images, as the recipe names them, or the data set of several.
        images: in pool and test set, those that the learner reads as vectors.
        missing: those that have no vector yet.
        speed: images a second, of reading, decoding and the network; 0 where none was timed.
    """

    features: str
    data: str
    images: int
    missing: int
    speed: float

    @property
    def seconds(self) -> float:
        """That embedding what is missing takes."""
        return self.missing / self.speed if self.missing else 0.0

    def __str__(self) -> str:
        """In a line.

        >>> print(EmbeddingCost("lite0", "photos", 3000, 1500, 50.0))
        lite0 of photos: about 1,500 of 3,000 images have no vector yet; 50 a second, timed on some of them
        >>> print(EmbeddingCost("lite0", "photos", 300, 1, 50.0))
        lite0 of photos: 1 of 300 images has no vector yet; 50 a second, timed on some of them
        >>> print(EmbeddingCost("lite0", "photos", 300, 300, 5.0))
        lite0 of photos: none of 300 images has a vector yet; 5.0 a second, timed on some of them
        >>> print(EmbeddingCost("lite0", "photos", 3000, 0, 0.0))
        lite0 of photos: all 3,000 images have a vector already
        """
        of, images = f"{self.features} of {self.data}", count_of(self.images, "image")
        if not self.missing:
            return (
                f"{of}: all {images} have a vector already"
                if self.images > 1
                else f"{of}: the image has a vector already"
            )
        about = "about " * (self.images > HASHED)
        count = f"{about}{self.missing:,} of {images} {'has' if self.missing == 1 else 'have'} no vector yet"
        if self.missing == self.images:
            count = f"none of {images} has a vector yet"
        return f"{of}: {count}; {self.speed:.{0 if self.speed >= 10 else 1}f} a second, timed on some of them"


def embedding_of(recipe: Recipe) -> EmbeddingCost | None:
    """Look some images up in the store, and time the extractor on a few that are not there. None are kept.

    Args:
        recipe: the whole run.

    Returns:
        None without features, or with vectors that are there already.

    Raises:
        UsageError: there are no such features.
        DataError: vectors or weights are not what they should be, or an image has no vector in such a file.
    """
    name = recipe.model.features
    if name in (None, OWN):
        return None
    train = open_train(recipe)
    pools, source = pools_of(recipe, train), source_of(recipe, train)
    if isinstance(source, VectorTable):
        for pool in pools:
            source.check(pool.ids())
        return None
    images, missing, speed = 0, 0, 0.0
    for pool in pools:
        hashes = _hashes(pool)
        absent = source.missing(hashes, list(hashes))
        images += len(pool.ids())
        missing += round(len(pool.ids()) * len(absent) / max(1, len(hashes)))
        if absent and not speed:
            speed = source.speed(pool, absent)
    return EmbeddingCost(name, Path(recipe.data.train).name, images, missing, speed)


def _hashes(pool: Pool) -> dict[str, str]:
    """Content hash by id, of all images or of a random part; what cannot be read is left out."""
    ids, found = pool.ids(), {}
    rows = np.random.default_rng(0).permutation(len(ids))[:HASHED]
    for row in np.sort(rows).tolist():
        try:
            found[ids[row]] = pool.content_hash(ids[row])
        except UnreadableImage:
            continue
    return found

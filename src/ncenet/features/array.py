"""Features of a data set as an array, for whoever wants to do something of their own with them."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.open import open_dataset
from ncenet.errors import UnreadableImage, UsageError
from ncenet.features.pool import named, open_source
from ncenet.features.vectors import VectorTable
from ncenet.progress import Onlooker, Watch
from ncenet.recipe import Framing
from ncenet.types import Pool

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, repr=False)
class ImageVectors:
    """A vector for each image that can be read.

    Attributes:
        ids: N ids.
        vectors: (N, D) float32, in their order.
        unreadable: images that have none, and why.
    """

    ids: tuple[str, ...]
    vectors: npt.NDArray[np.float32]
    unreadable: tuple[UnreadableImage, ...] = ()

    def __repr__(self) -> str:
        """How many of what size, shortly."""
        count, dim = self.vectors.shape
        return f"ImageVectors({count:,} of {dim:,} numbers; {len(self.unreadable):,} unreadable)"


def of(
    images: str | PathLike[str] | Dataset | Pool,
    features: str = "lite0",
    *,
    weights: str | PathLike[str] | None = None,
    framing: Framing | None = None,
    split: Split = "train",
    workers: int = 2,
    notify: Watch = None,
) -> ImageVectors:
    """Features of images by a pretrained network; computed once, and kept for all runs.

    Args:
        images: as :meth:`ncenet.Dataset.open` takes them, or what it returns, or a pool of your own.
        features: lite0, lite2, timm:NAME, one of a plug-in, or a file of vectors.
        weights: file of weights for it, in the place of its own.
        framing: how images become squares: crop, squash or pad. Default: its own way.
        split: of a built-in set.
        workers: threads that decode.
        notify: told of the progress. Default: it is shown; False: it is not.

    Raises:
        UsageError: there are no such images or features.
        MissingExtra: a package is not installed.
        DataError: the vectors or weights are not what they should be.

    >>> import ncenet
    >>> ncenet.features.of("digits", "gits")
    Traceback (most recent call last):
    ...
    ncenet.errors.UnknownName: unknown extractor 'gits': did you mean 'gist'? known: gist, lite0, lite2, timm
    """
    if isinstance(images, str | PathLike):
        images = open_dataset(str(images), split=split, task=None)
    pool = images.pool if isinstance(images, Dataset) else images
    recipe = named(features, weights=weights, framing=framing)
    source, ids = open_source(recipe, pool=pool, ids=pool.ids(), workers=workers), list(pool.ids())
    if isinstance(source, VectorTable):
        return ImageVectors(tuple(ids), source.rows(ids))
    bad: list[UnreadableImage] = []
    with Onlooker(notify).at_work() as show:
        source.embed(
            pool,
            ids,
            progress=lambda done, total: show({"event": "embed", "done": done, "total": total}),
            bad=bad.append,
        )
    broken = {problem.id for problem in bad}
    sound = tuple(id for id in ids if id not in broken)
    if not sound:
        raise UsageError(f"none of {count_of(len(ids), 'image')} can be read, the first: {bad[0]}")
    return ImageVectors(sound, source.store.get([pool.content_hash(id) for id in sound]), tuple(bad))

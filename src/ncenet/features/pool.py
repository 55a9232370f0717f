"""A pool of images seen as vectors, and the door from a recipe to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ncenet.counts import count_of
from ncenet.data.pools import VectorRows, channels_of
from ncenet.errors import DataError, UsageError
from ncenet.features.names import VECTORS_ALREADY
from ncenet.features.vectors import VectorTable, is_vectors
from ncenet.nn.sources import trust
from ncenet.recipe import OWN, Framing, ModelRecipe, Recipe
from ncenet.types import Pool

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.features.embed import Embedder, Progress


class VectorPool(VectorRows):
    """The images of a pool as vectors, under the same ids and content hashes.

    Args:
        images: the pool.
        source: makes or holds the vectors; or a function that opens it, called when the first is needed: a
            network takes seconds to import.
        hashes: content hash by id, of images that were looked at before; others are hashed when they are
            asked for.
    """

    def __init__(
        self,
        images: Pool,
        source: Embedder | VectorTable | Callable[[], Embedder | VectorTable],
        hashes: Mapping[str, str] | None = None,
    ) -> None:
        self.images, self._source = images, source
        self._hashes = dict(hashes or {})

    @cached_property
    def source(self) -> Embedder | VectorTable:
        """What makes or holds the vectors."""
        return self._source() if callable(self._source) else self._source

    @property
    def dim(self) -> int:
        """D."""
        return self.source.dim

    @property
    def fingerprint(self) -> str:
        """That of the extractor, or of the file of vectors."""
        return self.source.fingerprint

    def ids(self) -> Sequence[str]:
        """Those of the images."""
        return self.images.ids()

    def content_hash(self, id: str) -> str:
        """That of the image."""
        if id not in self._hashes:
            self._hashes[id] = self.images.content_hash(id)
        return self._hashes[id]

    def load(self, id: str) -> npt.NDArray[np.float32]:
        """The vector (D,) of an image.

        Raises:
            UnreadableImage: the image cannot be decoded.
            DataError: there is no such id, or no vector for it.
        """
        vector: npt.NDArray[np.float32] = self.rows([id])[0]
        return vector

    def rows(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) in the order of ``ids``; those that are missing are computed and kept.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: there is no such id, no vector for it, or an image has changed since it was looked at.
        """
        if isinstance(self.source, VectorTable):
            return self.source.rows(ids)
        self.embed(ids)
        return self.source.store.get([self.content_hash(id) for id in ids])

    def embed(self, ids: Sequence[str], progress: Progress = lambda done, total: None) -> int:
        """Compute the vectors that are missing; how many those were.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: an image has changed since it was looked at, or has no vector in the file that the
                vectors come from.
        """
        if isinstance(self.source, VectorTable):
            self.source.check(ids)
            return 0
        missing = self.missing(ids)
        computed = self.source.embed(self.images, missing, progress=progress) if missing else 0
        changed = self.missing(missing)
        if changed:
            others = f", and {count_of(len(changed) - 1, 'other image')}" if changed[1:] else ""
            raise DataError(
                f"{changed[0]}: has changed since it was looked at{others}; run the command again"
            )
        return computed

    def known(self) -> list[str]:
        """Ids that have a vector by now, of images that were looked at, in the order of the pool."""
        if isinstance(self.source, VectorTable):
            return [id for id in self.ids() if id in self.source]
        return self.present([id for id in self.ids() if id in self._hashes])

    def present(self, ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` that have a vector by now, whoever computed it."""
        if isinstance(self.source, VectorTable):
            return list(ids)
        self.source.store.refresh()
        there = self.source.store.has([self.content_hash(id) for id in ids])
        return [id for id, found in zip(ids, there, strict=True) if found]

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` that have no vector yet; of several with the same bytes the first."""
        if isinstance(self.source, VectorTable):
            return []
        return self.source.missing({id: self.content_hash(id) for id in ids}, ids)


def named(
    features: str, *, weights: str | PathLike[str] | None = None, framing: Framing | None = None
) -> ModelRecipe:
    """The section of a recipe that names features, which somebody asked for without one.

    Args:
        features: lite0, lite2, timm:NAME, one of a plug-in, or a file of vectors; the name is trusted.
        weights: file of weights for it, in the place of its own.
        framing: how images become squares. Default: its own way.

    Raises:
        UsageError: they are no such names.
    """
    trust(features)
    said = {"features": features, "weights": None if weights is None else str(weights), "framing": framing}
    return Recipe().with_changes({f"model.{field}": value for field, value in said.items()}).model


def open_source(
    model: ModelRecipe,
    *,
    pool: Pool,
    ids: Sequence[str],
    workers: int = 2,
    threads: int | None = None,
    root: Path | None = None,
) -> Embedder | VectorTable:
    """What makes or holds the vectors that a recipe names.

    Args:
        model: section ``model`` of the recipe, with ``features``.
        pool: where images are that will be looked at, for extractors that learn from images.
        ids: which of them.
        workers: threads that decode.
        threads: of the network. Default: all cores.
        root: folder of the stores. Default: that of all runs of the user.

    Raises:
        UsageError: the recipe names no features, or nothing of that name.
        MissingExtra: a package is not installed.
        DataError: the vectors or weights are not what they should be.
    """
    from ncenet.features.embed import Embedder  # and torch with it
    from ncenet.features.extractor import Wanted, open_extractor

    name = model.features
    if name is None:
        raise UsageError("model.features: name an extractor, such as lite0, or a file of vectors")
    if channels_of(pool) == 0:
        raise UsageError(VECTORS_ALREADY)
    if name == OWN:
        raise UsageError("features data are of data that are vectors, and these are images: name a network")
    if is_vectors(name):
        if "://" in name:
            raise UsageError(f"model.features: {name}: vectors are read from this machine, fetch them first")
        for field in ("weights", "framing"):
            if getattr(model, field) is not None:
                raise UsageError(f"model.{field}: no network makes the vectors of a file: leave it out")
        return VectorTable(Path(name).expanduser())
    weights = None if model.weights is None else Path(model.weights).expanduser()
    extractor = open_extractor(Wanted(name, weights, model.framing, pool=pool, ids=ids))
    return Embedder(extractor, root=root, workers=workers, threads=threads)


def images_of(pool: Pool) -> Pool:
    """The images behind a pool of vectors; any other pool as it is."""
    return pool.images if isinstance(pool, VectorPool) else pool

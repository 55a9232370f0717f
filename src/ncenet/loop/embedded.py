"""The images of a run as its learner sees them: as they are or, with features, as vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.features.own import OwnVectors
from ncenet.nn.packaged import installed
from ncenet.progress import Notify
from ncenet.recipe import OWN
from ncenet.run.opening import Survey
from ncenet.types import Pool

if TYPE_CHECKING:
    from ncenet.features.embed import Embedder
    from ncenet.features.pool import VectorPool
    from ncenet.features.vectors import VectorTable


def as_learned(
    seen: Survey, test: TestSet | BoxTestSet | None, notify: Notify | None, *, embed: bool
) -> tuple[Pool, TestSet | BoxTestSet | None, VectorPool | None]:
    """Pool and held-out images for the learner; and the pool as vectors, where there are any.

    Features that are known to be there are opened when the first vector is needed: images drawn at random
    need none, and torch takes seconds to import. Others are opened at once, which tells what is wrong.

    Args:
        seen: the run and its images.
        test: the held-out images, if they are no part of the pool.
        notify: told of the progress, ``{"event": "embed", "done": ..., "total": ...}``.
        embed: have all images embedded when the features are opened; else each when it is asked for.

    Raises:
        UsageError: there are no such features, or the images are vectors already.
        MissingExtra: a package that the features need is not installed.
        DataError: weights or vectors are not what they should be.
    """
    recipe, pool = seen.recipe, seen.pool
    if recipe.model.features is None:
        return pool, test, None
    if recipe.model.features == OWN:
        if test is not None and seen.of_test is not None:
            test = replace(test, pool=OwnVectors(test.pool, test.ids))
        return OwnVectors(pool, seen.found.sound), test, None
    from ncenet.features.pool import VectorPool, open_source

    def tell(done: int, total: int) -> None:
        if notify is not None:
            notify({"event": "embed", "done": done, "total": total})

    @cache
    def source() -> Embedder | VectorTable:
        return open_source(
            recipe.model,
            pool=pool,
            ids=seen.found.sound,
            workers=recipe.data.workers,
            threads=recipe.train.threads,
        )

    def seen_as_vectors(images: Pool, hashes: Mapping[str, str], ids: Sequence[str]) -> VectorPool:
        def opened() -> Embedder | VectorTable:
            if embed:
                VectorPool(images, source(), hashes).embed(ids, tell)
            return source()

        return VectorPool(images, opened, hashes)

    vectors = seen_as_vectors(pool, seen.found.scan.hashes, seen.found.sound)
    if test is not None and seen.of_test is not None and recipe.on_vectors:
        test = replace(test, pool=seen_as_vectors(test.pool, seen.of_test.scan.hashes, test.ids))
    if recipe.model.weights is not None or not installed(recipe.model.features):
        vectors.source  # noqa: B018 - opened now
    return (vectors if recipe.on_vectors else pool), test, vectors

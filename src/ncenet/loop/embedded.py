"""The images of a run as its learner sees them: as they are or, with features, as vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.run.events import Notify
from ncenet.run.opening import Survey
from ncenet.types import Pool

if TYPE_CHECKING:
    from ncenet.features.pool import VectorPool


def as_learned(
    seen: Survey, test: TestSet | BoxTestSet | None, notify: Notify | None, *, embed: bool
) -> tuple[Pool, TestSet | BoxTestSet | None, VectorPool | None]:
    """Pool and held-out images for the learner; and the pool as vectors, where there are any.

    Args:
        seen: the run and its images.
        test: the held-out images, if they are no part of the pool.
        notify: told of the progress, ``{"event": "embed", "done": ..., "total": ...}``.
        embed: have all images embedded now; else each when it is asked for.

    Raises:
        UsageError: there are no such features, or the images are vectors already.
        MissingExtra: a package that the features need is not installed.
        DataError: weights or vectors are not what they should be.
    """
    recipe, pool = seen.recipe, seen.train.pool
    if recipe.model.features is None:
        return pool, test, None
    from ncenet.features.pool import VectorPool, open_source  # and torch with it

    def tell(done: int, total: int) -> None:
        if notify is not None:
            notify({"event": "embed", "done": done, "total": total})

    source = open_source(
        recipe.model,
        pool=pool,
        ids=seen.found.sound,
        workers=recipe.data.workers,
        threads=recipe.train.threads,
    )
    vectors = VectorPool(pool, source, seen.found.scan.hashes)
    if embed:
        vectors.embed(seen.found.sound, tell)
    if not recipe.on_vectors:
        return pool, test, vectors
    if test is None or seen.of_test is None:
        return vectors, test, vectors
    of_test = VectorPool(test.pool, source, seen.of_test.scan.hashes)
    if embed:
        of_test.embed(test.ids, tell)
    return vectors, replace(test, pool=of_test), vectors

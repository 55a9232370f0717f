"""Whether the network of a recipe can be had for its images: told once, not by each trial."""

from __future__ import annotations

from ncenet.data.dataset import Dataset
from ncenet.data.open import open_test, open_train
from ncenet.data.pools import channels_of
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, UnreadableImage
from ncenet.features.embed import Embedder
from ncenet.features.names import check_inputs
from ncenet.features.pool import open_source
from ncenet.features.vectors import VectorTable
from ncenet.recipe import OWN, Recipe
from ncenet.rng import Streams
from ncenet.types import Pool


def check_network(recipe: Recipe) -> None:
    """Open the features or build the backbone of a recipe, as each of its runs will.

    Weights that are to be fetched are fetched now. Vectors of a file are looked for where every image has to
    have one: not among shards, of which a run takes some, and not where images that can't be read are
    skipped.

    Raises:
        UsageError: there is no such network, its weights are not to be had, or it doesn't take such images.
        MissingExtra: a package that it needs is not installed.
        DataError: weights or vectors are not what they should be, or an image has no vector.
    """
    train = open_train(recipe)
    check_inputs(recipe, train.pool)
    if recipe.model.features not in (None, OWN):
        source = source_of(recipe, train)
        if isinstance(source, VectorTable) and recipe.data.on_bad_image == "stop":
            for pool in pools_of(recipe, train):
                if not isinstance(pool, ShardedPool):
                    source.check(pool.ids())
    if recipe.on_vectors:
        return
    with Streams(recipe.loop.seed).scope("weights"):
        if recipe.task == "detection":
            from ncenet.nn.detection_backbones import build_detection_backbone

            build_detection_backbone(recipe.model, channels_of(train.pool), recipe.data.image_size)
        else:
            from ncenet.nn.backbones import build_backbone

            build_backbone(recipe.model, shape_of(train.pool, recipe))


def pools_of(recipe: Recipe, train: Dataset) -> list[Pool]:
    """The images that are seen as vectors: those of a detector choose among the pool alone.

    With ``loop.held_out`` images of the pool measure, and those of a test set are not looked at.
    """
    test = open_test(recipe.data, train) if recipe.on_vectors and not recipe.loop.held_out else None
    return [train.pool] if test is None else [train.pool, test.pool]


def source_of(recipe: Recipe, train: Dataset) -> Embedder | VectorTable:
    """What makes or holds the vectors that a recipe names.

    Raises:
        UsageError, MissingExtra, DataError: as :func:`~ncenet.features.pool.open_source`.
    """
    return open_source(
        recipe.model,
        pool=train.pool,
        ids=train.pool.ids(),
        workers=recipe.data.workers,
        threads=recipe.train.threads,
    )


def shape_of(pool: Pool, recipe: Recipe) -> tuple[int, ...]:
    """Shape of one input: of a vector where there are features, else judged by the first readable image.

    Raises:
        DataError: no image can be read.
    """
    if recipe.model.features not in (None, OWN):
        return (open_source(recipe.model, pool=pool, ids=list(pool.ids())).dim,)
    for id in pool.ids():
        try:
            image = pool.load(id)
        except UnreadableImage:
            continue
        if image.ndim == 1:
            return (image.shape[0],)
        own = image.shape[0] if image.shape[0] == image.shape[1] <= 64 else 64
        size = recipe.data.image_size or own
        return (image.shape[2], size, size)
    raise DataError(f"{recipe.data.train}: no image can be read")

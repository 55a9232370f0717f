"""Shards embedded by an actor pool of Ray Data; their vectors go into the store of all runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ncenet.data.shard_reader import shard_files
from ncenet.data.shards import ShardedPool
from ncenet.engines.ray import map_rows
from ncenet.errors import NcenetError, UnreadableImage
from ncenet.features.embed import Embedder, store_folder
from ncenet.features.pool import open_source
from ncenet.recipe import ModelRecipe


class EmbeddedShard(NamedTuple):
    """What became of a shard.

    Attributes:
        source: its address.
        rows: images in it.
        computed: of these, so many had no vector before.
        broken: images of it that could not be read.
        why: why it was not embedded, or not to its end; empty when it was.
    """

    source: str
    rows: int = 0
    computed: int = 0
    broken: int = 0
    why: str = ""


class EmbedActor:
    """Embeds one shard after the other, in a process of its own; the network is read once.

    Args:
        model: section of the recipe that names the features.
        root: folder of the stores, which all machines of the cluster find there.
    """

    def __init__(self, model: ModelRecipe, root: Path) -> None:
        self.model, self.root = model, root
        self._source: Embedder | None = None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Embed the shard of a row."""
        source = str(row["source"])
        bad: list[UnreadableImage] = []
        try:
            pool = ShardedPool(source)
            if self._source is None:
                opened = open_source(self.model, pool=pool, ids=pool.ids(), threads=1, root=self.root)
                assert isinstance(opened, Embedder), "files of vectors are refused before"
                self._source = opened
            computed = self._source.embed(pool, pool.ids(), bad=bad.append)
        except NcenetError as error:
            return EmbeddedShard(source, broken=len(bad), why=str(error))._asdict()
        return EmbeddedShard(source, len(pool.ids()), computed, len(bad))._asdict()


def embed_on_ray(model: ModelRecipe, source: str, *, workers: int | None = None) -> Iterator[EmbeddedShard]:
    """Embed the images in shards on a cluster; those that have a vector in the store are passed over.

    Args:
        model: section of the recipe that names the features.
        source: shards, where all machines of the cluster find them.
        workers: actors. Default: one for each GPU of the cluster, or for each core where there is none.

    Raises:
        UsageError: there are no such shards.
        DataError: one is broken.
        MissingExtra: Ray is not installed.
    """
    files, _, _ = shard_files(source)
    rows = [{"source": file.address} for file in files]
    for row in map_rows(EmbedActor, (model, store_folder().absolute()), rows, workers=workers):
        yield EmbeddedShard(**row)

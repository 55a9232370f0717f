"""A Parquet file of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.parquet import ParquetPool, holds_bytes, label_column, refuse_splits
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers
from ncenet.data.shard_reader import open_shards
from ncenet.data.shards import KEPT_BYTES


@readers.register("parquet", order=600)
class Parquet(Reader):
    """A row for each image, with or without its class."""

    form = "a .parquet file with a column 'image' (encoded bytes, or addresses of files)"

    def reads(self, path: Path) -> bool:
        """Files that end in ``.parquet``."""
        return path.is_file() and path.suffix.lower() == ".parquet"

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        if path.stat().st_size > KEPT_BYTES or not holds_bytes(path):
            return open_shards(str(path), channels=channels)
        refuse_splits(path)
        pool = ParquetPool(path, channels=channels)
        labelled = label_column(path)
        if labelled is None:
            return Dataset(path.stem, pool)
        labels, class_names = labelled
        return Dataset(path.stem, pool, Oracle(dict(zip(pool.ids(), labels, strict=True))), class_names)

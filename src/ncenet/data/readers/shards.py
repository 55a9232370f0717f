"""A folder of Parquet shards of images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.folders import SUFFIXES, files_below
from ncenet.data.parquet import column_names, read_labels
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError


@readers.register("parquet-shards", order=650)
class Shards(Reader):
    """Files of one pool, with or without classes."""

    form = "a folder of .parquet files with a column 'image'"

    def reads(self, path: Path) -> bool:
        """Folders with such a file, and no images beside it."""
        if not path.is_dir():
            return False
        beside = [file for file in islice(path.iterdir(), 1000) if file.name[0] not in "._"]
        first = next((file for file in beside if file.suffix.lower() == ".parquet"), None)
        return first is not None and not files_below(path, SUFFIXES) and "image" in column_names(first)

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        pool = ShardedPool(str(path), channels=channels)
        labels: dict[str, str] = {}
        names: dict[str, None] = {}
        for file, part in zip(pool.files, pool.ids().parts, strict=True):
            found = read_labels(Path(file))
            if found is None:
                if labels:
                    raise DataError(f"{file}: has no column 'label', and the shards before it have one")
                continue
            if not labels and part is not pool.ids().parts[0]:
                raise DataError(f"{pool.files[0]}: has no column 'label', and {file} has one")
            labels |= dict(zip(part, found[0], strict=True))
            names |= dict.fromkeys(found[1])
        if not labels:
            return Dataset(path.name, pool)
        return Dataset(path.name, pool, Oracle(labels), tuple(names))

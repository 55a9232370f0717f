"""A CSV manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.data.dataset import Dataset, Split
from ncenet.data.manifest import PlacedFiles, read_manifest
from ncenet.data.pools import Channels, FolderPool
from ncenet.data.readers import Reader, readers

if TYPE_CHECKING:
    from ncenet.types import Pool


@readers.register("csv", order=500)
class Csv(Reader):
    """A list of image files, with or without their classes."""

    form = "a .csv file with a column 'path'"

    def reads(self, path: Path) -> bool:
        """Files that end in ``.csv``."""
        return path.is_file() and path.suffix.lower() == ".csv"

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        listed = read_manifest(path)
        pool: Pool
        if listed.places is None:
            pool = FolderPool(path.parent, listed.ids, channels=channels)
        else:
            pool = PlacedFiles(path.parent, listed.places, channels=channels)
        return Dataset.labelled(path.stem, pool, listed.labels)

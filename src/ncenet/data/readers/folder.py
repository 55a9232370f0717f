"""A folder of images, or of one folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.data.folders import classes_of
from ncenet.data.pools import Channels, FolderPool
from ncenet.data.readers import Reader, readers


@readers.register("folder", order=900)
class Folder(Reader):
    """Every image below it; the first folders are classes where every image lies in one."""

    form = "a folder of images, or of one folder per class"

    def reads(self, path: Path) -> bool:
        """Any folder, when nobody else knows it."""
        return path.is_dir()

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        pool = FolderPool(path, channels=channels)
        labels = classes_of(path, pool.ids())
        told = "read as images without labels" if labels is None else "read as one folder for each class"
        return replace(Dataset.labelled(path.resolve().name or str(path), pool, labels), notes=(told,))

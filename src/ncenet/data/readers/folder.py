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
        told = _told(pool.ids()) if labels is None else "read as one folder for each class"
        return replace(Dataset.labelled(path.resolve().name or str(path), pool, labels), notes=(told,))


def _told(ids: Sequence[str]) -> str:
    """What images were taken for whose folders are no classes, and which of them is why."""
    beside = [id for id in ids if "/" not in id]
    folders = {id.partition("/")[0] for id in ids} - set(beside)
    if not beside or len(folders) < 2 or len(beside) > len(ids) - len(beside):
        return "read as images without labels"
    return (
        f"read as images without labels: {len(folders)} folders would be classes, but for {len(beside):,} "
        f"image(s) that lie beside them, such as {beside[0]}"
    )

"""A folder of images, or of one folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ncenet.counts import count_of
from ncenet.data.dataset import Dataset, Split
from ncenet.data.folders import classes_of
from ncenet.data.pools import Channels, FolderPool
from ncenet.data.readers import Reader, readers
from ncenet.text_files import is_hidden

_PERHAPS_LABELS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xml", ".xlsx", ".mat"})


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
        notes = [_told(pool.ids()) if labels is None else "read as one folder for each class"]
        if labels is None and (tables := _tables(path)):
            notes.append(
                f"{count_of(len(tables), 'file')} that may hold labels passed over, such as {tables[0]}"
            )
        dataset = Dataset.labelled(path.resolve().name or str(path), pool, labels)
        return replace(dataset, notes=(*notes, *dataset.notes))


def _tables(path: Path) -> list[str]:
    """Files beside the images, or their folders, that somebody may have written labels into."""
    found = [file.name for file in path.iterdir() if file.suffix.lower() in _PERHAPS_LABELS]
    return sorted(name for name in found if not is_hidden(name))


def _told(ids: Sequence[str]) -> str:
    """What images were taken for whose folders are no classes, and which of them is why."""
    beside = [id for id in ids if "/" not in id]
    folders = {id.partition("/")[0] for id in ids} - set(beside)
    if not beside or len(folders) < 2 or len(beside) > len(ids) - len(beside):
        return "read as images without labels"
    return (
        f"read as images without labels: {len(folders)} folders would be classes, but for "
        f"{count_of(len(beside), 'image')} beside them, such as {beside[0]}"
    )

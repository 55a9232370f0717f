"""COCO files, and folders with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.coco import CocoFolder, find_coco, open_coco
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers


@readers.register("coco", order=240)
class Coco(Reader):
    """A JSON file of images, categories and annotations."""

    form = "a COCO file"
    task = "detection"

    def reads(self, path: Path) -> bool:
        """Folders with such a file, and JSON files."""
        if path.is_dir():
            return find_coco(path, "train") is not None or find_coco(path, "test") is not None
        return path.is_file() and path.suffix.lower() == ".json"

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return CocoFolder(path).open(split, classes) if path.is_dir() else open_coco(path, classes=classes)

    def has_test(self, path: Path) -> bool:
        """Whether a folder has a file for each split."""
        return path.is_dir() and len(CocoFolder(path).splits) > 1

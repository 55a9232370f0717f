"""YOLO folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.yolo import YoloFolder, find_yolo
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers


@readers.register("yolo", order=220)
class Yolo(Reader):
    """A folder with labels of YOLO's, or its ``data.yaml``."""

    form = "a YOLO folder"
    task = "detection"

    def reads(self, path: Path) -> bool:
        """Folders of that kind, and YAML files."""
        if path.is_dir():
            return bool(find_yolo(path))
        return path.is_file() and path.suffix.lower() in (".yaml", ".yml")

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return YoloFolder(path).open(split, classes)

    def has_test(self, path: Path) -> bool:
        """Whether it names a split for tests."""
        return YoloFolder(path).has_splits

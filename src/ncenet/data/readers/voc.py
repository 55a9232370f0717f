"""PASCAL VOC folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.voc import find_voc
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers


@readers.register("voc", order=200)
class Voc(Reader):
    """A folder with ``JPEGImages`` and ``Annotations``, as VOC and its tools lay it out."""

    form = "a VOC folder"
    task = "detection"
    beside = False
    """Whether annotations may also lie beside their images."""

    def reads(self, path: Path) -> bool:
        """Folders with annotations of this kind."""
        return path.is_dir() and find_voc(path, beside=self.beside) is not None

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        found = find_voc(path, beside=self.beside)
        assert found is not None, "whoever opens it has asked whether it reads"
        return found.open(split, classes)

    def has_test(self, path: Path) -> bool:
        """Whether its lists name a split for tests."""
        found = find_voc(path, beside=self.beside)
        return found is not None and found.has_splits


@readers.register("voc-beside", order=260)
class VocBeside(Voc):
    """A folder where annotations of VOC's kind may lie anywhere; asked after all that are surer."""

    form = "a folder with VOC's .xml files beside the images"
    beside = True

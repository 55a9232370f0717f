"""Boxes in CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.data.detection.tables import is_box_csv, open_csv, open_parquet
from ncenet.data.parquet import column_names
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers


@readers.register("box-csv", order=280)
class BoxCsv(Reader):
    """A row for each object."""

    form = "a .csv file with columns path, x1, y1, x2, y2 and label"
    task = "detection"

    def reads(self, path: Path) -> bool:
        """CSV files whose header names edges of boxes."""
        return path.is_file() and path.suffix.lower() == ".csv" and is_box_csv(path)

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return open_csv(path, classes=classes)


@readers.register("box-parquet", order=290)
class BoxParquet(Reader):
    """A row for each image."""

    form = "a .parquet file with columns image, boxes and labels"
    task = "detection"

    def reads(self, path: Path) -> bool:
        """Parquet files with a column of boxes, or of the labels of boxes."""
        if not path.is_file() or path.suffix.lower() != ".parquet":
            return False
        return bool({"boxes", "labels"} & set(column_names(path)))

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return open_parquet(path, classes=classes)

"""Which form of boxes a path holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncenet.data.builtin import Split
from ncenet.data.dataset import Dataset
from ncenet.data.detection.coco import find_coco, open_coco
from ncenet.data.detection.tables import is_box_csv, open_csv, open_parquet
from ncenet.data.detection.voc import find_voc
from ncenet.data.detection.yolo import YoloFolder, find_yolo
from ncenet.data.parquet import column_names


def open_boxes(path: Path, *, split: Split = "train", classes: Sequence[str] | None = None) -> Dataset | None:
    """Open images with boxes.

    Args:
        path: a folder (VOC, YOLO, or with a COCO file), a COCO file, YOLO's ``data.yaml``, a CSV or a Parquet
            file.
        split: which images, where the form has splits.
        classes: the classes that there are. Default: those that the form names.

    Returns:
        The data set; None when the path holds no boxes in any of these forms.

    Raises:
        MissingExtra: a Parquet file without pyarrow.
        DataError: the form is one of these, and broken as a whole.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        if (voc := find_voc(path, beside=False)) is not None:
            return voc.open(split, classes)
        if find_yolo(path):
            return YoloFolder(path).open(split, classes)
        if (file := find_coco(path, split)) is not None:
            return open_coco(file, classes=classes)
        voc = find_voc(path)
        return None if voc is None else voc.open(split, classes)
    if suffix == ".json":
        return open_coco(path, classes=classes)
    if suffix in (".yaml", ".yml"):
        return YoloFolder(path).open(split, classes)
    if suffix == ".csv" and is_box_csv(path):
        return open_csv(path, classes=classes)
    if suffix == ".parquet" and {"boxes", "labels"} & set(column_names(path)):
        return open_parquet(path, classes=classes)
    return None


def has_test_split(path: Path) -> bool:
    """Whether a path brings test images of its own beside those for training."""
    if path.is_dir():
        if (voc := find_voc(path, beside=False)) is not None:
            return voc.has_splits
        if find_yolo(path):
            return YoloFolder(path).has_splits
        if (file := find_coco(path, "train")) is not None:
            return file != find_coco(path, "test")
        voc = find_voc(path)
        return voc is not None and voc.has_splits
    return path.suffix.lower() in (".yaml", ".yml") and path.is_file() and YoloFolder(path).has_splits

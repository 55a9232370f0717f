"""PASCAL VOC 2007 and 2012: photographs with boxes around twenty kinds of objects."""

from __future__ import annotations

import functools
from pathlib import Path

from ncenet.data.builtin import BuiltinSet, datasets, not_here
from ncenet.data.dataset import Dataset, Split

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)
_MEGABYTES = {"2007": 911, "2012": 2000}
_LICENCE = "photographs from Flickr under its terms of use; for research"


@datasets.register("voc2007")
def voc2007() -> BuiltinSet:
    """Trainval and test of 2007, the only year whose test boxes are public."""
    return _describe("voc2007", ("2007",), (5_011, 4_952))


@datasets.register("voc2012")
def voc2012() -> BuiltinSet:
    """Train of 2012, tested on its val: the boxes of its test images are not public."""
    return _describe("voc2012", ("2012",), (5_717, 5_823))


@datasets.register("voc0712")
def voc0712() -> BuiltinSet:
    """The paper's detection data: trainval of both years, tested on test of 2007."""
    return _describe("voc0712", ("2007", "2012"), (16_551, 4_952))


def _describe(name: str, years: tuple[str, ...], images: tuple[int, int]) -> BuiltinSet:
    return BuiltinSet(
        name=name,
        description=f"photographs with boxes around {len(CLASSES)} kinds of objects, {' and '.join(years)}",
        licence=_LICENCE,
        images=images,
        classes=len(CLASSES),
        download_mb=sum(_MEGABYTES[year] for year in years),
        open=functools.partial(_open, name, years),
        task="detection",
    )


def _open(name: str, years: tuple[str, ...], split: Split, root: Path, download: bool) -> Dataset:
    from ncenet.data.detection.voc import VocFolder
    from ncenet.data.detection.voc_places import Place

    devkit = root / "VOCdevkit"  # torchvision's layout
    folders = [devkit / f"VOC{year}" for year in years]
    if download:
        _download(years, root)
    lists = [folder / "ImageSets" / "Main" / "trainval.txt" for folder in folders]
    lists += [folders[0] / "ImageSets" / "Main" / ("test.txt" if "2007" in years else "val.txt")]
    if not all(file.is_file() for file in lists):
        raise not_here(name, sum(_MEGABYTES[year] for year in years), root)
    places = [Place(devkit, folder, "JPEGImages", "Annotations") for folder in folders]
    return VocFolder(devkit, places).open(split, CLASSES, name=f"{name} ({split})")


def _download(years: tuple[str, ...], root: Path) -> None:
    from torchvision.datasets import VOCDetection

    for year in years:
        for part in ("trainval", "test") if year == "2007" else ("trainval",):
            VOCDetection(root, year=year, image_set=part, download=True)

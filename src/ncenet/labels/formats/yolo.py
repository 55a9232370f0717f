"""YOLO: one text file an image, boxes as fractions of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import yaml

from ncenet.data.dataset import Dataset
from ncenet.data.detection.yolo import YoloFolder
from ncenet.labels.detection_format import DetectionFormat, Sized, splits
from ncenet.labels.formats import formats
from ncenet.labels.names import flat_names
from ncenet.labels.records import Labels, Record

IMAGES = "images/"


@formats.register("yolo")
class Yolo(DetectionFormat):
    """``images``, ``labels`` and ``data.yaml``; difficult objects are like any others."""

    forms = ("yolo",)
    keeps_difficult = False

    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """In ``images``, without folders."""
        names = flat_names(dict(paths))
        return [IMAGES + names[record.id] for record in answers]

    def write_boxes(self, images: list[Sized], labels: Labels, target: Path) -> None:
        """One file an image; an image without objects has an empty one."""
        number = {name: n for n, name in enumerate(labels.class_names)}
        (target / "labels").mkdir()
        for image in images:
            lines = [
                f"{number[label]} {_centred(x1, x2, image.width, y1, y2, image.height)}\n"
                for (x1, y1, x2, y2), label in zip(image.boxes.boxes, image.boxes.labels, strict=True)
            ]
            file = target / "labels" / f"{PurePosixPath(image.path).stem}.txt"
            file.write_text("".join(lines), encoding="utf-8")
        record = {"train": IMAGES.rstrip("/"), "names": dict(enumerate(labels.class_names))}
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
        (target / "data.yaml").write_text(text, encoding="utf-8")

    def datasets(self, source: Path) -> Iterator[Dataset]:
        """The images of each split, or all."""
        folder = YoloFolder(source)
        for split in splits(folder.has_splits):
            yield folder.open(split)


def _centred(x1: float, x2: float, width: int, y1: float, y2: float, height: int) -> str:
    values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return " ".join(f"{value:.10g}" for value in values)

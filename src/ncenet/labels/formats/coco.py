"""COCO: images in a folder, and one JSON file for all boxes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset
from ncenet.data.detection.coco import ANSWERED, find_coco, open_coco
from ncenet.errors import DataError
from ncenet.labels.detection_format import DetectionFormat, Sized
from ncenet.labels.formats import formats
from ncenet.labels.records import Labels, Record

ANNOTATIONS, IMAGES = "annotations.json", "images/"


@formats.register("coco")
class Coco(DetectionFormat):
    """``annotations.json`` and ``images``; difficult objects are marked ``iscrowd``.

    An image without objects is marked as answered, which COCO has no word for.
    """

    forms = ("coco",)

    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """Below ``images``."""
        return [IMAGES + paths[record.id] for record in answers]

    def name_of(self, path: str) -> str:
        """The path below ``images``."""
        return path.removeprefix(IMAGES)

    def write_boxes(self, images: list[Sized], labels: Labels, target: Path) -> None:
        """One file, numbers counted from 1."""
        category = {name: n for n, name in enumerate(labels.class_names, start=1)}
        objects = [
            {
                "image_id": n,
                "category_id": category[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": int(difficult),
            }
            for n, image in enumerate(images, start=1)
            for (x1, y1, x2, y2), label, difficult in zip(
                image.boxes.boxes, image.boxes.labels, image.boxes.difficult, strict=True
            )
        ]
        record = {
            "info": {"description": "written by ncenet"},
            "images": [
                {
                    "id": n,
                    "file_name": self.name_of(image.path),
                    "width": image.width,
                    "height": image.height,
                    ANSWERED: True,
                }
                for n, image in enumerate(images, start=1)
            ],
            "annotations": [{"id": n, **each} for n, each in enumerate(objects, start=1)],
            "categories": [{"id": n, "name": name} for name, n in category.items()],
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (target / ANNOTATIONS).write_text(text, encoding="utf-8")

    def datasets(self, source: Path) -> Iterator[Dataset]:
        """One for each file of a split.

        Raises:
            DataError: there is no COCO file.
        """
        files = list(dict.fromkeys(find_coco(source, split) for split in ("train", "test")))
        if files == [None]:
            raise DataError(f"{source}: there is no COCO file here")
        yield from (open_coco(file) for file in files if file is not None)

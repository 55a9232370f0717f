"""Small detection data sets of real images: handwritten digits on a grey ground, in every form."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits

from ncenet.boxes import Boxes
from tests.data.make import encode

CLASSES = ("eight", "one", "zero")
_DIGITS = {"zero": 0, "one": 1, "eight": 8}


class Sample(NamedTuple):
    """An image file and what is on it."""

    name: str
    data: bytes
    size: tuple[int, int]
    boxes: Boxes


@functools.cache
def samples(count: int = 4, *, seed: int = 0, width: int = 96, height: int = 72) -> tuple[Sample, ...]:
    """Images of one to three digits, at whole pixels; every fourth has none, every fifth a difficult one."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    made = []
    for n in range(count):
        ground = rng.integers(90, 110, (height, width), dtype=np.uint8)
        image = PIL.Image.fromarray(ground)
        boxes, labels = [], []
        for slot in range(0 if n % 4 == 3 else rng.integers(1, 4)):
            label = CLASSES[rng.integers(3)]
            rows = np.flatnonzero(digits.target == _DIGITS[label])
            pixels = digits.images[rows[rng.integers(len(rows))]]
            side = int(rng.integers(width // 5, width // 3))
            patch = PIL.Image.fromarray((pixels * 15.9).astype(np.uint8)).resize((side, side))
            x = slot * (width // 3) + int(rng.integers(0, width // 3 - side + 1))
            y = int(rng.integers(0, height - side + 1))
            image.paste(patch, (x, y))
            boxes.append((x, y, x + side, y + side))
            labels.append(label)
        difficult = tuple(n % 5 == 4 and k == 0 for k in range(len(boxes)))
        data = encode(image.convert("RGB"), "JPEG", quality=92)
        made.append(Sample(f"{n:06d}", data, (width, height), Boxes(tuple(boxes), tuple(labels), difficult)))
    return tuple(made)


def voc_xml(sample: Sample) -> str:
    """VOC numbers pixels from 1 and names the last one."""
    objects = "".join(
        f"<object><name>{label}</name><difficult>{int(difficult)}</difficult><bndbox>"
        f"<xmin>{x1 + 1:g}</xmin><ymin>{y1 + 1:g}</ymin><xmax>{x2:g}</xmax><ymax>{y2:g}</ymax>"
        "</bndbox></object>"
        for (x1, y1, x2, y2), label, difficult in zip(
            sample.boxes.boxes, sample.boxes.labels, sample.boxes.difficult, strict=True
        )
    )
    width, height = sample.size
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{sample.name}.jpg</filename>{size}{objects}</annotation>"


def write_voc(root: Path, splits: dict[str, tuple[Sample, ...]]) -> Path:
    """A VOC folder with a list for each split."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split, made in splits.items():
        lines = "".join(f"{sample.name}\n" for sample in made)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(lines)
        for sample in made:
            (root / "JPEGImages" / f"{sample.name}.jpg").write_bytes(sample.data)
            (root / "Annotations" / f"{sample.name}.xml").write_text(voc_xml(sample))
    return root


def coco(made: tuple[Sample, ...]) -> dict:
    """The record of a COCO file."""
    annotations = [
        {
            "id": 0,
            "image_id": n,
            "category_id": 10 * CLASSES.index(label),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "iscrowd": int(difficult),
        }
        for n, sample in enumerate(made)
        for (x1, y1, x2, y2), label, difficult in zip(
            sample.boxes.boxes, sample.boxes.labels, sample.boxes.difficult, strict=True
        )
    ]
    return {
        "images": [{"id": n, "file_name": f"{sample.name}.jpg"} for n, sample in enumerate(made)],
        "annotations": [each | {"id": n} for n, each in enumerate(annotations)],
        "categories": [{"id": 10 * n, "name": name} for n, name in enumerate(CLASSES)],
    }


def write_images(folder: Path, made: tuple[Sample, ...]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for sample in made:
        (folder / f"{sample.name}.jpg").write_bytes(sample.data)
    return folder


def write_coco(folder: Path, made: tuple[Sample, ...], name: str = "annotations.json") -> Path:
    write_images(folder, made)
    (folder / name).write_text(json.dumps(coco(made)))
    return folder / name


def write_yolo(root: Path, made: tuple[Sample, ...], split: str = "") -> Path:
    write_images(root / "images" / split, made)
    (root / "labels" / split).mkdir(parents=True, exist_ok=True)
    for sample in made:
        (width, height), lines = sample.size, []
        for (x1, y1, x2, y2), label in zip(sample.boxes.boxes, sample.boxes.labels, strict=True):
            values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
            lines.append(f"{CLASSES.index(label)} {' '.join(map(repr, values))}\n")
        (root / "labels" / split / f"{sample.name}.txt").write_text("".join(lines))
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return root


def write_csv(folder: Path, made: tuple[Sample, ...]) -> Path:
    write_images(folder / "images", made)
    lines = ["path,x1,y1,x2,y2,label,difficult"]
    for sample in made:
        path = f"images/{sample.name}.jpg"
        lines += [
            f"{path},{','.join(map(str, box))},{label},{int(difficult)}"
            for box, label, difficult in zip(
                sample.boxes.boxes, sample.boxes.labels, sample.boxes.difficult, strict=True
            )
        ] or [f"{path},,,,,,"]
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n")
    return folder / "boxes.csv"


def write_parquet(file: Path, made: tuple[Sample, ...]) -> Path:
    table = pa.table(
        {
            "image": [sample.data for sample in made],
            "boxes": pa.array(
                [[list(box) for box in sample.boxes.boxes] for sample in made],
                pa.list_(pa.list_(pa.float32())),
            ),
            "labels": pa.array(
                [[CLASSES.index(label) for label in sample.boxes.labels] for sample in made],
                pa.list_(pa.int32()),
            ),
            "difficult": pa.array([list(sample.boxes.difficult) for sample in made], pa.list_(pa.bool_())),
        }
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"class_names": json.dumps(CLASSES)}), file)
    return file

"""Photographs with boxes, made by pasting real photographs on real photographs.

    python benchmarks/pasted.py OBJECTS.parquet GROUNDS.parquet OUT.parquet --images 200 --classes hat shoes

Both files hold photographs and classes, a row each (columns image and label, the names of the classes in the
metadata). On each ground, a photograph of the second file, stand one to four photographs of the first, cut
out as ellipses, of a fifth to a half of its height; they overlap little. Their classes are those of the
boxes. Nothing else is drawn at random than what --seed decides, and no photograph of an object is used twice
unless there are too few.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pyarrow as pa
import pyarrow.parquet as pq

WIDTH, HEIGHT = 378, 504
MOST = 4
OVERLAP = 0.1
"""Of the smaller of two boxes, at most."""


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("objects", type=Path)
    parser.add_argument("grounds", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--classes", nargs="+", help="of the objects; all of them unless named")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()

    rng = np.random.default_rng(said.seed)
    photographs, names = _objects(said.objects, said.classes)
    order = [row % len(photographs) for row in rng.permutation(MOST * said.images).tolist()]
    grounds = pq.read_table(said.grounds, columns=["image"])["image"]
    chosen = rng.permutation(len(grounds))
    rows = []
    for n in range(said.images):
        ground = _photograph(grounds[int(chosen[n % len(chosen)])].as_py())
        image = _filled(ground)
        count = int(rng.integers(1, MOST + 1))
        boxes, labels = [], []
        for data, label in (photographs[order.pop()] for _ in range(count)):
            box = _pasted(image, _photograph(data), boxes, rng)
            if box is not None:
                boxes.append(box)
                labels.append(label)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        rows.append({"image": buffer.getvalue(), "boxes": boxes, "labels": labels, "path": f"{n:04}.jpg"})
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"class_names": json.dumps(names)})
    pq.write_table(table, said.out)
    print(f"{said.out}: {len(rows)} images, {sum(len(row['labels']) for row in rows)} boxes of {names}")


def _objects(file: Path, classes: list[str] | None) -> tuple[list[tuple[bytes, int]], list[str]]:
    """Encoded photographs with their classes, and the names of those."""
    table = pq.read_table(file, columns=["image", "label"])
    there = json.loads(table.schema.metadata[b"class_names"])
    names = classes or there
    rows = zip(
        table["image"].to_pylist(), (there[label] for label in table["label"].to_pylist()), strict=True
    )
    return [(data, names.index(name)) for data, name in rows if name in names], names


def _photograph(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data)).convert("RGB")


def _filled(ground: PIL.Image.Image) -> PIL.Image.Image:
    """The middle of a photograph, at the size of the ground."""
    scale = max(WIDTH / ground.width, HEIGHT / ground.height)
    width, height = WIDTH / scale, HEIGHT / scale
    left, top = (ground.width - width) / 2, (ground.height - height) / 2
    return ground.resize((WIDTH, HEIGHT), box=(left, top, left + width, top + height))


def _pasted(
    image: PIL.Image.Image, photograph: PIL.Image.Image, others: list[list[float]], rng: Any
) -> list[float] | None:
    """Paste a photograph where there is room, and say where; None when there is none."""
    for _ in range(20):
        height = round(HEIGHT * rng.uniform(0.2, 0.5))
        width = round(height * photograph.width / photograph.height)
        if width > WIDTH:
            continue
        x, y = int(rng.integers(0, WIDTH - width + 1)), int(rng.integers(0, HEIGHT - height + 1))
        box = [float(edge) for edge in (x, y, x + width, y + height)]
        if all(_common(box, other) <= OVERLAP for other in others):
            mask = PIL.Image.new("L", (width, height))
            PIL.ImageDraw.Draw(mask).ellipse((0, 0, width - 1, height - 1), fill=255)
            image.paste(photograph.resize((width, height)), (x, y), mask)
            return box
    return None


def _common(one: list[float], other: list[float]) -> float:
    """What two boxes have in common, as part of the smaller."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(0.0, width) * max(0.0, height) / smaller


if __name__ == "__main__":
    main()

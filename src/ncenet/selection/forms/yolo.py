"""A folder of YOLO's predictions: a text file an image, a line an object, its confidence last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms
from ncenet.text_files import read_text


@forms.register("yolo", order=30)
def yolo(address: str) -> Any:
    """The objects by the name of their file without ``.txt``; edges in parts of the image."""
    folder = Path(address)
    if not folder.is_dir():
        return None
    files = sorted(file for file in folder.rglob("*.txt") if file.name not in ("classes.txt", "labels.txt"))
    if not files:
        return None
    objects: dict[str, list[tuple[str, float, list[float]]]] = {}
    for file in files:
        id = file.relative_to(folder).with_suffix("").as_posix()
        objects[id] = []
        for number, line in enumerate(read_text(file).splitlines(), start=1):
            if not line.strip():
                continue
            try:
                label, x, y, width, height, score = line.split()
                left, top = float(x) - float(width) / 2, float(y) - float(height) / 2
                edges = [left, top, left + float(width), top + float(height)]
                objects[id].append((str(int(label)), float(score), edges))
            except ValueError as error:
                raise DataError(
                    f"{file}:{number} expected class x y width height confidence, got {line.strip()[:60]!r} "
                    "(without confidences these are labels, no predictions: save_conf=True)"
                ) from error
    return box_table(objects)

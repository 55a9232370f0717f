"""A folder of YOLO's predictions: a text file an image, a line an object, its confidence last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms, likelihood_of
from ncenet.text_files import read_text

NO_IMAGES = ("classes.txt", "labels.txt")
"""Names of files that list classes."""


@forms.register("yolo", order=30)
def yolo(address: str) -> Any:
    """The objects by the name of their file without ``.txt``; edges in parts of the image."""
    folder = Path(address)
    if not folder.is_dir():
        return None
    there = ((file, file.relative_to(folder)) for file in folder.rglob("*.txt"))
    files = sorted(file for file, path in there if file.name not in NO_IMAGES and not _is_hidden(path))
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
                label, *edges, score = line.split()
                x, y, width, height = map(float, edges)
                left, top = x - width / 2, y - height / 2
                found = str(int(label)), float(score), [left, top, left + width, top + height]
            except ValueError as error:
                raise DataError(
                    f"{file}:{number} expected class x y width height confidence, got {line.strip()[:60]!r} "
                    "(without confidences these are labels, no predictions: save_conf=True)"
                ) from error
            try:
                likelihood_of(score)
            except ValueError as error:
                raise DataError(f"{file}:{number} {error}") from error
            objects[id].append(found)
    return box_table(objects)


def _is_hidden(path: Path) -> bool:
    """Whether a file is none of the data, as macOS and editors leave them."""
    return any(part.startswith(".") for part in path.parts)

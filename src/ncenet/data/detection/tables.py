"""CSV and Parquet with boxes: a row an object, and a row an image."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from ncenet.data.dataset import Dataset
from ncenet.data.detection.annotations import Annotation, NamedObject, as_dataset, yes_or_no
from ncenet.data.parquet import ParquetPool, class_names_of, read_columns, refuse_splits
from ncenet.data.pools import FolderPool
from ncenet.data.set_apart import Columns
from ncenet.errors import DataError
from ncenet.tables import parse_csv, read_rows
from ncenet.text_files import number, open_text

EDGES = ("x1", "y1", "x2", "y2")


def is_box_csv(file: Path) -> bool:
    """Whether the header names the edges of boxes."""
    try:
        with open_text(file) as text:
            _, header = next(parse_csv(text, file), (1, []))
    except DataError:
        return False  # whoever reads the file says what is wrong
    return bool(set(EDGES) & {column.strip() for column in header})


def open_csv(file: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """Read a CSV file with the columns path, x1, y1, x2, y2, label and perhaps difficult.

    An image has as many rows as objects. One without objects has one row in which all else is empty.

    Args:
        file: the CSV file; paths are relative to it.
        classes: the classes that there are. Default: those of the objects, sorted.

    Raises:
        DataError: not CSV, a column is missing, a row has no path, a path is spelled in two ways, or some
            rows are set apart for testing.
    """
    objects: dict[str, list[NamedObject]] = {}
    spelled: dict[str, str] = {}
    columns = Columns(("path", *EDGES, "label", "difficult"))
    with open_text(file) as text:
        for where, row in read_rows(text, file, needs=("path", *EDGES, "label")):
            columns.see(row)
            path = row["path"].strip().replace("\\", "/")
            if not path:
                raise DataError(f"{where} the path is missing")
            before = spelled.setdefault(posixpath.normpath(path), path)
            if path != before:  # as two images each would lack the other's objects
                raise DataError(f"{where} the path {path!r} is {before!r} in another spelling: write one")
            found = _row(f"line {where.rpartition(':')[2]}", row)
            objects.setdefault(path, []).extend([] if found is None else [found])
    if not objects:
        raise DataError(f"{file}: lists no images")
    columns.refuse_splits(file)
    pool = FolderPool(file.parent, list(objects), channels=3)
    annotations = [Annotation(path, file.name, found) for path, found in objects.items()]
    return as_dataset(file.stem, pool, annotations, classes)


def open_parquet(file: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """Read a Parquet file with the columns image, boxes, labels and perhaps difficult; a row an image.

    ``boxes`` holds lists of [x1, y1, x2, y2], ``labels`` lists of names, or of indices into the
    ``class_names`` (JSON) of the schema's metadata.

    Args:
        file: the Parquet file.
        classes: the classes that there are. Default: those of the metadata, or those of the objects, sorted.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: a column is missing or of another kind.
    """
    refuse_splits(file)
    pool = ParquetPool(file, channels=3)
    columns = read_columns(file, ("boxes", "labels"), optional=("difficult",))
    names = class_names_of(file)
    annotations = []
    for row, id in enumerate(pool.ids()):
        boxes, labels = columns["boxes"][row], columns["labels"][row]
        where = f"row {row} of {file.name}, counted from 0"
        if not isinstance(boxes, list) or not isinstance(labels, list):
            problem = "no boxes and labels; an image without objects has empty lists"
            annotations.append(Annotation(id, where, problem=problem))
            continue
        marks = columns["difficult"][row] if "difficult" in columns else None
        marks = [False] * len(boxes) if marks is None else marks
        if not len(boxes) == len(labels) == len(marks):
            problem = f"{len(boxes)} boxes, {len(labels)} labels and {len(marks)} marks of difficulty"
            annotations.append(Annotation(id, where, problem=problem))
            continue
        found = [
            _of_row(f"object {n}", box, label, mark, names)
            for n, (box, label, mark) in enumerate(zip(boxes, labels, marks, strict=True), start=1)
        ]
        annotations.append(Annotation(id, where, found))
    return as_dataset(file.stem, pool, annotations, (names or None) if classes is None else classes)


def _row(where: str, row: dict[str, str]) -> NamedObject | None:
    """The object of a row of CSV; None when the row only names an image."""
    values = {name: row[name].strip() for name in (*EDGES, "label")}
    if not any(values.values()):
        return None
    missing = [name for name, value in values.items() if not value]
    if missing:
        return NamedObject(where, problem=f"lacks {', '.join(missing)}")
    difficult = yes_or_no(row.get("difficult"))
    if difficult is None:
        return NamedObject(where, problem=f"difficult is {row['difficult']!r}, not 0 or 1")
    return NamedObject(where, [number(values[edge]) for edge in EDGES], values["label"], difficult)


def _of_row(where: str, box: object, label: object, mark: object, names: Sequence[str]) -> NamedObject:
    """An object of a row of Parquet."""
    difficult = yes_or_no(mark)
    if difficult is None:
        return NamedObject(where, problem=f"difficult is {mark!r}, not yes or no")
    if isinstance(label, int) and not isinstance(label, bool):
        if not 0 <= label < len(names):
            known = f"0 to {len(names) - 1}" if names else "a name: the metadata holds no class_names"
            return NamedObject(where, problem=f"has the label {label}, which is not {known}")
        label = names[label]
    if not isinstance(label, str):
        return NamedObject(where, problem=f"has the label {label!r}, which is no name")
    return NamedObject(where, box if isinstance(box, list) else [box], label, difficult)

"""The records of :mod:`ncenet.run.records` as files: one place writes them, and reads them.

Each JSON file says by which schema it was written; one without it was written before there were schemas, and
is read the same. A file that is missing is None; one that is damaged is an error that names it and says what
to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ncenet.boxes import Detections
from ncenet.class_names import shown
from ncenet.errors import DamagedRecord, DataError
from ncenet.files import write_json
from ncenet.run.box_doubts import Slip
from ncenet.run.folder import CycleFolder
from ncenet.run.records import (
    Asked,
    BoxTest,
    Choosing,
    ClassTest,
    Fit,
    FoundObject,
    LeftOut,
    PredictedImage,
    Reason,
    Test,
    as_json,
)
from ncenet.tables import read_csv, write_csv
from ncenet.text_files import read_whole
from ncenet.types import Query

SCHEMA = 1
"""Schema that this code writes; it reads all up to it."""
NO_SCHEMA = 1000
"""No version of ncenet comes so far (ours): such a number is damage."""
BAD_IMAGES, DUPLICATES = ("id", "why"), ("group", "id")
"""Columns that these tables have at least."""


def write_fit(files: CycleFolder, fit: Fit) -> None:
    """Write ``fit.json``; of a budget of images, nothing is said of boxes."""
    _write(files.fit, fit)


def read_fit(files: CycleFolder) -> Fit | None:
    """Read ``fit.json``; None when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    return _read(files.fit, Fit)


def write_test(files: CycleFolder, test: Test) -> None:
    """Write ``test.json``; whoever finds it may take the cycle for finished, so it is written last."""
    _write(files.test, test)


def read_test(files: CycleFolder) -> Test | None:
    """Read ``test.json``; None when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    text = _bytes(files.test)
    if text is None:
        return None
    boxes = _parsed(files.test, dict[str, Any], text).get("metric") == "mAP"
    return _read(files.test, BoxTest) if boxes else _read(files.test, ClassTest)


def write_left_out(files: CycleFolder, found: LeftOut) -> None:
    """Write ``left_out.json``."""
    _write(files.left_out, found)


def read_left_out(files: CycleFolder) -> LeftOut | None:
    """Read ``left_out.json``; None when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    return _read(files.left_out, LeftOut)


def last_left_out(cycles: Sequence[CycleFolder]) -> LeftOut | None:
    """The newest ``left_out.json``; None when there is none.

    Raises:
        DamagedRecord: it is damaged.
    """
    return next((found for files in reversed(cycles) if (found := read_left_out(files)) is not None), None)


def write_choosing(files: CycleFolder, found: Choosing) -> None:
    """Write ``choosing.json``."""
    _write(files.choosing, found)


def last_choosing(cycles: Sequence[CycleFolder]) -> Choosing | None:
    """The newest ``choosing.json``; None when there is none.

    Raises:
        DamagedRecord: it is damaged.
    """
    every = (_read(files.choosing, Choosing) for files in reversed(cycles))
    return next((found for found in every if found is not None), None)


def write_predicted(files: CycleFolder, rows: Iterable[PredictedImage]) -> None:
    """Write ``test.csv``."""
    write_csv(
        files.predicted, ("id", "label", "predicted"), ((r.id, r.label or "", r.predicted) for r in rows)
    )


def read_predicted(files: CycleFolder) -> tuple[PredictedImage, ...] | None:
    """Read ``test.csv``; None when it is not there, as where boxes were tested.

    Raises:
        DamagedRecord: it is damaged.
    """
    rows = _rows(files.predicted, ("id", "label", "predicted"))
    return (
        None if rows is None else tuple(PredictedImage(id, label or None, guess) for id, label, guess in rows)
    )


def write_found(files: CycleFolder, found: Iterable[FoundObject]) -> None:
    """Write ``detections.csv``, edges to a tenth of a pixel."""
    rows = (
        (f.id, *(f"{edge:.1f}" for edge in (f.x1, f.y1, f.x2, f.y2)), f.label, f"{f.score:.4f}")
        for f in found
    )
    write_csv(files.detections, ("id", "x1", "y1", "x2", "y2", "label", "score"), rows)


def listed(found: Iterable[Detections], *, most: int, least_score: float) -> Iterator[FoundObject]:
    """The likeliest finds of each image, as rows of ``detections.csv``.

    Args:
        found: by image, the likeliest first.
        most: so many of one image.
        least_score: none below it.
    """
    for each in found:
        rows = zip(each.boxes, each.labels, each.scores, strict=True)
        for box, label, score in list(rows)[:most]:
            if score >= least_score:
                yield FoundObject(each.id, *box, label, score)


def read_found(files: CycleFolder) -> tuple[FoundObject, ...] | None:
    """Read ``detections.csv``; None when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    rows = _rows(files.detections, ("id", "x1", "y1", "x2", "y2", "label", "score"))
    if rows is None:
        return None
    with _explained(files.detections):
        return tuple(
            FoundObject(id, float(x1), float(y1), float(x2), float(y2), label, float(score))
            for id, x1, y1, x2, y2, label, score in rows
        )


def write_query(files: CycleFolder, asked: Asked | None, query: Query) -> None:
    """Write ``query.csv`` and, where it is known who asked for what, ``query.json``."""
    ranked = enumerate(zip(query.ids, query.scores, strict=True))
    write_csv(files.query, ("rank", "id", "score"), ((n, id, repr(score)) for n, (id, score) in ranked))
    if asked is not None:
        _write(files.asked, asked)


def read_asked(files: CycleFolder) -> Asked | None:
    """Read ``query.json``; None when it is not there, as in the last cycle.

    Raises:
        DamagedRecord: it is damaged.
    """
    return _read(files.asked, Asked)


def read_query(files: CycleFolder) -> Query | None:
    """Read ``query.csv``; None when it is not there, as in the last cycle.

    Raises:
        DamagedRecord: it is damaged.
    """
    rows = _rows(files.query, ("rank", "id", "score"))
    if rows is None:
        return None
    with _explained(files.query):
        return Query(tuple(id for _, id, _ in rows), tuple(float(score) for _, _, score in rows))


def write_reasons(files: CycleFolder, reasons: Mapping[str, Reason]) -> None:
    """Write ``why.json``, by id."""
    write_json(files.reasons, {id: as_json(reason) for id, reason in reasons.items()})


def read_reasons(files: CycleFolder) -> dict[str, Reason]:
    """Read ``why.json``; empty when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    text = _bytes(files.reasons)
    return {} if text is None else _parsed(files.reasons, dict[str, Reason], text)


@dataclass(frozen=True)
class _Doubts:
    """What ``doubts.json`` holds: images, the worst first, and of boxes parallel to them what slipped."""

    doubts: tuple[str, ...] = ()
    slips: tuple[Slip, ...] = ()


def write_doubts(files: CycleFolder, ids: Sequence[str], slips: Sequence[str] = ()) -> None:
    """Write ``doubts.json``, images whose label looks wrong, the worst first; of boxes also what slipped."""
    write_json(files.doubts, {"doubts": list(ids)} | ({"slips": list(slips)} if slips else {}))


def read_doubts(files: CycleFolder) -> dict[str, Slip | None]:
    """Read ``doubts.json``, in its order; empty when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    text = _bytes(files.doubts)
    if text is None:
        return {}
    found = _parsed(files.doubts, _Doubts, text)
    if found.slips and len(found.slips) != len(found.doubts):
        raise DamagedRecord(files.doubts, f"{len(found.slips)} slips of {len(found.doubts)} images")
    return dict(zip(found.doubts, found.slips or (None,) * len(found.doubts), strict=True))


def read_table(
    file: Path, needs: Collection[str] = ()
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Columns and rows of a table of the run, such as ``bad_images.csv``; none when it is not there.

    Args:
        file: the table.
        needs: columns that it has to have.

    Raises:
        DamagedRecord: it is damaged.
    """
    if not file.exists():
        return (), ()
    try:
        columns, rows = read_csv(file)
    except DataError as error:
        raise DamagedRecord(file, str(error).removeprefix(f"{file}").lstrip(": ")) from None
    if missing := set(needs) - set(columns):
        raise DamagedRecord(file, f"it has no column {' and no '.join(sorted(missing))}")
    return tuple(columns), tuple(map(tuple, rows))


def _write(file: Path, record: Fit | Test | LeftOut | Choosing | Asked) -> None:
    write_json(file, {"schema": SCHEMA, **as_json(record)})


Kind = TypeVar("Kind", Fit, ClassTest, BoxTest, LeftOut, Choosing, Asked)
Any_ = TypeVar("Any_")


def _read(file: Path, kind: type[Kind]) -> Kind | None:
    text = _bytes(file)
    if text is None:
        return None
    schema = _parsed(file, dict[str, Any], text).get("schema", 0)
    if type(schema) is not int or not 0 <= schema < NO_SCHEMA:
        raise DamagedRecord(file, f"its schema is {shown(schema)}")
    if schema > SCHEMA:
        raise DataError(
            f"{file}: written by a newer ncenet (schema {schema}, this one knows {SCHEMA}): "
            "upgrade with pip install -U ncenet"
        )
    return _parsed(file, kind, text)


def _bytes(file: Path) -> bytes | None:
    try:
        return read_whole(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedRecord(file, f"cannot be read: {error.strerror}") from error


def _parsed(file: Path, kind: type[Any_], text: bytes) -> Any_:
    try:
        adapter: TypeAdapter[Any_] = TypeAdapter(kind)
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedRecord(file, f"{where}: {first['msg']}" if where else first["msg"]) from None


def _rows(file: Path, columns: Sequence[str]) -> list[list[str]] | None:
    text = _bytes(file)
    if text is None:
        return None
    if not text.endswith(b"\n"):
        raise DamagedRecord(file, "it is cut off" if text else "it is empty")
    try:
        found, rows = read_csv(file)
    except DataError as error:
        raise DamagedRecord(file, str(error).removeprefix(f"{file}").lstrip(": ")) from None
    if found != list(columns):
        raise DamagedRecord(file, f"its first line is not {','.join(columns)}")
    return rows


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise DamagedRecord(file, str(error)) from None

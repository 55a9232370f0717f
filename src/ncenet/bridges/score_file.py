"""Scores of images as rows of a table, written as they come."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from ncenet.bridges.model import Scores
from ncenet.bridges.tables import pyarrow
from ncenet.errors import UsageError
from ncenet.files import whole

Row: TypeAlias = dict[str, Any]
Write: TypeAlias = Callable[[Sequence[Row]], None]

COLUMNS = ("id", "predicted", "likelihood", "rejection", "confusion")


def columns_of(class_names: Sequence[str], *, per_class: bool) -> tuple[str, ...]:
    """Names of the columns; with ``per_class`` the likelihood of each class follows."""
    return (*COLUMNS, *(f"likelihood[{name}]" for name in class_names)) if per_class else COLUMNS


def rows_of(scores: Scores, *, per_class: bool) -> list[Row]:
    """One row an image: its id, the likeliest class and its likelihood, rejection, confusion."""
    columns = columns_of(scores.class_names, per_class=per_class)[len(COLUMNS) :]
    best = scores.likelihood.max(-1)
    return [
        {
            "id": id,
            "predicted": predicted,
            "likelihood": float(best[row]),
            "rejection": float(scores.rejection[row]),
            "confusion": float(scores.confusion[row]),
            **dict(zip(columns, scores.likelihood[row].tolist(), strict=False)),
        }
        for row, (id, predicted) in enumerate(zip(scores.ids, scores.predicted, strict=True))
    ]


def write_scores(
    chunks: Iterable[Scores], class_names: Sequence[str], out: Path | None, *, per_class: bool, as_json: bool
) -> int:
    """Write scores chunk by chunk; a file is there whole or not at all.

    Args:
        chunks: from :meth:`ncenet.bridges.model.Model.score`.
        class_names: the C classes.
        out: file that ends in .csv, .json, .jsonl or .parquet; None for standard output.
        per_class: add the likelihood of each class.
        as_json: standard output is JSON instead of CSV.

    Returns:
        How many images.

    Raises:
        UsageError: the file's name ends in something else.
    """
    suffix = (".json" if as_json else ".csv") if out is None else out.suffix.lower()
    if suffix not in _WRITERS:
        raise UsageError(f"{out}: the name ends in none of {', '.join(sorted(_WRITERS))}")
    count = 0
    place: AbstractContextManager[Path | None] = nullcontext() if out is None else whole(out)
    with place as file, _WRITERS[suffix](file, columns_of(class_names, per_class=per_class)) as write:
        for scores in chunks:
            write(rows_of(scores, per_class=per_class))
            count += len(scores)
    return count


@contextmanager
def _text(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
    else:
        with file.open("w", encoding="utf-8", newline="") as text:
            yield text


@contextmanager
def _csv(file: Path | None, columns: Sequence[str]) -> Iterator[Write]:
    with _text(file) as text:
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        yield writer.writerows


@contextmanager
def _jsonl(file: Path | None, columns: Sequence[str]) -> Iterator[Write]:
    with _text(file) as text:
        yield lambda rows: text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def _json(file: Path | None, columns: Sequence[str]) -> Iterator[Write]:
    with _text(file) as text:
        separator = "[\n"

        def write(rows: Sequence[Row]) -> None:
            nonlocal separator
            for row in rows:
                text.write(separator + json.dumps(row, ensure_ascii=False))
                separator = ",\n"

        yield write
        text.write("[]\n" if separator == "[\n" else "\n]\n")


@contextmanager
def _parquet(file: Path | None, columns: Sequence[str]) -> Iterator[Write]:
    pa = pyarrow("writing Parquet files")
    texts = {"id", "predicted"}
    schema = pa.schema([(name, pa.string() if name in texts else pa.float32()) for name in columns])
    with pa.parquet.ParquetWriter(file, schema) as writer:
        yield lambda rows: writer.write_table(pa.Table.from_pylist(list(rows), schema))


_WRITERS = {".csv": _csv, ".json": _json, ".jsonl": _jsonl, ".parquet": _parquet}

"""Scores of images in files, written as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from ncenet.errors import UsageError
from ncenet.files import whole
from ncenet.models.score_tables import Row, ScoreTable
from ncenet.models.scores import BoxScores, Scores
from ncenet.tables import csv_line, pyarrow

Write: TypeAlias = Callable[[Sequence[Row]], None]


def write_scores(
    chunks: Iterable[Scores | BoxScores],
    table: ScoreTable,
    out: Path | None,
    *,
    as_json: bool = False,
    raw: bool = False,
) -> int:
    """Write scores chunk by chunk; a file is there whole or not at all.

    Args:
        chunks: from :meth:`ncenet.models.model.Pretrained.score`.
        table: which columns.
        out: file that ends in .csv, .json, .jsonl or .parquet; None for standard output.
        as_json: standard output is JSON instead of CSV.
        raw: leave cells of CSV alone that a spreadsheet would take for formulas.

    Returns:
        How many images.

    Raises:
        UsageError: the file's name ends in something else, or what is written is no CSV to leave raw.
    """
    suffix = (".json" if as_json else ".csv") if out is None else out.suffix.lower()
    if suffix not in _WRITERS:
        raise UsageError(f"{out}: the name ends in none of {', '.join(sorted(_WRITERS))}")
    if raw and suffix != ".csv":
        raise UsageError(f"`raw` is for CSV, and this is {suffix.removeprefix('.')}")
    count = 0
    place: AbstractContextManager[Path | None] = nullcontext() if out is None else whole(out)
    with place as file, _WRITERS[suffix](file, table.columns, raw) as write:
        for said in chunks:
            write(table.rows(said))
            count += len(said)
    return count


@contextmanager
def _text(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
    else:
        with file.open("w", encoding="utf-8", newline="") as text:
            yield text


@contextmanager
def _csv(file: Path | None, columns: Sequence[str], raw: bool) -> Iterator[Write]:
    with _text(file) as text:
        text.write(csv_line(columns, raw=raw))
        yield lambda rows: text.writelines(
            csv_line([_field(row[name]) for name in columns], raw=raw) for row in rows
        )


def _field(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


@contextmanager
def _jsonl(file: Path | None, columns: Sequence[str], _raw: bool) -> Iterator[Write]:
    with _text(file) as text:
        yield lambda rows: text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def _json(file: Path | None, columns: Sequence[str], _raw: bool) -> Iterator[Write]:
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
def _parquet(file: Path | None, columns: Sequence[str], _raw: bool) -> Iterator[Write]:
    pa = pyarrow("writing Parquet files")
    schema = pa.schema([(name, _kind(pa, name)) for name in columns])
    with pa.parquet.ParquetWriter(file, schema) as writer:
        yield lambda rows: writer.write_table(pa.Table.from_pylist(list(rows), schema))


def _kind(pa: Any, column: str) -> Any:
    """What a column of a Parquet file holds."""
    if column in ("id", "predicted"):
        return pa.string()
    if column == "boxes":
        edges = pa.list_(pa.float32(), 4)
        return pa.list_(pa.struct({"box": edges, "label": pa.string(), "likelihood": pa.float32()}))
    return pa.int32() if column.startswith("objects") else pa.float32()


_WRITERS = {".csv": _csv, ".json": _json, ".jsonl": _jsonl, ".parquet": _parquet}

"""Parquet: one row an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ncenet.errors import DataError
from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.records import COLUMNS, WRITTEN, Known, Labels, Record
from ncenet.parquet_rows import batches, fitting
from ncenet.tables import pyarrow, reading_parquet


@formats.register("parquet")
class Parquet(Format):
    """A table of text columns and the number of the cycle; class names stand in the schema's metadata."""

    suffix = ".parquet"

    def write(self, labels: Labels, target: Path) -> None:
        """See :class:`~ncenet.labels.format.Format`."""
        pa = pyarrow("writing Parquet files")
        fields = [(column, pa.int64() if column == "cycle" else pa.string()) for column in WRITTEN]
        schema = pa.schema(fields, metadata={"class_names": json.dumps(labels.class_names)})
        pa.parquet.write_table(
            pa.Table.from_pylist([record.row() for record in labels.records], schema), target
        )

    def read(self, source: Path, known: Known) -> Iterator[Record]:
        """See :class:`~ncenet.labels.format.Format`."""
        pa = pyarrow("reading Parquet files")
        with reading_parquet(source), pa.parquet.ParquetFile(source) as file:
            missing = {"id", "label"} - set(file.schema_arrow.names)
            if missing:
                raise DataError(f"{source}: has no column {' and no '.join(sorted(missing))}")
            columns = [column for column in COLUMNS if column in file.schema_arrow.names]
            number = 0
            for batch in fitting(batches(file, source, columns), source):
                for row in batch.to_pylist():
                    record = known.record(row, f"{source}: row {number}:")
                    number += 1
                    if record is not None:
                        yield record

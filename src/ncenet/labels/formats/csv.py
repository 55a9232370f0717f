"""CSV: one line an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.records import COLUMNS, Known, Labels, Record
from ncenet.tables import read_rows, write_rows


@formats.register("csv")
class Csv(Format):
    """A table with a header; of another tool's, the columns ``id`` and ``label`` are enough."""

    suffix = ".csv"

    def write(self, labels: Labels, target: Path) -> None:
        """See :class:`~ncenet.labels.format.Format`."""
        write_rows(target, COLUMNS, (record.row() for record in labels.records))

    def read(self, source: Path, known: Known) -> Iterator[Record]:
        """See :class:`~ncenet.labels.format.Format`."""
        for where, row in read_rows(source):
            record = known.record(row, where)
            if record is not None:
                yield record

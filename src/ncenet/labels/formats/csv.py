"""CSV: one line an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.records import Known, Labels, Record
from ncenet.labels.table import read_answers, write_answers


@formats.register("csv")
class Csv(Format):
    """A table with a header; of another tool's, the columns ``id`` and ``label`` are enough."""

    suffix = ".csv"
    writes_csv = True

    def write(self, labels: Labels, target: Path) -> None:
        """See :class:`~ncenet.labels.format.Format`."""
        write_answers(target, labels.records, raw=labels.raw)

    def read(self, source: Path, known: Known) -> Iterator[Record]:
        """See :class:`~ncenet.labels.format.Format`."""
        for record, _ in read_answers(source, known):
            yield record

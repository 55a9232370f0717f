"""JSON lines: one object an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ncenet.errors import DataError
from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.records import Known, Labels, Record


@formats.register("jsonl")
class JsonLines(Format):
    """One JSON object a line; of another tool's, the keys ``id`` and ``label`` are enough."""

    suffix = ".jsonl"

    def write(self, labels: Labels, target: Path) -> None:
        """See :class:`~ncenet.labels.format.Format`."""
        with target.open("w", encoding="utf-8", newline="") as text:
            text.writelines(json.dumps(record.row(), ensure_ascii=False) + "\n" for record in labels.records)

    def read(self, source: Path, known: Known) -> Iterator[Record]:
        """See :class:`~ncenet.labels.format.Format`."""
        try:
            with source.open(encoding="utf-8-sig", newline="\n") as text:
                for number, line in enumerate(text, start=1):
                    if line.strip():
                        record = known.record(_object(line, f"{source}:{number}"), f"{source}:{number}")
                        if record is not None:
                            yield record
        except UnicodeDecodeError as error:
            raise DataError(f"{source}: not text in UTF-8: {error.reason} at byte {error.start}") from error


def _object(line: str, where: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} not JSON: {error.msg}") from error
    if not isinstance(row, dict) or not {"id", "label"} <= row.keys():
        raise DataError(f"{where} expected an object with the keys id and label, got {line.strip()[:60]}")
    return row

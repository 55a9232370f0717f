"""JSON lines: one object an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ncenet.errors import DataError
from ncenet.labels.format import Format
from ncenet.labels.formats import formats
from ncenet.labels.records import Known, Labels, Record
from ncenet.text_files import open_text, parse_json


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
        with open_text(source, newline="\n") as text:
            for number, line in enumerate(text, start=1):
                if line.strip():
                    row = parse_json(line, source, line=number)
                    record = known.record(_object(row, line, f"{source}:{number}"), f"{source}:{number}")
                    if record is not None:
                        yield record


def _object(row: object, line: str, where: str) -> dict[str, object]:
    if not isinstance(row, dict) or not {"id", "label"} <= row.keys():
        raise DataError(f"{where} expected an object with the keys id and label, got {line.strip()[:60]}")
    return row

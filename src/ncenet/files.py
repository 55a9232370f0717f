"""Files that are there whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Have the block write a file or folder that takes its name only when the block ends well.

    Args:
        target: the name in the end. A file of that name is replaced; a folder must not be there.

    Yields:
        Where to write; removed when the block raises. Nothing is there yet.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "a.txt") as partial:
    ...         _ = partial.write_text("done")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['a.txt']
    """
    partial = target.with_name(target.name + ".partial")
    _remove(partial)  # what a killed process left
    try:
        yield partial
    except BaseException:
        _remove(partial)
        raise
    partial.replace(target)


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all; lines end as they do in ``text``."""
    with whole(file) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as indented JSON, whole or not at all."""
    write_text(file, json.dumps(record, indent=1) + "\n")


def write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(file, text.getvalue())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Files that are there whole or not at all, and folders: where cycles lie, who works in one at a time."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ncenet.errors import UsageError

LOCK = ".lock"
"""File by which processes know of each other; it stays, and holds nothing."""
PATIENCE = 5.0
"""Seconds within which what a killed process has started should be gone too."""


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Have the block write a file or folder that takes its name only when the block ends well.

    It is written under another name and renamed.

    Args:
        target: the name in the end. A file of that name is replaced; a folder must not be there. Folders
            above it are made.

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
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove(partial)  # what a killed process left
    try:
        yield partial
    except BaseException:
        _remove(partial)
        raise
    partial.replace(target)


@contextmanager
def alone(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Have the block be the only one, of all processes, that works in a folder.

    The operating system lets go of the folder when the process ends, however it ends.

    Args:
        folder: made when missing.
        wait: until the others have done, instead of raising after :data:`PATIENCE`.

    Raises:
        UsageError: another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(folder / LOCK).acquire(timeout=-1 if wait else PATIENCE)
    except Timeout:
        raise UsageError(
            f"{folder}: another ncenet is at work in this folder; wait until it has ended, or name another"
        ) from None
    with held:
        yield


def cycle_folder(run: Path, cycle: int) -> Path:
    """Where in a run folder the files of a cycle are; nothing is made.

    >>> cycle_folder(Path("run"), 7).as_posix()
    'run/cycles/007'
    """
    return run / "cycles" / f"{cycle:03d}"


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


def read_csv(file: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table that :func:`write_csv` wrote.

    Raises:
        ValueError: there is no header.
    """
    # Lines are the reader's affair: a field may hold their ends, and others that str.splitlines knows.
    with file.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    return header, rows


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

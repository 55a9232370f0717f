"""What earlier looks at images found, kept in a file: an image that has not changed is not decoded again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ncenet.data.images import Probe
from ncenet.errors import DataError
from ncenet.tables import read_csv, write_csv

SETTLED_SECONDS = 2.0
"""A younger file has no stamp: written again within a tick of the clock, it would have the same. The coarsest
clock of a file system in use, FAT's, ticks every two seconds."""
_COLUMNS = ("id", "stamp", "hash", "mode", "height", "width")


class Look(NamedTuple):
    """What a look at a sound image found. Broken ones are not kept: they are looked at every time.

    Attributes:
        stamp: of the file at that time; see :func:`stamp_of`.
        hash: content hash.
        what: mode and size.
    """

    stamp: str
    hash: str
    what: Probe


def stamp_of(file: Path) -> str | None:
    """Size and times of a file: while they stay the same, so do its bytes.

    The time of the last change of anything (``ctime``) is among them, which nobody can set: a file that takes
    the place of another is told even where it brings the other's size and date.

    Returns:
        The stamp; None when there is no such file, or it was written a moment ago.
    """
    try:
        facts = file.stat()
    except OSError:
        return None
    if time.time() - max(facts.st_mtime, facts.st_ctime) < SETTLED_SECONDS:
        return None
    return f"{facts.st_size}-{facts.st_mtime_ns}-{facts.st_ctime_ns}"


def read_looks(file: Path) -> dict[str, Look]:
    """The looks that were kept, by id; none when there is no such file, or it is not as we write it."""
    try:
        header, rows = read_csv(file)
        if tuple(header) != _COLUMNS:
            return {}
        return {
            id: Look(stamp, hash, Probe(mode, int(height), int(width)))
            for id, stamp, hash, mode, height, width in rows
        }
    except (DataError, ValueError):  # the next scan writes it anew
        return {}


def write_looks(file: Path, looks: Mapping[str, Look]) -> None:
    """Keep looks in the place of those that were kept before."""
    write_csv(file, _COLUMNS, ((id, look.stamp, look.hash, *look.what) for id, look in looks.items()))

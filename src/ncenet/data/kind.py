"""What kind of images a pool holds, by a look at a few of them."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from ncenet.data.pools import channels_of, size_of
from ncenet.data.scan import DEFAULT_SIDE
from ncenet.errors import UnreadableImage
from ncenet.types import Pool

LOOKED_AT = 16


def may_be_vectors(source: str) -> bool:
    """Whether a data set may hold vectors: these are in one file of this machine.

    >>> may_be_vectors("photos")
    False
    """
    file = Path(source).expanduser()
    return file.suffix.lower() in (".npz", ".parquet") and file.is_file()


def is_photographs(pool: Pool) -> bool:
    """Whether a network that was trained on photographs has something to say about these images (ours).

    Not about small gray ones, such as digits: those whose shorter side is at most 64 pixels, in the median of
    16 images that are spread over the pool. Small ones in colour and large gray ones count as photographs.
    """
    channels = channels_of(pool)
    if channels != 1:
        return channels == 3
    ids = pool.ids()
    sides = []
    for id in ids[:: max(1, len(ids) // LOOKED_AT)][:LOOKED_AT]:
        try:
            sides.append(min(size_of(pool, id)))
        except UnreadableImage:  # a look at every image names it
            continue
    return bool(sides) and median(sides) > DEFAULT_SIDE

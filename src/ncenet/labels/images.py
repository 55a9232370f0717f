"""Image files of a pool, written out as they are."""

from __future__ import annotations

import io
import shutil
from pathlib import Path, PurePosixPath

import PIL.Image

from ncenet.data.folders import SUFFIXES
from ncenet.data.pools import ArrayPool, EncodedPool, FolderPool
from ncenet.errors import DataError, UsageError
from ncenet.labels.names import distinct_paths, image_path
from ncenet.labels.records import Record
from ncenet.types import Pool

_SIGNATURES = (
    (0, b"\xff\xd8", ".jpg"),
    (0, b"\x89PNG", ".png"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (0, b"BM", ".bmp"),
    (0, b"II*\0", ".tif"),
    (0, b"MM\0*", ".tif"),
    (4, b"jP  ", ".jp2"),
    (4, b"ftypavif", ".avif"),
    (4, b"ftyphe", ".heic"),
    (0, b"P", ".ppm"),
)
"""What the formats that are read begin with: place, bytes, suffix."""


def paths_of(pool: Pool, records: list[Record]) -> dict[str, str]:
    """A path for the image of each record, by id: distinct, harmless, with a suffix of image files.

    Raises:
        DataError: the pool holds feature vectors, or an id is not in it.
    """
    paths = {record.id: image_path(record.id) for record in records}
    return distinct_paths({id: path + _missing_suffix(pool, id, path) for id, path in paths.items()})


def write_image(pool: Pool, record: Record, file: Path, *, link: bool) -> None:
    """Write the image of a record: the bytes that were labelled, or a link to the file that holds them.

    Arrays become PNG files.

    Raises:
        DataError: the bytes are other ones now than when they were labelled.
        UsageError: a link to an image that is no file of its own.
    """
    _check(pool, record.id, record.hash)
    file.parent.mkdir(parents=True, exist_ok=True)
    if link:
        if not isinstance(pool, FolderPool):
            raise UsageError("`link` needs image files; these images are rows of a table or built in")
        file.symlink_to(pool.root / record.id)
    elif isinstance(pool, FolderPool):
        shutil.copyfile(pool.root / record.id, file)
    else:
        file.write_bytes(encoded(pool, record.id, record.hash))


def encoded(pool: Pool, id: str, hash: str | None) -> bytes:
    """An image as the bytes of a file; arrays become PNG.

    Raises:
        DataError: it has another hash now.
    """
    _check(pool, id, hash)
    if isinstance(pool, EncodedPool):
        return pool.read(id)
    pixels = pool.load(id)
    data = io.BytesIO()
    PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(data, "PNG")
    return data.getvalue()


def _check(pool: Pool, id: str, hash: str | None) -> None:
    if hash is not None and pool.content_hash(id) != hash:
        raise DataError(f"{id!r} changed since it was entered or labelled: restore it, or undo its answer")


def _missing_suffix(pool: Pool, id: str, path: str) -> str:
    """What has to follow a path so that the file is known as an image; "" when it ends like one."""
    if PurePosixPath(path).suffix.lower() in SUFFIXES:
        return ""
    if isinstance(pool, EncodedPool):
        data = pool.read(id)
        return next((suffix for at, start, suffix in _SIGNATURES if data[at:].startswith(start)), ".jpg")
    if isinstance(pool, ArrayPool) and pool.channels == 0:
        raise DataError("feature vectors are no images: export their labels as csv, jsonl or parquet")
    return ".png"

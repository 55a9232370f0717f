"""Pools: images under ids that never change. A pool knows no labels.

Every pool here satisfies :class:`ncenet.types.Pool`, can be pickled, and may be read by several threads at
once. ``channels`` is 1 (gray), 3 (RGB), or 0 when the pool holds feature vectors.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ncenet.data import images
from ncenet.data.folders import find_images
from ncenet.data.images import Probe, Undecodable
from ncenet.data.rows import RowIds, RowOf
from ncenet.data.scan_cache import stamp_of
from ncenet.data.shard_ids import PoolIds
from ncenet.errors import DataError, UnreadableImage
from ncenet.text_files import read_whole

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.types import Image, Pool

Channels: TypeAlias = int | Literal["auto"]
"""1 (gray), 3 (RGB), or "auto": gray when 16 images, spread evenly over the pool, are all stored as gray."""

LOOKED_AT = 16


class EncodedPool(ABC):
    """Images held as encoded bytes, decoded when they are asked for."""

    channels: int

    @abstractmethod
    def ids(self) -> Sequence[str]:
        """All ids, in a stable order."""

    @abstractmethod
    def read(self, id: str) -> bytes:
        """The encoded bytes.

        Raises:
            DataError: there is no such id.
            UnreadableImage: there are no bytes behind the id.
        """

    def load(self, id: str, size: int | None = None) -> npt.NDArray[np.uint8]:
        """The decoded image, (H, W, channels); with a ``size``, resized to (size, size, channels).

        Raises:
            UnreadableImage: the bytes are not an image that can be decoded.
        """
        try:
            return images.decode(self.read(id), self.channels, size)
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error

    def probe(self, id: str) -> Probe:
        """What the image is; it is decoded, as cheaply as that can be done.

        Raises:
            UnreadableImage: the bytes are not an image that can be decoded.
        """
        try:
            return images.probe_bytes(self.read(id))
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error

    def size(self, id: str) -> tuple[int, int]:
        """(width, height) in pixels, upright, by the header alone.

        Raises:
            UnreadableImage: the bytes do not begin like an image.
        """
        try:
            return images.upright_size(self.read(id))
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error

    def content_hash(self, id: str) -> str:
        """BLAKE2b of the encoded bytes, 128 bits, as 32 hexadecimal digits."""
        return images.content_hash(self.read(id))

    def stamp(self, id: str) -> str | None:
        """What stays the same as long as the bytes do, without a look at them; None when nothing says so."""
        return None

    def _choose(self, channels: Channels) -> int:
        if channels != "auto":
            return _checked(channels)
        ids = self.ids()
        looked_at = ids[:: max(1, len(ids) // LOOKED_AT)][:LOOKED_AT]
        gray = [gray for id in looked_at if (gray := self._stored_gray(id)) is not None]
        return 1 if gray and all(gray) else 3

    def _stored_gray(self, id: str) -> bool | None:
        try:
            return images.stored_gray(self.read(id))
        except (Undecodable, UnreadableImage):
            return None  # a scan names it; it has no say in the number of channels


def file_of(id: str, file: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        UnreadableImage: it cannot be read.
    """
    try:
        return read_whole(file, most=images.MAX_BYTES)
    except OSError as error:
        why = error.strerror or str(error)
        raise UnreadableImage(id, why[:1].lower() + why[1:]) from error
    except ValueError as error:  # of a name that no file can have
        raise UnreadableImage(id, "holds the character NUL: no file has such a name") from error


class FolderPool(EncodedPool):
    """Image files below a folder. The id of a file is its path relative to the folder, with ``/``.

    Args:
        root: the folder.
        ids: the files that belong to the pool. Default: all images that
            :func:`~ncenet.data.folders.find_images` finds.
        channels: 1, 3 or "auto".

    Raises:
        DataError: there is no image below the folder, or an id occurs twice.

    >>> FolderPool(Path("/nowhere"))
    Traceback (most recent call last):
    ...
    ncenet.errors.DataError: /nowhere: cannot be read: No such file or directory
    """

    def __init__(self, root: Path, ids: Sequence[str] | None = None, *, channels: Channels = "auto") -> None:
        self.root = Path(root).absolute()
        self._ids = tuple(find_images(self.root) if ids is None else ids)
        self._row_of = RowOf(self._ids)
        self.channels = self._choose(channels)

    def ids(self) -> tuple[str, ...]:
        """All ids, sorted unless they were given."""
        return self._ids

    def read(self, id: str) -> bytes:
        """The bytes of the file.

        Raises:
            DataError: there is no such id; a path that is not in the pool is never read.
            UnreadableImage: the file cannot be read.
        """
        self._row_of(id)
        return file_of(id, self.root / id)

    def stamp(self, id: str) -> str | None:
        """That of the file."""
        return stamp_of(self.root / id)


class ArrayPool:
    """Images or feature vectors in memory. Nothing is copied.

    Args:
        array: images as uint8 (N, H, W) or (N, H, W, channels), or feature vectors as float32 (N, D); of
            NumPy, or what NumPy makes an array of: a tensor, a frame, a list.
        ids: N distinct ids, texts. Default: row numbers, ``"00012"``.

    Raises:
        DataError: dtype, shape, ids or their number are none of these.

    >>> pool = ArrayPool(np.zeros((2, 28, 28), np.uint8), ids=["a", "b"])
    >>> pool.ids(), pool.load("b").shape
    (('a', 'b'), (28, 28, 1))
    """

    def __init__(self, array: npt.ArrayLike, ids: Sequence[str] | None = None) -> None:
        rows = _as_array(array)
        if rows.dtype == np.uint8 and rows.ndim == 3:
            rows = rows[..., None]
        vectors = rows.dtype == np.float32 and rows.ndim == 2
        if not vectors and not (rows.dtype == np.uint8 and rows.ndim == 4 and rows.shape[3] in (1, 3)):
            raise DataError(
                f"got an array of {rows.dtype} {rows.shape}: "
                "images are uint8 (N, H, W) or (N, H, W, 1 or 3), "
                f"feature vectors float32 (N, D){'' if rows.ndim != 2 else ': array.astype(np.float32)'}"
            )
        if ids is not None and len(ids) != len(rows):
            raise DataError(f"{len(ids)} ids for {len(rows)} rows")
        if ids is not None and not isinstance(ids, RowIds):
            if (strange := next((id for id in ids if not isinstance(id, str)), None)) is not None:
                raise DataError(f"ids are texts, and {strange!r} is of type {type(strange).__name__}")
            ids = tuple(map(str, ids))  # NumPy's texts too
        self.array: npt.NDArray[np.uint8] | npt.NDArray[np.float32] = rows
        self.channels = 0 if vectors else rows.shape[3]
        self._ids = RowIds("", len(rows)) if ids is None else ids
        self._row_of = RowOf(self._ids)

    def ids(self) -> Sequence[str]:
        """All ids, in the order of the rows."""
        return self._ids

    def load(self, id: str) -> Image:
        """The image (H, W, channels) or the feature vector (D,).

        Raises:
            DataError: there is no such id.
            UnreadableImage: a feature vector that is not finite.
        """
        row: Image = self.array[self._row_of(id)]
        if self.channels == 0 and not np.isfinite(row).all():
            raise UnreadableImage(id, "the feature vector holds nan or inf")
        return row

    def content_hash(self, id: str) -> str:
        """BLAKE2b of values, dtype and shape, 128 bits, as 32 hexadecimal digits."""
        row = self.array[self._row_of(id)]
        digest = hashlib.blake2b(row.tobytes(), digest_size=16)
        digest.update(f"{row.dtype.str}{row.shape}".encode())
        return digest.hexdigest()


def _as_array(given: Any) -> Any:
    """The same, if it is like an array of NumPy, on the disk perhaps; else what NumPy makes of it."""
    if isinstance(getattr(given, "dtype", None), np.dtype):
        return given
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"no array can be made of this {type(given).__name__}: {error}") from error


class VectorRows(ABC):
    """A pool of feature vectors that gives many of them at once, and knows whose they are."""

    channels = 0

    @property
    @abstractmethod
    def dim(self) -> int:
        """D."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Digits that stand for whatever made the vectors."""

    @abstractmethod
    def present(self, ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` that have a vector by now, whoever made it."""

    @abstractmethod
    def known(self) -> list[str]:
        """Ids that have a vector by now, in the order of the pool."""

    @abstractmethod
    def rows(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) in the order of ``ids``."""


class Subset:
    """Part of a pool, under the same ids.

    Args:
        pool: the whole.
        ids: which images, in this order.

    Raises:
        DataError: an id occurs twice, or is not in the pool.
    """

    def __init__(self, pool: Pool, ids: Sequence[str]) -> None:
        self.pool = pool
        self._ids = tuple(ids)
        self._row_of = RowOf(self._ids)
        of_all = pool.ids()
        there = of_all.find(self._ids) if isinstance(of_all, PoolIds) else None  # all of them in one pass
        if there is not None and len(there) == len(self._ids):
            return
        whole = RowOf(of_all)
        for id in self._ids:
            whole(id)

    @property
    def channels(self) -> int:
        """That of the whole pool."""
        return channels_of(self.pool)

    def ids(self) -> tuple[str, ...]:
        """The ids that were given."""
        return self._ids

    def load(self, id: str) -> Image:
        """The image; see the whole pool."""
        self._row_of(id)
        return self.pool.load(id)

    def content_hash(self, id: str) -> str:
        """The hash; see the whole pool."""
        self._row_of(id)
        return self.pool.content_hash(id)


def channels_of(pool: Pool) -> int:
    """1 (gray), 3 (RGB), or 0 for feature vectors; works on any pool.

    Raises:
        DataError: the pool is empty, or its first image has another number of channels.
    """
    if isinstance(pool, EncodedPool | ArrayPool | Subset | VectorRows):
        return pool.channels
    if not pool.ids():
        raise DataError("the pool is empty")
    first = pool.load(pool.ids()[0])
    return 0 if first.ndim == 1 else _checked(first.shape[2])


def load_square(pool: Pool, id: str, size: int) -> npt.NDArray[np.uint8]:
    """An image resized to (size, size, channels), by the shortest way the pool has; works on any pool.

    Raises:
        UnreadableImage: it cannot be decoded.
    """
    if isinstance(pool, Subset):
        return load_square(pool.pool, id, size)
    if isinstance(pool, EncodedPool):
        return pool.load(id, size)
    return images.resize(pool.load(id).astype(np.uint8, copy=False), size)


def probe(pool: Pool, id: str) -> Probe:
    """What an image is, having proved that it decodes; works on any pool.

    A vector of D values is 1 x D, of mode "vector".

    Raises:
        UnreadableImage: it cannot be decoded.
    """
    if isinstance(pool, Subset):
        return probe(pool.pool, id)
    if isinstance(pool, EncodedPool):
        return pool.probe(id)
    image = pool.load(id)
    if image.ndim == 1:
        return Probe("vector", 1, image.shape[0])
    return Probe("L" if image.shape[2] == 1 else "RGB", image.shape[0], image.shape[1])


def size_of(pool: Pool, id: str) -> tuple[int, int]:
    """(width, height) of an image in pixels, upright; by its header alone where the pool has one.

    Raises:
        UnreadableImage: it does not begin like an image.
    """
    if isinstance(pool, Subset):
        return size_of(pool.pool, id)
    if isinstance(pool, EncodedPool):
        return pool.size(id)
    found = probe(pool, id)
    return found.width, found.height


def stamp(pool: Pool, id: str) -> str | None:
    """What stays the same as long as the bytes behind an id do; works on any pool.

    Returns:
        Text to compare; None when nothing but the bytes themselves says whether they are those of before.
    """
    if isinstance(pool, Subset):
        return stamp(pool.pool, id)
    return pool.stamp(id) if isinstance(pool, EncodedPool) else None


def _checked(channels: int) -> int:
    if channels not in (1, 3):
        raise DataError(f"images have 1 or 3 channels, not {channels}")
    return channels

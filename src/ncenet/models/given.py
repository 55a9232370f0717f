"""Images that somebody hands over one by one, as a pool."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import PIL.Image

from ncenet.data import images as decoder
from ncenet.data.images import Undecodable
from ncenet.data.rows import RowOf
from ncenet.errors import DataError, UnreadableImage
from ncenet.text_files import read_whole

if TYPE_CHECKING:
    import numpy.typing as npt

_ENCODED = bytes | bytearray | memoryview
ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | PIL.Image.Image | npt.NDArray[np.uint8]"
"""A path, encoded bytes, a Pillow image, or an array uint8 (H, W) or (H, W, channels)."""


class GivenPool:
    """Images of any kind, decoded alike.

    Args:
        images: one image or several. An array (N, H, W, channels) is several.
        channels: 1 (gray) or 3 (RGB).
    """

    def __init__(self, images: ImageLike | Sequence[ImageLike], *, channels: int) -> None:
        several = isinstance(images, Sequence) and not isinstance(
            images, str | bytes | bytearray | memoryview
        )
        if isinstance(images, np.ndarray):
            several = images.ndim == 4
        self._images: Sequence[ImageLike] = list(cast("Sequence[ImageLike]", images if several else [images]))
        self.channels = channels
        named = [str(image) if isinstance(image, str | os.PathLike) else "" for image in self._images]
        distinct = all(named) and len(set(named)) == len(named)
        self._ids = named if distinct else [str(row) for row in range(len(named))]
        self._row_of = RowOf(self._ids)

    def ids(self) -> list[str]:
        """The paths, or numbers from 0 when there are images without one or twice the same."""
        return self._ids

    def load(self, id: str) -> npt.NDArray[np.uint8]:
        """The image (H, W, channels).

        Raises:
            UnreadableImage: it cannot be decoded.
            DataError: an array of another type or shape.
        """
        given = self._images[self._row_of(id)]
        if isinstance(given, np.ndarray):
            return self._from_array(id, given)
        if not isinstance(given, PIL.Image.Image | str | os.PathLike | _ENCODED):
            raise DataError(
                f"image {id}: a {type(given).__name__} is no path, bytes, Pillow image or array uint8"
            )
        try:
            if isinstance(given, PIL.Image.Image):
                return decoder.pixels_of(given, self.channels)
            if isinstance(given, str | os.PathLike):
                return decoder.decode(read_whole(Path(given), most=decoder.MAX_BYTES), self.channels)
            return decoder.decode(bytes(given), self.channels)
        except OSError as error:
            raise UnreadableImage(id, (error.strerror or str(error)).lower()) from error
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error

    def content_hash(self, id: str) -> str:
        """BLAKE2b of the decoded pixels, 128 bits, as 32 hexadecimal digits."""
        return hashlib.blake2b(self.load(id).tobytes(), digest_size=16).hexdigest()

    def _from_array(self, id: str, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
            raise DataError(
                f"image {id}: arrays are uint8 (H, W) or (H, W, 1 or 3), got {pixels.dtype} {pixels.shape}"
            )
        if pixels.shape[2] == self.channels:
            return pixels
        if self.channels == 3:
            return pixels.repeat(3, axis=2)
        return np.asarray(PIL.Image.fromarray(pixels).convert("L"))[..., None]

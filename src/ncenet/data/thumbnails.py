"""Images for people to look at: encoded anew, so that what is served is an image whatever the file was."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image

from ncenet.data import images
from ncenet.data.images import Undecodable
from ncenet.data.pools import EncodedPool, Subset
from ncenet.errors import UnreadableImage
from ncenet.types import Pool

MAX_PIXELS = 100_000_000
"""Larger images are not shown (ours): decoded, they would take 300 MB for each person who looks."""
LOSSLESS_SIDE = 96
"""Images up to this side go out as PNG: enlarged, the artefacts of JPEG would be what people see."""
QUALITY = 88
"""Of JPEG."""


def preview(pool: Pool, id: str, side: int) -> tuple[bytes, str]:
    """An image in a format of ours, no side longer than wanted; without any metadata of the file.

    Args:
        pool: where the image is.
        id: which one.
        side: longest side in pixels.

    Returns:
        The encoded bytes, and their media type: ``"image/png"`` or ``"image/jpeg"``.

    Raises:
        UnreadableImage: it cannot be decoded, is too large to be shown, or is a feature vector.
        DataError: there is no such id.
    """
    image = _shrunk(pool, id, side)
    small = max(image.size) <= LOSSLESS_SIDE
    data = io.BytesIO()
    if small:
        image.save(data, "PNG")
    else:
        image.save(data, "JPEG", quality=QUALITY)
    return data.getvalue(), "image/png" if small else "image/jpeg"


def _shrunk(pool: Pool, id: str, side: int) -> PIL.Image.Image:
    if isinstance(pool, Subset):
        return _shrunk(pool.pool, id, side)
    if isinstance(pool, EncodedPool):
        try:
            return images.shrink(pool.read(id), side, max_pixels=MAX_PIXELS)
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error
    pixels = pool.load(id)
    if pixels.ndim != 3:
        raise UnreadableImage(id, "a feature vector can't be shown")
    image = PIL.Image.fromarray(np.asarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels, np.uint8))
    image.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return image

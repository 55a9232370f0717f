"""Images as batches bring them, decoded into what a model reads; what is broken becomes a reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from ncenet.data import images
from ncenet.data.images import Undecodable
from ncenet.data.shard_files import fetched
from ncenet.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.models.model import DetectionModel, Model

NOTHING = "no bytes in this row"


@dataclass(frozen=True)
class Decoded:
    """An image as a model reads it.

    Attributes:
        pixels: (S, S, channels) uint8, or the vector (D,) float32 for a model of vectors.
        size: width and height that it had, upright.
        reason: why there are no pixels; empty when there are.
    """

    pixels: npt.NDArray[Any]
    size: tuple[int, int]
    reason: str = ""


def decode_one(model: Model | DetectionModel, given: Any) -> Decoded:
    """Decode an image for a model; never raises for what the image is."""
    try:
        if len(model.shape) == 1:
            return Decoded(_vector(given, model.shape[0]), (1, 1))
        data = _data(given)
        if isinstance(data, bytes):
            return Decoded(_square(model, data), images.upright_size(data))
        return Decoded(_square(model, _png(data)), (data.shape[1], data.shape[0]))
    except (Undecodable, DataError) as error:
        return Decoded(np.zeros(0, np.uint8), (0, 0), str(error))


def _data(given: Any) -> bytes | npt.NDArray[np.uint8]:
    """Encoded bytes, or pixels (H, W, channels)."""
    if isinstance(given, DataError):  # whoever was to fetch them found out why not
        raise given
    if isinstance(given, Mapping):
        given = given.get("bytes") if given.get("bytes") is not None else given.get("path")
    if given is None or (isinstance(given, float) and given != given):  # pandas has nan for what is missing
        raise Undecodable(NOTHING)
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given)
    if isinstance(given, str | os.PathLike):
        return fetched(os.fspath(given) or None) or b""
    if isinstance(given, PIL.Image.Image):
        gray = given.mode in ("1", "L")
        return images.pixels_of(given, 1 if gray else 3)
    pixels = np.asarray(given)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise Undecodable(f"an array {pixels.dtype} {pixels.shape}, not uint8 (H, W) or (H, W, 1 or 3)")
    return pixels


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Pixels as a file without loss, so that an array goes the same way as a file."""
    data = BytesIO()
    PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(
        data, "PNG", compress_level=0
    )
    return data.getvalue()


def _square(model: Model | DetectionModel, data: bytes) -> npt.NDArray[np.uint8]:
    eyes = getattr(model, "eyes", None)
    if eyes is not None:
        square: npt.NDArray[np.uint8] = eyes.extractor.preprocessing.of_bytes(data)
        return square
    channels, side, _ = model.shape
    return images.decode(data, channels, side)


def _vector(given: Any, dim: int) -> npt.NDArray[np.float32]:
    try:
        vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise Undecodable("not a vector of numbers") from error
    if vector.shape != (dim,) or not np.isfinite(vector).all():
        raise Undecodable(f"not a vector of {dim} finite numbers")
    return vector

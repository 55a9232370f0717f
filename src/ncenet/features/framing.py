"""How an image becomes the square that a pretrained network reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import PIL.Image

from ncenet.data import images
from ncenet.data.images import Undecodable
from ncenet.data.pools import EncodedPool, Subset
from ncenet.errors import UnreadableImage
from ncenet.recipe import Framing

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.types import Pool

Interpolation: TypeAlias = Literal["bilinear", "bicubic", "lanczos"]

DRAFT = 1.0
"""A JPEG is decoded at the smallest scale that has so many pixels for each one wanted (ours); see
``benchmarks/results/embed.md``."""


@dataclass(frozen=True)
class Preprocessing:
    """What an extractor does to an image before its network sees it.

    Attributes:
        side: of the square, in pixels.
        framing: ``"crop"`` keeps the aspect ratio and cuts the middle out, ``"squash"`` keeps everything but
            the aspect ratio, ``"pad"`` keeps both and adds gray bars.
        kept: what ``"crop"`` keeps of the shorter side, in (0, 1].
        interpolation: of the resizing, always antialiased.
        mean, std: of the pixels in 0..1, per channel; the network is given (pixel / 255 - mean) / std.

    >>> Preprocessing(side=224).square(PIL.Image.new("RGB", (640, 480))).shape
    (224, 224, 3)
    """

    side: int
    framing: Framing = "crop"
    kept: float = 1.0
    interpolation: Interpolation = "bicubic"
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    def about(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    def square(self, image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
        """The square (side, side, 3) of an RGB image.

        >>> wide = PIL.Image.new("RGB", (40, 20))
        >>> Preprocessing(side=8, framing="pad").square(wide)[:, 0, 0].tolist()
        [128, 128, 0, 0, 0, 0, 128, 128]
        """
        width, height = image.size
        side, how = self.side, PIL.Image.Resampling[self.interpolation.upper()]
        if self.framing == "squash":
            return np.asarray(image.resize((side, side), how))
        if self.framing == "crop":
            # The middle is cut out in the pixels of the image, so that what is thrown away is never resized.
            part = self.kept * min(width, height)
            left, top = (width - part) / 2, (height - part) / 2
            return np.asarray(image.resize((side, side), how, box=(left, top, left + part, top + part)))
        scale = side / max(width, height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        square = PIL.Image.new("RGB", (side, side), tuple(round(255 * m) for m in self.mean[:3]))
        square.paste(image.resize(inner, how), ((side - inner[0]) // 2, (side - inner[1]) // 2))
        return np.asarray(square)

    def of_bytes(self, data: bytes) -> npt.NDArray[np.uint8]:
        """The square (side, side, 3) of an encoded image.

        Raises:
            Undecodable: with the reason in one line.
        """
        wanted = self.side / self.kept if self.framing == "crop" else self.side
        return self.square(images.upright(data, 3, at_least=round(DRAFT * wanted)))


def square_of(
    pool: Pool, id: str, how: Preprocessing, *, wanted: Callable[[str], bool]
) -> tuple[str, npt.NDArray[np.uint8] | None]:
    """Content hash and square (side, side, 3) of an image of any pool, its bytes read once.

    Args:
        pool: where the image is.
        id: which one.
        how: what becomes of it.
        wanted: told the hash; an image that is not wanted is not decoded, and there is no square.

    Raises:
        UnreadableImage: it cannot be decoded.
    """
    if isinstance(pool, Subset):
        return square_of(pool.pool, id, how, wanted=wanted)
    if isinstance(pool, EncodedPool):
        data = pool.read(id)
        hash = images.content_hash(data)
        try:
            return hash, how.of_bytes(data) if wanted(hash) else None
        except Undecodable as error:
            raise UnreadableImage(id, str(error)) from error
    hash = pool.content_hash(id)
    if not wanted(hash):
        return hash, None
    pixels = pool.load(id).astype(np.uint8, copy=False)
    gray = pixels.shape[2] == 1
    image = PIL.Image.fromarray(pixels[..., 0] if gray else pixels).convert("RGB")
    return hash, how.square(image)

"""From encoded bytes to 8-bit pixels: whatever a folder holds is read alike, or refused with a reason.

=====================  =======================================================================
stored as              becomes
=====================  =======================================================================
1-bit, gray, palette   gray or RGB, as asked for
transparent            composited on white
CMYK, YCbCr            RGB by Pillow's plain formula, without colour profiles
16-bit                 divided by 257, so 65535 becomes 255: scaled, never clipped
rotated by EXIF        upright
animated, many pages   the first frame
HEIC                   read where the extra ``heic`` is installed
float, wide integers   refused: nothing says which value is white
=====================  =======================================================================
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import PIL.Image
from PIL import ExifTags, ImageOps
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

from ncenet.data.room import Room

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 250_000_000
"""Largest width x height that is decoded; in RGB that is 750 MB, and three times as much while it is
decoded. All threads of a process together decode no more than that at once."""
MAX_BYTES = 3 * MAX_PIXELS + 2**20
"""Largest file that is read: its pixels as they are, and some room for what else is in it (ours)."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
"""Pillow's names of the formats that are read. Formats that run other programs (EPS, PDF) are left out."""

_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
"""What says in the first bytes of a file that it is a HEIC photo."""

_GRAY_MODES = {"1", "L", "LA", "La", "I", "F"}
_ROWS = 256
_ROOM = Room(MAX_PIXELS)
_OTHERS = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG drawing"),
    (b"version https://git-lfs", "the place-holder of Git LFS; fetch the file itself with git lfs pull"),
    (b"%pdf", "a PDF"),
    (b"pk\3\4", "a ZIP archive"),
)
"""What often comes under the name of an image."""
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap width and height


class Undecodable(Exception):
    """The bytes are not an image that can be decoded. A pool turns it into UnreadableImage, with the id.

    Args:
        why: the reason, in one line.
    """


class Probe(NamedTuple):
    """What an image is, without its pixels.

    Attributes:
        mode: Pillow's name of how the pixels are stored ("RGB", "L", "CMYK", "P", "I;16"...).
        height: in pixels, upright.
        width: in pixels, upright.
    """

    mode: str
    height: int
    width: int


def content_hash(data: bytes) -> str:
    """BLAKE2b of encoded bytes, 128 bits, as 32 hexadecimal digits.

    >>> content_hash(b"")
    'cae66941d9efbd404e4d88758ea67670'
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def decode(data: bytes, channels: int, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Decode an image.

    Args:
        data: the encoded bytes.
        channels: 1 (gray) or 3 (RGB).
        size: resize to a square of this side, as :func:`resize` does. A JPEG is then decoded at the smallest
            scale that still has two pixels for each one wanted, which is several times faster.

    Returns:
        (H, W, channels) uint8, or (size, size, channels).

    Raises:
        Undecodable: with the reason in one line.
    """
    image = upright(data, channels, at_least=None if size is None else 2 * size)
    if size is not None:
        image = _square(image, size)
    return np.array(image).reshape(image.height, image.width, channels)


def upright(data: bytes, channels: int, *, at_least: int | None = None) -> PIL.Image.Image:
    """Decode an image into one of Pillow's: upright, without transparency, in gray or RGB.

    Args:
        data: the encoded bytes.
        channels: 1 (gray) or 3 (RGB).
        at_least: a JPEG is decoded at the smallest scale at which either side still has so many pixels.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        image = _open(data)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        return _stand_up(image, channels)


def pixels_of(image: PIL.Image.Image, channels: int) -> npt.NDArray[np.uint8]:
    """The pixels of an image that somebody opened or made with Pillow: those that its file would have.

    Args:
        image: stays as it is. Of several frames the one counts at which it stands.
        channels: 1 (gray) or 3 (RGB).

    Returns:
        (H, W, channels) uint8.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        _refuse_larger(image, MAX_PIXELS, f"{MAX_PIXELS / 1e6:.0f}: scale it down")
        standing = _stand_up(image.copy(), channels)
        return np.array(standing).reshape(standing.height, standing.width, channels)


def shrink(data: bytes, side: int, *, max_pixels: int = MAX_PIXELS) -> PIL.Image.Image:
    """Decode an image for people to look at: its own shape, in gray or RGB, no side longer than wanted.

    Args:
        data: the encoded bytes.
        side: longest side in pixels; smaller images keep their size.
        max_pixels: refuse larger ones before they are decoded.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        image = _open(data)
        _refuse_larger(image, max_pixels, f"the {max_pixels / 1e6:.0f} that are shown")
        image.draft(None, (side, side))
        with _ROOM.of(image.width * image.height):
            ImageOps.exif_transpose(image, in_place=True)
            upright = _eight_bits(image)
            upright = upright if upright.mode == "L" else upright.convert("RGB")
            upright.thumbnail((side, side), PIL.Image.Resampling.LANCZOS, reducing_gap=2.0)
            return upright


def probe_bytes(data: bytes) -> Probe:
    """Prove that the bytes decode, as cheaply as that can be done, and say what they are.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        image = _open(data)
        mode, (width, height) = image.mode, _upright_size(image)
        image.draft(None, (1, 1))
        with _ROOM.of(image.width * image.height):
            image.load()
            check_values(image)
        return Probe(mode, height, width)


def upright_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels, upright, by the header alone.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        return _upright_size(_open(data))


def exif_of(data: bytes) -> PIL.Image.Exif:
    """What a camera wrote into an image, by its header alone; empty where it wrote nothing.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        return _open(data).getexif()


def stored_gray(data: bytes) -> bool:
    """Whether the header says that the image has no colours.

    Raises:
        Undecodable: with the reason in one line.
    """
    with _reasons():
        mode = _open(data).mode
        return mode in _GRAY_MODES or mode.startswith("I;")


def resize(pixels: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Resize to a square, with antialiasing (bilinear). Nothing is cut off; the aspect ratio is not kept.

    Args:
        pixels: (H, W, channels) with 1 or 3 channels.
        size: side of the square.

    Returns:
        (size, size, channels).
    """
    if pixels.shape[:2] == (size, size):
        return pixels
    channels = pixels.shape[2]
    image = PIL.Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    return np.array(_square(image, size)).reshape(size, size, channels)


def _stand_up(image: PIL.Image.Image, channels: int) -> PIL.Image.Image:
    """An image that is ours to turn, upright and in gray or RGB."""
    with _ROOM.of(image.width * image.height):
        ImageOps.exif_transpose(image, in_place=True)
        standing = _eight_bits(image)
        mode = "L" if channels == 1 else "RGB"
        if standing.mode != mode:
            standing = standing.convert(mode)
        standing.load()
        return standing


def _upright_size(image: ImageFile) -> tuple[int, int]:
    """(width, height) that an image has when it is upright, by its header."""
    width, height = image.size
    if isinstance(image, TiffImageFile):  # Pillow turns the size of this one form when it reads the header
        width, height = image.tag_v2[IMAGEWIDTH], image.tag_v2[IMAGELENGTH]
    sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    return (height, width) if sideways else (width, height)


def _refuse_larger(image: PIL.Image.Image, most: int, than: str) -> None:
    pixels = image.width * image.height
    if pixels > most:
        raise Undecodable(
            f"{image.width} x {image.height} is {pixels / 1e6:.0f} megapixels, more than {than}"
        )


def _square(image: PIL.Image.Image, size: int) -> PIL.Image.Image:
    if image.size == (size, size):
        return image
    return image.resize((size, size), PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)


def _open(data: bytes) -> ImageFile:
    """Read the header.

    Unlike ``Image.open``, which warns of large images by a limit that is global to the process (and warnings
    cannot be silenced in one thread alone), this refuses them by a limit of its own.
    """
    PIL.Image.init()
    for name in FORMATS:
        if name not in PIL.Image.OPEN:
            continue
        factory, accept = PIL.Image.OPEN[name]
        accepted = accept is not None and accept(data[:16])
        if isinstance(accepted, str):
            raise Undecodable(accepted)
        if not accepted:
            continue
        try:
            image = factory(io.BytesIO(data), "")
        except Exception as error:
            raise Undecodable(f"broken {name} header: {_line(error)}") from error
        _refuse_larger(image, MAX_PIXELS, f"{MAX_PIXELS / 1e6:.0f}: scale it down")
        return image
    if _is_heic(data):
        return _open_heic(data)
    raise Undecodable(f"not an image: {_look(data)}" if data else "empty file")


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC


def _open_heic(data: bytes) -> ImageFile:
    """The same of a HEIC photo, as telephones make them; upright already."""
    try:
        plug_in: Any = import_module("pillow_heif")
    except ImportError:
        raise Undecodable(
            "a HEIC photo: pip install 'ncenet[heic]' reads it, or convert it to JPEG"
        ) from None
    try:
        image: ImageFile = plug_in.HeifImageFile(io.BytesIO(data), "")
    except Exception as error:
        raise Undecodable(f"a HEIC photo with a broken header: {_line(error)}") from error
    _refuse_larger(image, MAX_PIXELS, f"{MAX_PIXELS / 1e6:.0f}: scale it down")
    return image


def _look(data: bytes) -> str:
    """What the bytes look like instead; nothing of them is quoted, for they may be anything."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[4:8] == b"ftyp":
        return "a video, or a photo of another kind; convert it to JPEG"
    for beginning, what in _OTHERS:
        if start.startswith(beginning):
            return what
    try:
        text = data[:64].decode("utf-8", errors="strict" if len(data) <= 64 else "ignore")
    except UnicodeDecodeError:
        text = ""
    readable = text and all(c.isprintable() or c.isspace() for c in text)
    return "text" if readable else "it begins like none of the formats that are read"


def _eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """To 8 bits a channel, without transparency; still in any colour space."""
    check_values(image)
    if image.mode.startswith("I"):
        scaled = np.empty((image.height, image.width), np.uint8)
        for top in range(0, image.height, _ROWS):  # in strips: whole it would take 16 bytes a pixel
            strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
            scaled[top : top + _ROWS] = (np.asarray(strip).astype(np.uint32) + 128) // 257
        return PIL.Image.fromarray(scaled)
    if image.has_transparency_data:
        above = image.convert("RGBA")
        return PIL.Image.alpha_composite(PIL.Image.new("RGBA", above.size, "white"), above).convert("RGB")
    return image


def check_values(image: PIL.Image.Image) -> None:
    """Whether the pixels are of a kind that has a white."""
    if image.mode == "F":
        raise Undecodable(
            "floating-point pixels: nothing says which value is white; convert it to 8 or 16 bits"
        )
    if image.mode == "I":
        least, most = image.getextrema()
        if cast(int, least) < 0 or cast(int, most) > 65535:
            raise Undecodable("integer pixels beyond 16 bits: nothing says which value is white")


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn whatever malformed bytes lead a decoder to raise into one kind of error."""
    try:
        yield
    except (Undecodable, MemoryError):  # the machine is too small, whatever the image is
        raise
    # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error, zlib.error and more; whichever
    # it is, the image has to be reported by name and the others read on.
    except Exception as error:
        raise Undecodable(_line(error)) from error


def _line(error: Exception) -> str:
    """What a decoder says, without the bytes of the file that it quotes: those stand in quotes, or last."""
    said = re.sub(r"b?(['\"]).*?\1", "...", " ".join(str(error).split()))
    return said.partition(": ")[0][:200] or type(error).__name__

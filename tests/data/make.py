"""Real image files, good and bad, for the tests of this folder."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image


def encode(image: PIL.Image.Image, format: str, **options) -> bytes:
    data = io.BytesIO()
    image.save(data, format, **options)
    return data.getvalue()


def photo(seed: int = 0, *, height: int = 24, width: int = 32) -> PIL.Image.Image:
    """A smooth colour image: lossy formats keep it within a few levels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return PIL.Image.fromarray(coarse).resize((width, height), PIL.Image.Resampling.BILINEAR)


def jpeg(seed: int = 0, **size) -> bytes:
    return encode(photo(seed, **size), "JPEG", quality=95)


def gray_png(seed: int = 0) -> bytes:
    return encode(photo(seed).convert("L"), "PNG")


def bomb_png(width: int, height: int) -> bytes:
    """A small PNG file whose header promises a huge image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def write(root: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root

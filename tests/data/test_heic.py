"""HEIC photos, as telephones make them; with the extra ``heic`` and without."""

from __future__ import annotations

import io
import sys

import numpy as np
import PIL.Image
import pytest

from ncenet.data import images
from ncenet.data.exif import taken
from ncenet.data.images import Undecodable
from ncenet.data.pools import FolderPool
from ncenet.data.thumbnails import preview


@pytest.fixture
def photo() -> bytes:
    """80 x 60, red above and blue below, with a moment in it."""
    heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[:30, :, 0] = pixels[30:, :, 2] = 255
    exif = PIL.Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2026:06:01 12:30:05"
    data = io.BytesIO()
    heif.from_pillow(PIL.Image.fromarray(pixels)).save(data, exif=exif.tobytes())
    return data.getvalue()


def test_it_is_an_image_like_any_other(photo, tmp_path):
    (tmp_path / "a.heic").write_bytes(photo)
    pool = FolderPool(tmp_path)
    assert (pool.ids(), pool.channels, pool.size("a.heic")) == (("a.heic",), 3, (80, 60))
    pixels = pool.load("a.heic")
    assert pixels.shape == (60, 80, 3)
    assert pixels[5, 40].argmax() == 0 and pixels[55, 40].argmax() == 2
    assert pool.load("a.heic", 32).shape == (32, 32, 3) and pool.probe("a.heic").mode == "RGB"
    shown = PIL.Image.open(io.BytesIO(preview(pool, "a.heic", 40)[0]))
    assert shown.size == (40, 30) and shown.format == "PNG"
    assert taken(photo).at == "2026-06-01 12:30:05"
    assert "HEIF" not in PIL.Image.OPEN, "nothing is registered for the whole process"


@pytest.mark.parametrize("length", [12, 40, 200, -40])
def test_half_of_one_is_refused_with_a_reason(photo, length):
    with pytest.raises(Undecodable):
        images.decode(photo[:length], 3)


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(Undecodable, match=r"a HEIC photo: pip install 'ncenet\[heic\]' reads it"):
        images.decode(b"\0\0\0\x18ftypheic\0\0\0\0" + b"\0" * 99, 3)


def test_larger_ones_than_may_be_are_refused_by_their_header(photo, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(Undecodable, match="80 x 60 is 0 megapixels, more than"):
        images.decode(photo, 3)

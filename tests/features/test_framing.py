"""From an image to the square that a network reads."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from ncenet.data.images import content_hash
from ncenet.data.pools import ArrayPool, FolderPool, Subset
from ncenet.errors import UnreadableImage
from ncenet.features.framing import Preprocessing, square_of
from tests.data.make import encode, photo, write


def striped(width=60, height=20):
    """Red in the left third, green in the middle, blue in the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for part in range(3):
        pixels[:, part * width // 3 : (part + 1) * width // 3, part] = 255
    return PIL.Image.fromarray(pixels)


def everywhere(wanted):
    return True


def test_crop_keeps_the_middle_alone():
    square = Preprocessing(10, "crop").square(striped())
    assert square.shape == (10, 10, 3) and (square[:, 2:-2] == (0, 255, 0)).all()


def test_squash_keeps_all_of_it():
    square = Preprocessing(12, "squash").square(striped())
    assert [square[5, column].argmax() for column in (1, 6, 10)] == [0, 1, 2]


def test_pad_keeps_all_of_it_and_its_shape():
    square = Preprocessing(12, "pad", mean=(0.5, 0.25, 0)).square(striped())
    assert (square[:4] == (128, 64, 0)).all() and (square[8:] == (128, 64, 0)).all()
    assert [square[5, column].argmax() for column in (1, 6, 10)] == [0, 1, 2]


def test_crop_may_keep_less_than_the_shorter_side():
    frame = np.full((20, 20, 3), 255, np.uint8)
    frame[3:-3, 3:-3] = 0
    assert Preprocessing(10, "crop", kept=1.0).square(PIL.Image.fromarray(frame)).max() == 255
    assert Preprocessing(10, "crop", kept=0.5).square(PIL.Image.fromarray(frame)).max() == 0


@pytest.mark.parametrize("framing", ["crop", "squash", "pad"])
def test_a_jpeg_decoded_small_is_nearly_the_same(framing):
    data = encode(photo(height=600, width=800), "JPEG", quality=95)
    how = Preprocessing(40, framing)
    small, whole = how.of_bytes(data), how.square(PIL.Image.open(io.BytesIO(data)))
    assert np.abs(small.astype(int) - whole).mean() < 3


def test_every_kind_of_pool_gives_hash_and_square(tmp_path):
    pool = FolderPool(write(tmp_path, {"a.png": encode(striped(), "PNG")}))
    how = Preprocessing(10, "crop")
    hash, square = square_of(pool, "a.png", how, wanted=everywhere)
    assert hash == pool.content_hash("a.png") == content_hash((tmp_path / "a.png").read_bytes())
    assert (square[:, 5] == (0, 255, 0)).all()
    again = square_of(Subset(pool, ["a.png"]), "a.png", how, wanted=everywhere)
    assert again[0] == hash and np.array_equal(again[1], square)
    gray = ArrayPool(np.full((1, 6, 6), 7, np.uint8))
    assert (square_of(gray, "00000", how, wanted=everywhere)[1] == 7).all()


def test_what_is_not_wanted_is_not_decoded(tmp_path):
    pool = FolderPool(write(tmp_path, {"a.png": encode(striped(), "PNG"), "b.png": b"no image"}))
    asked = []
    assert square_of(pool, "b.png", Preprocessing(10), wanted=asked.append) == (
        content_hash(b"no image"),
        None,
    )
    assert asked == [content_hash(b"no image")]
    with pytest.raises(UnreadableImage, match=r"b\.png: not an image"):
        square_of(pool, "b.png", Preprocessing(10), wanted=everywhere)

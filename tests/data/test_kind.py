"""Which images a network that was trained on photographs has something to say about."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from ncenet.data.kind import is_photographs
from ncenet.data.open import open_dataset


def folder(path, mode, side, count=20):
    path.mkdir()
    for n in range(count):
        pixels = np.random.default_rng(n).integers(0, 255, (side, side, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).convert(mode).save(path / f"{n:02}.png")
    return open_dataset(str(path)).pool


@pytest.mark.parametrize(
    ("mode", "side", "photographs"),
    [("RGB", 16, True), ("RGB", 200, True), ("L", 200, True), ("L", 28, False)],
)
def test_small_gray_images_are_none(tmp_path, mode, side, photographs):
    assert is_photographs(folder(tmp_path / "images", mode, side)) is photographs


def test_digits_and_vectors_are_none(tmp_path):
    assert not is_photographs(open_dataset("digits").pool)
    file = tmp_path / "vectors.npz"
    np.savez(file, X=np.ones((4, 8), np.float32), ids=np.array(list("abcd")))
    assert not is_photographs(open_dataset(str(file)).pool)


def test_an_image_that_cannot_be_read_decides_nothing(tmp_path):
    pool = folder(tmp_path / "images", "L", 28)
    (tmp_path / "images" / "00.png").write_bytes(b"")
    assert not is_photographs(pool)

"""Images for people to look at."""

import io

import numpy as np
import PIL.Image
import pytest

from ncenet.data.pools import ArrayPool, FolderPool, Subset
from ncenet.data.thumbnails import LOSSLESS_SIDE, preview
from ncenet.errors import DataError, UnreadableImage
from tests.data.make import bomb_png, encode, jpeg, photo, write


def shown(pool, id, side=100):
    data, media_type = preview(pool, id, side)
    image = PIL.Image.open(io.BytesIO(data))
    assert media_type == f"image/{image.format.lower()}"
    return image


@pytest.fixture
def pool(tmp_path):
    turned = photo(height=120, width=300)
    exif = turned.getexif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret"
    files = {
        "wide.jpg": jpeg(height=120, width=300),
        "turned.jpg": encode(turned, "JPEG", exif=exif),
        "small.png": encode(photo(height=20, width=30), "PNG"),
        "clear.png": encode(photo().convert("RGBA"), "PNG"),
        "huge.png": bomb_png(20_000, 10_000),
    }
    return FolderPool(write(tmp_path, files))


def test_shrunk_to_the_side_in_its_own_shape(pool):
    image = shown(pool, "wide.jpg")
    assert (image.format, image.size) == ("JPEG" if LOSSLESS_SIDE < 100 else "PNG", (100, 40))


def test_small_images_keep_their_size_and_every_pixel(pool):
    image = shown(pool, "small.png")
    assert image.format == "PNG"
    assert np.array_equal(np.array(image), np.array(photo(height=20, width=30)))


def test_upright_and_without_what_the_file_says_of_itself(pool):
    data, _ = preview(pool, "turned.jpg", 100)
    assert PIL.Image.open(io.BytesIO(data)).size == (40, 100)
    assert b"a secret" not in data


def test_what_is_too_large_is_refused_before_it_is_decoded(pool):
    with pytest.raises(UnreadableImage, match="200 megapixels, more than the 100 that are shown"):
        preview(pool, "huge.png", 100)


def test_any_pool_and_no_vectors():
    gray = ArrayPool(np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1))
    assert np.array_equal(np.array(shown(Subset(gray, gray.ids()), gray.ids()[0])), gray.array[0, ..., 0])
    vectors = ArrayPool(np.zeros((1, 4), np.float32))
    with pytest.raises(UnreadableImage, match="a feature vector can't be shown"):
        preview(vectors, vectors.ids()[0], 100)
    with pytest.raises(DataError):
        preview(gray, "nowhere", 100)

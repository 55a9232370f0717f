import io

import numpy as np
import PIL.Image
import pytest

from ncenet.data.images import (
    MAX_PIXELS,
    Probe,
    Undecodable,
    decode,
    pixels_of,
    probe_bytes,
    resize,
    shrink,
    stored_gray,
    upright_size,
)

from .make import bomb_png, encode, gray_png, jpeg, photo

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_decode_exactly(format):
    image = photo()
    assert np.array_equal(decode(encode(image, format), 3), np.asarray(image))


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "JPEG2000", "AVIF"])
def test_lossy_formats_decode_closely(format):
    image = photo()
    error = decode(encode(image, format, quality=95), 3).astype(int) - np.asarray(image)
    assert np.abs(error).mean() < 4


def test_colour_becomes_gray_by_luma():
    image = photo()
    gray = decode(encode(image, "PNG"), 1)
    assert gray.shape == (24, 32, 1)
    assert np.abs(gray[..., 0] - np.asarray(image) @ LUMA).max() <= 1


def test_gray_becomes_three_equal_channels():
    colour = decode(gray_png(), 3)
    assert colour.shape == (24, 32, 3)
    assert np.array_equal(colour[..., 0], np.asarray(photo().convert("L")))
    assert (colour == colour[..., :1]).all()


def test_one_bit():
    dots = np.eye(9, dtype=bool)
    assert np.array_equal(decode(encode(PIL.Image.fromarray(dots), "PNG"), 1)[..., 0], dots * 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_clipped(format):
    values = np.array([[0, 128, 257, 1000], [32768, 40000, 65407, 65535]], dtype=np.uint16)
    decoded = decode(encode(PIL.Image.fromarray(values), format), 1)
    assert np.array_equal(decoded[..., 0], np.rint(values / 257).astype(np.uint8))


def test_big_endian_sixteen_bits():
    values = np.array([[0, 257, 65535]], dtype=">u2")
    image = PIL.Image.frombytes("I;16B", (3, 1), values.tobytes())
    assert decode(encode(image, "TIFF"), 1).tolist() == [[[0], [1], [255]]]


def test_palette():
    image = photo().quantize(16)
    assert np.array_equal(decode(encode(image, "PNG"), 3), np.asarray(image.convert("RGB")))


def test_transparent_palette_on_white():
    image = PIL.Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 10, 20])
    image.putdata([0, 1])
    assert decode(encode(image, "PNG", transparency=0), 3).tolist() == [[[255, 255, 255], [200, 10, 20]]]
    assert decode(encode(image, "GIF", transparency=0), 3).tolist() == [[[255, 255, 255], [200, 10, 20]]]


def test_alpha_is_composited_on_white():
    pixels = np.array([[[100, 0, 0, 255], [100, 0, 0, 0], [100, 0, 0, 51]]], dtype=np.uint8)
    decoded = decode(encode(PIL.Image.fromarray(pixels), "PNG"), 3)
    # The last: a fifth of (100, 0, 0) over four fifths of white.
    assert decoded.tolist() == [[[100, 0, 0], [255, 255, 255], [224, 204, 204]]]
    gray = PIL.Image.fromarray(np.array([[[0, 255], [0, 0]]], dtype=np.uint8), "LA")
    assert decode(encode(gray, "PNG"), 1).tolist() == [[[0], [255]]]


def test_cmyk():
    cmyk = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # magenta and yellow make red
    assert np.abs(decode(encode(cmyk, "JPEG"), 3).astype(int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotated_is_turned_upright(format, orientation):
    stored = photo(height=16, width=32)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    pixels = np.asarray(stored).astype(int)
    # What the eight values say of the stored rows and columns (EXIF 2.3, tag 0x0112).
    turns = [
        pixels, pixels[:, ::-1], pixels[::-1, ::-1], pixels[::-1],
        pixels.swapaxes(0, 1), np.rot90(pixels, -1), np.rot90(pixels, 2).swapaxes(0, 1), np.rot90(pixels, 1),
    ]  # fmt: skip
    upright = turns[orientation - 1]
    data = encode(stored, format, exif=exif, quality=95)
    decoded = decode(data, 3)
    assert decoded.shape == upright.shape
    assert np.abs(decoded - upright).mean() < 4
    assert probe_bytes(data)[1:] == upright.shape[:2]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_gives_the_first_frame(format):
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert PIL.Image.open(io.BytesIO(data)).n_frames == 3
    assert (decode(data, 3) == [255, 0, 0]).all()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"this is no image", "not an image: text"),
        (b"<!DOCTYPE html>\n<title>404</title>" * 9, "not an image: a web page"),
        (b"\0\1\2\3" * 9, "not an image: it begins like none of the formats"),
        (b"\0\0\0\x18ftypheic\0\0\0\0" + b"\0" * 99, "a HEIC photo"),
        (jpeg()[:-200], "truncated"),
        (jpeg()[:20], "broken JPEG header"),
        (gray_png()[:-60], "truncated"),
        (gray_png()[:20], "PNG"),
        (encode(photo(), "BMP")[:-100], "truncated"),
        (encode(PIL.Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "floating-point pixels"),
        (encode(PIL.Image.fromarray(np.full((2, 2), 70000, np.int32)), "TIFF"), "beyond 16 bits"),
        (bomb_png(30_000, 10_000), "30000 x 10000 is 300 megapixels, more than 250"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_cannot_be_decoded_is_refused_with_a_reason(data, why):
    for read in (lambda: decode(data, 3), lambda: decode(data, 1, 8), lambda: probe_bytes(data)):
        with pytest.raises(Undecodable) as refused:
            read()
        assert why in str(refused.value)
        assert "\n" not in str(refused.value)


def test_between_pillows_limit_and_ours_nothing_warns():
    # Pillow itself warns from 89 megapixels on, and refuses from 179 on.
    data = bomb_png(20_000, 10_000)
    assert 179e6 < 200e6 < MAX_PIXELS
    assert stored_gray(data) is False
    assert PIL.Image.MAX_IMAGE_PIXELS is not None, "the limit of the process is not ours to change"


def test_resize_averages_over_what_it_leaves_out():
    checkerboard = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    small = resize(checkerboard, 8)
    assert small.shape == (8, 8, 1)
    assert np.abs(small.astype(int) - 127).max() <= 8  # taking every eighth pixel would give 0 or 255


def test_resize_to_its_own_size_is_the_image():
    pixels = np.asarray(photo(height=8, width=8))
    assert np.array_equal(resize(pixels, 8), pixels)


def test_jpeg_draft_is_close_to_the_full_decode():
    data = jpeg(height=600, width=900)
    full = resize(decode(data, 3), 32)
    assert np.abs(decode(data, 3, 32).astype(int) - full).mean() < 2


def test_probe_and_gray():
    assert probe_bytes(jpeg(height=300, width=200)) == Probe("RGB", 300, 200)
    assert probe_bytes(gray_png()) == Probe("L", 24, 32)
    assert stored_gray(gray_png())
    assert not stored_gray(jpeg())
    assert stored_gray(encode(PIL.Image.fromarray(np.zeros((2, 2), np.uint16)), "PNG"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_look_at_an_image_agrees_how_it_stands(format, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo(height=40, width=100), format, exif=exif)
    standing = (100, 40) if orientation < 5 else (40, 100)
    assert decode(data, 3).shape[1::-1] == standing
    assert upright_size(data) == standing
    assert probe_bytes(data)[:0:-1] == standing
    assert shrink(data, 100).size == standing


def stored_as():
    """Images in the many ways that files hold them: bytes, by what they show."""
    image, gray = photo(), photo().convert("L")
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    alpha = np.linspace(0, 255, gray.width * gray.height, dtype=np.uint8).reshape(gray.height, gray.width)
    see_through = image.copy()
    see_through.putalpha(PIL.Image.fromarray(alpha))
    wide = PIL.Image.fromarray(np.asarray(gray).astype(np.uint16) * 200)
    return {
        "turned JPEG": encode(image, "JPEG", exif=turned),
        "turned TIFF": encode(image, "TIFF", exif=turned),
        "transparent": encode(see_through, "PNG"),
        "transparent gray": encode(see_through.convert("LA"), "PNG"),
        "transparent palette": encode(image.convert("P"), "PNG", transparency=3),
        "16 bits": encode(wide, "PNG"),
        "one bit": encode(image.convert("1"), "PNG"),
        "CMYK": encode(image.convert("CMYK"), "JPEG"),
    }


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", stored_as())
def test_what_pillow_opened_is_what_its_file_is(name, channels):
    data = stored_as()[name]
    opened = PIL.Image.open(io.BytesIO(data))
    before = opened.mode
    for _ in range(2):
        assert np.array_equal(pixels_of(opened, channels), decode(data, channels))
    assert opened.mode == before, "whose it is keeps it as it is"


def test_what_pillow_made_may_be_undecodable_too():
    with pytest.raises(Undecodable, match="floating-point pixels"):
        pixels_of(photo().convert("F"), 1)
    with pytest.raises(Undecodable, match="megapixels, more than 250: scale it down"):
        pixels_of(PIL.Image.new("1", (20_000, 20_000)), 1)

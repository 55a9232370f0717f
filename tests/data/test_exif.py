"""When and where an image was taken, as its file says."""

from __future__ import annotations

import io

import PIL.Image
import pytest
from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from ncenet.data.exif import Taken, taken


def photograph(base=(), more=(), place=(), form="JPEG") -> bytes:
    """An image with these tags."""
    exif = PIL.Image.Exif()
    exif.update(dict(base))
    exif.get_ifd(ExifTags.IFD.Exif).update(dict(more))
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(dict(place))
    data = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(data, form, exif=exif)
    return data.getvalue()


def at(latitude, longitude, sides="NE"):
    return {1: sides[0], 2: latitude, 3: sides[1], 4: longitude}


BERLIN = at((52.0, 30.0, 36.0), (13.0, 22.0, 30.0))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_moment_place_and_camera(form):
    data = photograph({271: "ACME", 272: "X 100"}, {36867: "2026:06:01 12:30:05"}, BERLIN, form)
    assert taken(data) == Taken("2026-06-01 12:30:05", 52.51, 13.375, "ACME X 100")


def test_south_and_west_are_negative_and_a_maker_stands_once():
    found = taken(
        photograph({271: "ACME", 272: "ACME One"}, place=at((33.0, 0.0, 0.0), (70.0, 30.0, 0.0), "SW"))
    )
    assert found == Taken(None, -33.0, -70.5, "ACME One")


def test_a_file_that_says_nothing():
    data = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(data, "PNG")
    assert taken(data.getvalue()) == Taken()


@pytest.mark.parametrize(
    "place",
    [
        at((91.0, 0.0, 0.0), (13.0, 0.0, 0.0)),
        at((52.0, 0.0, 0.0), (13.0, 0.0, 0.0), "XE"),
        at((52.0, 0.0), (13.0, 0.0, 0.0)),
        at((IFDRational(1, 0), 0.0, 0.0), (13.0, 0.0, 0.0)),
        {1: "N", 2: (52.0, 0.0, 0.0)},
    ],
)
def test_nonsense_is_no_place(place):
    found = taken(photograph(place=place))
    assert (found.latitude, found.longitude) == (None, None)


@pytest.mark.parametrize("moment", ["0000:00:00 00:00:00", "soon", "    :  :     :  :  "])
def test_nonsense_is_no_moment(moment):
    assert taken(photograph(more={36867: moment})).at is None

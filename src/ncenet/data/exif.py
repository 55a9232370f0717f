"""What a camera wrote into an image: when and where it was taken. Nothing learns from it."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from PIL import ExifTags

from ncenet.data.images import exif_of

_MOMENT = re.compile(r"(\d{4})[:\-](\d\d)[:\-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")


class Taken(NamedTuple):
    """When, where and by what an image was taken; None where the file doesn't say, or says nonsense.

    Attributes:
        at: date and time by the camera's clock, ``"2026-06-01 12:30:05"``.
        latitude: degrees, north is positive.
        longitude: degrees, east is positive.
        camera: maker and model.
    """

    at: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None


def taken(data: bytes) -> Taken:
    """What the EXIF of an image says, by its header alone.

    Args:
        data: the encoded bytes.

    Raises:
        Undecodable: the bytes do not begin like an image.
    """
    exif = exif_of(data)
    more = _part(exif, ExifTags.IFD.Exif)
    at = more.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    place = _part(exif, ExifTags.IFD.GPSInfo)
    latitude = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), "NS", 90)
    longitude = _degrees(
        place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), "EW", 180
    )
    if latitude is None or longitude is None:
        latitude = longitude = None
    maker, model = (_words(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    camera = model if maker is None or (model or "").startswith(maker) else f"{maker} {model or ''}".strip()
    return Taken(_moment(at), latitude, longitude, camera)


def _part(exif: Any, part: int) -> dict[int, Any]:
    try:
        found = exif.get_ifd(part)
    except Exception:  # noqa: BLE001 - whatever a malformed part makes Pillow raise, there is none to tell of
        return {}
    return found if isinstance(found, dict) else {}


def _moment(value: object) -> str | None:
    found = _MOMENT.match(value) if isinstance(value, str) else None
    if found is None or found[1] == "0000":
        return None
    return f"{found[1]}-{found[2]}-{found[3]} {found[4]}:{found[5]}:{found[6] or '00'}"


def _degrees(value: Any, side: Any, sides: str, most: float) -> float | None:
    """Degrees of three numbers and a letter.

    >>> _degrees((52, 30, 36.0), "S", "NS", 90)
    -52.51
    """
    try:
        degrees, minutes, seconds = (float(part) for part in value)
        found = degrees + minutes / 60 + seconds / 3600
        sign = (1, -1)[sides.index(str(side).strip("\0 ").upper()[:1] or "?")]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return round(sign * found, 6) if math.isfinite(found) and 0 <= found <= most else None


def _words(value: object) -> str | None:
    text = "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
    return text[:100] or None

"""What other programs write of their predictions, as tables of ids and found objects: one file a form.

A form enters by being a module of this package, one of a plug-in by an entry point of the group
``ncenet.prediction_forms``. Each is a function of an address that returns a table of pyarrow's, or None when
it is not of that form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ncenet import addresses
from ncenet.errors import DataError
from ncenet.registry import Registry
from ncenet.tables import pyarrow
from ncenet.text_files import parse_json

forms: Registry[Any] = Registry(
    "form of predictions", package="ncenet.selection.forms", group="ncenet.prediction_forms"
)


def box_table(objects: Mapping[str, Sequence[tuple[str, float, Sequence[float]]]]) -> Any:
    """A table of the columns ``id`` and ``boxes``.

    Args:
        objects: label, confidence and edges of each object by image.
    """
    pa = pyarrow("reading predictions")
    kind = pa.struct({"box": pa.list_(pa.float32()), "label": pa.string(), "likelihood": pa.float32()})
    rows = [
        [{"box": list(box), "label": label, "likelihood": score} for label, score, box in found]
        for found in objects.values()
    ]
    ids = pa.array(list(objects), pa.string())
    return pa.table({"id": ids, "boxes": pa.array(rows, pa.list_(kind))})


def id_of(value: object) -> str:
    """The id of an image as text.

    Raises:
        ValueError: it is neither text nor a whole number: written out, it would be an id that nobody gave.

    >>> id_of("007"), id_of(7)
    ('007', '7')
    """
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise ValueError(f"{value!r} names no image: text or a whole number does")
    return str(value)


def likelihood_of(value: Any) -> float:
    """How likely an object is there.

    Raises:
        ValueError: that is no number from 0 to 1.
    """
    if not 0 <= float(value) <= 1:
        raise ValueError(f"likelihoods are from 0 to 1, not {value}")
    return float(value)


def json_at(address: str) -> Any:
    """The content of a JSON file; None when its name ends in something else.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    if not address.lower().endswith(".json"):
        return None
    try:
        text = addresses.read_bytes(address).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{address}: not text in UTF-8: {error.reason} at byte {error.start}") from error
    return parse_json(text, address)

"""COCO results: a JSON list of objects with ``image_id``, ``category_id``, ``bbox`` and ``score``."""

from __future__ import annotations

from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms, id_of, json_at, likelihood_of


@forms.register("coco", order=10)
def coco(address: str) -> Any:
    """The objects by image, which goes by ``file_name`` where there is one, else by its number."""
    found = json_at(address)
    if (
        not isinstance(found, list)
        or not found
        or not isinstance(found[0], dict)
        or "image_id" not in found[0]
    ):
        return None
    objects: dict[str, list[tuple[str, float, list[float]]]] = {}
    names: dict[str, str] = {}
    for n, each in enumerate(found):
        try:
            x, y, width, height = map(float, each["bbox"])
            image, label, score = id_of(each["image_id"]), each["category_id"], likelihood_of(each["score"])
            name = image if each.get("file_name") is None else id_of(each["file_name"])
            if names.setdefault(image, name) != name:
                raise ValueError(f"the image {image!r} goes by {names[image]!r} before, and by {name!r} here")
            if label is None:
                raise ValueError("category_id is null")
            edges = [x, y, x + width, y + height]
            objects.setdefault(name, []).append((str(label), score, edges))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{address}: object {n} (counted from 0) has not image_id, category_id, bbox of four numbers "
                f"and score: {error!r}"
            ) from error
    return box_table(objects)

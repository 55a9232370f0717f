"""COCO results: a JSON list of objects with ``image_id``, ``category_id``, ``bbox`` and ``score``."""

from __future__ import annotations

from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms, json_at


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
    for n, each in enumerate(found):
        try:
            x, y, width, height = map(float, each["bbox"])
            image, label, score = each["image_id"], each["category_id"], float(each["score"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{address}: object {n} (counted from 0) has not image_id, category_id, bbox of four numbers "
                f"and score: {error!r}"
            ) from error
        objects.setdefault(str(each.get("file_name", image)), []).append(
            (str(label), score, [x, y, x + width, y + height])
        )
    return box_table(objects)

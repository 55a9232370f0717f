"""Tasks of Label Studio with predictions, as it exports them: rectangles with a label and a score."""

from __future__ import annotations

from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms, json_at


@forms.register("label-studio", order=20)
def label_studio(address: str) -> Any:
    """The rectangles of the last prediction of each task, in percent of the image.

    Ids are those of ncenet's own tasks, else the addresses of the images.
    """
    found = json_at(address)
    if (
        not isinstance(found, list)
        or not found
        or not isinstance(found[0], dict)
        or "predictions" not in found[0]
    ):
        return None
    objects: dict[str, list[tuple[str, float, list[float]]]] = {}
    for n, task in enumerate(found):
        try:
            data = task["data"]
            id = str(next(data[key] for key in ("ncenet_id", "id", "image") if key in data))
            predictions = task["predictions"]
            objects[id] = []
            for each in predictions[-1]["result"] if predictions else ():
                if each.get("type") != "rectanglelabels":
                    continue
                value = each["value"]
                score = each.get("score", predictions[-1].get("score"))
                x, y = float(value["x"]), float(value["y"])
                edges = [x, y, x + float(value["width"]), y + float(value["height"])]
                objects[id].append((str(value["rectanglelabels"][0]), float(score), edges))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration) as error:
            raise DataError(
                f"{address}: task {n} (counted from 0) is none with an image and rectangles that have a "
                f"score: {error!r}"
            ) from error
    return box_table(objects)

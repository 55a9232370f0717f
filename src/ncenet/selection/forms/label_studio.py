"""Tasks of Label Studio with predictions, as it exports them: rectangles with a label and a score."""

from __future__ import annotations

from typing import Any

from ncenet.errors import DataError
from ncenet.selection.forms import box_table, forms, id_of, json_at, likelihood_of

KEYS = ("ncenet_id", "id", "image")
"""Where the data of a task name its image, ncenet's own first."""


@forms.register("label-studio", order=20)
def label_studio(address: str) -> Any:
    """The rectangles of the last prediction of each task, in percent of the image.

    Ids are those of ncenet's own tasks, else the addresses of the images.
    """
    found = json_at(address)
    if not isinstance(found, list) or not any(
        isinstance(each, dict) and "predictions" in each for each in found
    ):
        return None
    objects: dict[str, list[tuple[str, float, list[float]]]] = {}
    others: set[str] = set()
    for n, task in enumerate(found):
        try:
            id = _id(task["data"])
            if id in objects:
                raise ValueError(f"its image {id!r} is that of a task before")
            predictions = task.get("predictions")
            objects[id] = []
            for each in predictions[-1]["result"] if predictions else ():
                if each.get("type") != "rectanglelabels":
                    others.add(str(each.get("type")))
                    continue
                value = each["value"]
                score = each.get("score")
                score = likelihood_of(predictions[-1].get("score") if score is None else score)
                x, y = float(value["x"]), float(value["y"])
                edges = [x, y, x + float(value["width"]), y + float(value["height"])]
                objects[id].append((str(value["rectanglelabels"][0]), score, edges))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DataError(
                f"{address}: task {n} (counted from 0) is none with an image and rectangles that have a "
                f"score: {error!r}"
            ) from error
    if others and not any(objects.values()):
        raise DataError(
            f"{address}: its predictions are {', '.join(sorted(others))}, and rectangles (rectanglelabels) "
            "are read; class likelihoods are read from Parquet and CSV files"
        )
    return box_table(objects)


def _id(data: dict[str, Any]) -> str:
    if (key := next((key for key in KEYS if key in data), None)) is None:
        raise ValueError(f"an image stands under {', '.join(KEYS)}, and here are {', '.join(data) or 'none'}")
    return id_of(data[key])

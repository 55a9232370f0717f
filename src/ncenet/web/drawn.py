"""Boxes that the page sends and shows, held against the run that they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from ncenet.boxes import Boxes
from ncenet.data.pools import size_of
from ncenet.errors import DataError, UnknownName
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.review import Said
from ncenet.types import Pool
from ncenet.web.messages import Entry

Size = tuple[int, int]
"""(width, height) of an original image, in pixels."""
KEPT_SIZES = 4096
"""Images whose size is remembered."""


class Sizes:
    """Sizes of original images by id; None for one that is unknown, gone from the pool, or no image any more.

    Args:
        ledger: knows which bytes an image had when it was looked at.
        pool: where the images are.
    """

    def __init__(self, ledger: Ledger, pool: Pool) -> None:
        self._ledger = ledger
        self._size = lru_cache(KEPT_SIZES)(lambda image, _hash: size_of(pool, image))

    def __call__(self, id: str) -> Size | None:
        """(width, height) of one image."""
        item = self._ledger.review.items([id]).get(id)
        try:
            return None if item is None else self._size(id, item.hash)
        except DataError:  # it can't be read, or the pool has it no longer
            return None


def check_entries(
    entries: Sequence[Entry],
    *,
    detection: bool,
    classes: Collection[str],
    size: Callable[[str], Size | None],
) -> None:
    """Make sure that answers are of the kind that a run takes, and that boxes lie where they can.

    Args:
        entries: what arrived.
        detection: whether the run asks for boxes.
        classes: the class names that are allowed.
        size: of an image, by its id; None when it is unknown, which the ledger will say.

    Raises:
        DataError: an answer is of the other kind, or a box reaches beyond its image; names the entry, counted
            from 0.
        UnknownName: a box is of none of the classes.
    """
    for n, entry in enumerate(entries):
        if entry.kind != "answer":
            continue
        drawn = entry.drawn()
        if detection and drawn is None:
            raise DataError(f"entries.{n}: this run asks for boxes, and this is a class: {entry.label!r}")
        if not detection and drawn is not None:
            raise DataError(f"entries.{n}: this run asks for classes, and these are boxes")
        if drawn is not None:
            _check_boxes(f"entries.{n}", drawn, classes, size(entry.id))


def _check_boxes(where: str, drawn: Boxes, classes: Collection[str], size: Size | None) -> None:
    for n, (box, label) in enumerate(zip(drawn.boxes, drawn.labels, strict=True)):
        if label not in classes:
            raise UnknownName("class", label, classes, where=f"{where}.boxes.{n}")
        if size is not None and (box[2] > size[0] or box[3] > size[1]):
            edges = ", ".join(f"{edge:g}" for edge in box)
            raise DataError(
                f"{where}.boxes.{n}: the box {edges} reaches beyond the image, which is {size[0]} x {size[1]}"
            )


def shown(said: Said, *, detection: bool) -> dict[str, Any]:
    """A past answer as JSON; in detection with its boxes in the place of their text."""
    fields = said._asdict()
    if not detection:
        return fields
    return fields | {"label": None, "boxes": None if said.label is None else json.loads(said.label)}

"""Boxes that the page sends and shows, held against the run that they belong to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ncenet.box_gate import BoxGate
from ncenet.errors import DataError
from ncenet.ledger.inbox import Delivery
from ncenet.ledger.review import Said
from ncenet.web.messages import Parcel


def deliveries(parcel: Parcel, *, detection: bool, gate: BoxGate) -> list[Delivery]:
    """Answers of the page as the ledger takes them, made sure to be of the kind that the run asks for.

    Args:
        parcel: what arrived.
        detection: whether the run asks for boxes.
        gate: what its boxes pass.

    Raises:
        DataError: an answer is of the other kind, or a box is none of its image; names the entry, counted
            from 0.
        UnknownName: a box is of none of the classes.
    """
    passed = []
    for n, entry in enumerate(parcel.entries):
        delivery = entry.delivery(parcel.who)
        if entry.kind == "answer" and detection:
            if entry.boxes is None:
                raise DataError(f"entries.{n}: this run asks for boxes, and this is a class: {entry.label!r}")
            label = gate.named(f"entries.{n}", entry.id, str(delivery.answer))
            delivery = replace(delivery, answer=label)
        elif entry.kind == "answer" and entry.boxes is not None:
            raise DataError(f"entries.{n}: this run asks for classes, and these are boxes")
        passed.append(delivery)
    return passed


def shown(said: Said, *, detection: bool) -> dict[str, Any]:
    """A past answer as JSON; in detection with its boxes in the place of their text."""
    fields = said._asdict()
    if not detection:
        return fields
    return fields | {"label": None, "boxes": None if said.label is None else json.loads(said.label)}

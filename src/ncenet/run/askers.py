"""Who had asked for an image when it was answered."""

from __future__ import annotations

from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import Provenance


def who_asked(ledger: Ledger) -> dict[str, Provenance]:
    """Of images with an answer that somebody had asked for, in the order of the first answers.

    A query holds more than is answered of it, and what is left over may be drawn by chance later. So it is
    the last query that held the image, of those of no later model than that of the first answer.
    """
    first: dict[str, int] = {}
    for event in ledger.events():
        if event.kind != "undo":
            first.setdefault(event.id, event.cycle)
    asked: dict[str, Provenance] = {}
    for query in ledger.queries():
        for id in query.query.ids:
            if id in first and query.cycle <= first[id]:
                asked[id] = query.asked
    return {id: asked[id] for id in first if id in asked}
